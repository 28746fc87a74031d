"""The wire: agent servers, their clients, and proxies for agents that live elsewhere.

The only place that knows gRPC, which is loaded when something is first sent or served, so that a
program can start a server before it loads what talking to it takes; and each name when it is first
used, since a server needs none of what clients do. Classes stand here under AgentScope's names.
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

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

_HOME = {
    "AgentGroup": "_group",
    "AgentServerServicer": "_servicer",
    "CUSTODIAN": "_custody",
    "Attachment": "_attachment",
    "Connection": "_places",
    "DistConf": "_dist",
    "GroupReply": "_group_reply",
    "GrpcWorkerAgentRuntime": "_topics._worker",
    "GrpcWorkerAgentRuntimeHost": "_topics._runtime_host",
    "KeptServer": "_kept",
    "OwnedServer": "_owned",
    "Reception": "_reception",
    "RpcAgent": "_proxy",
    "RpcAgentClient": "_client",
    "RpcAgentServerLauncher": "_launcher",
    "RpcAgentServicer": "_proto.agent_pb2_grpc",
    "RpcServerSideWrapper": "_wrapper",
    "RunTeller": "_teller",
    "ServerOptions": "_options",
    "ServerStatus": "_server_status",
    "Spawned": "_spawn",
    "Studio": "_studio",
    "TLS": "_tls",
    "UNPROTECTED": "_options",
    "agent_of": "_handles",
    "attachment": "_directory",
    "configure_servers": "_configuring",
    "connection_at": "_places",
    "connections": "_places",
    "damaged_journals": "_places",
    "fetch_message": "_fetch",
    "find_or_launch": "_shared",
    "find_shared": "_shared",
    "last_lines": "_log_end",
    "make_proxy": "_dist",
    "mark_of": "_handles",
    "adopt_questions": "_relays",
    "post_question": "_relays",
    "send_new_classes": "_redefined",
    "settings_of": "_dist",
    "told_error": "_reception",
}


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
