"""The wire: agent servers, their clients, and proxies for agents that live elsewhere.

The only place that knows gRPC, which is loaded when something is first sent or served, so that a
program can start a server before it loads what talking to it takes; and each name when it is first
used, since a server needs none of what clients do. Classes stand here under AgentScope's names.
"""

import os
from typing import TYPE_CHECKING

from .._lazy import lazy

# gRPC's own log line for every connection that ends would land in the user's cell.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
# Its support starts threads in a fork, which crash there sooner or later; see `_forks`.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")
# Its newer event engine hands all that is read to one thread more: twice the switches between threads, and
# a quarter more time, for each message that somebody waits for.
os.environ.setdefault("GRPC_EXPERIMENTS", "-event_engine_client,-event_engine_listener")

if TYPE_CHECKING:
    from ._attachment import Attachment
    from ._client import RpcAgentClient
    from ._configuring import configure_servers
    from ._custody import CUSTODIAN
    from ._directory import attachment
    from ._dist import DistConf, make_proxy, settings_of
    from ._fetch import fetch_message
    from ._group import AgentGroup
    from ._group_reply import GroupReply
    from ._handles import agent_of, mark_of
    from ._kept import KeptServer
    from ._launcher import RpcAgentServerLauncher
    from ._log_end import last_lines
    from ._options import UNPROTECTED, ServerOptions
    from ._owned import OwnedServer
    from ._places import Connection, connection_at, connections, damaged_journals
    from ._proto.agent_pb2_grpc import RpcAgentServicer
    from ._proxy import RpcAgent
    from ._reception import Reception, told_error
    from ._redefined import send_new_classes
    from ._relays import adopt_questions, post_question
    from ._server_status import ServerStatus
    from ._servicer import AgentServerServicer
    from ._shared import find_or_launch, find_shared
    from ._spawn import Spawned
    from ._studio import Studio
    from ._teller import RunTeller
    from ._tls import TLS
    from ._topics._runtime_host import GrpcWorkerAgentRuntimeHost
    from ._topics._worker import GrpcWorkerAgentRuntime
    from ._wrapper import RpcServerSideWrapper

__all__ = [
    "CUSTODIAN",
    "TLS",
    "UNPROTECTED",
    "AgentGroup",
    "AgentServerServicer",
    "Attachment",
    "Connection",
    "DistConf",
    "GroupReply",
    "GrpcWorkerAgentRuntime",
    "GrpcWorkerAgentRuntimeHost",
    "KeptServer",
    "OwnedServer",
    "Reception",
    "RpcAgent",
    "RpcAgentClient",
    "RpcAgentServerLauncher",
    "RpcAgentServicer",
    "RpcServerSideWrapper",
    "RunTeller",
    "ServerOptions",
    "ServerStatus",
    "Spawned",
    "Studio",
    "adopt_questions",
    "agent_of",
    "attachment",
    "configure_servers",
    "connection_at",
    "connections",
    "damaged_journals",
    "fetch_message",
    "find_or_launch",
    "find_shared",
    "last_lines",
    "make_proxy",
    "mark_of",
    "post_question",
    "send_new_classes",
    "settings_of",
    "told_error",
]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "_attachment": "Attachment",
        "_client": "RpcAgentClient",
        "_configuring": "configure_servers",
        "_custody": "CUSTODIAN",
        "_directory": "attachment",
        "_dist": "DistConf make_proxy settings_of",
        "_fetch": "fetch_message",
        "_group": "AgentGroup",
        "_group_reply": "GroupReply",
        "_handles": "agent_of mark_of",
        "_kept": "KeptServer",
        "_launcher": "RpcAgentServerLauncher",
        "_log_end": "last_lines",
        "_options": "UNPROTECTED ServerOptions",
        "_owned": "OwnedServer",
        "_places": "Connection connection_at connections damaged_journals",
        "_proto.agent_pb2_grpc": "RpcAgentServicer",
        "_proxy": "RpcAgent",
        "_reception": "Reception told_error",
        "_redefined": "send_new_classes",
        "_relays": "adopt_questions post_question",
        "_server_status": "ServerStatus",
        "_servicer": "AgentServerServicer",
        "_shared": "find_or_launch find_shared",
        "_spawn": "Spawned",
        "_studio": "Studio",
        "_teller": "RunTeller",
        "_tls": "TLS",
        "_topics._runtime_host": "GrpcWorkerAgentRuntimeHost",
        "_topics._worker": "GrpcWorkerAgentRuntime",
        "_wrapper": "RpcServerSideWrapper",
    },
)
