"""The wire: agent servers, their clients, and proxies for agents that live elsewhere.

The only place that knows gRPC. Classes stand here under AgentScope's names.
"""

import os

# gRPC's own log line for every connection that ends would land in the user's cell.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

from ._attachment import Attachment
from ._client import RpcAgentClient
from ._directory import attachment
from ._fetched import fetch_message
from ._launcher import RpcAgentServerLauncher
from ._options import ServerOptions
from ._places import Connection, connections
from ._proto.agent_pb2_grpc import RpcAgentServicer
from ._proxy import DistConf, RpcAgent, make_proxy, settings_of
from ._servicer import AgentServerServicer
from ._shared import find_or_launch, find_shared
from ._spawn import Spawned

__all__ = [
    "AgentServerServicer",
    "Attachment",
    "Connection",
    "DistConf",
    "RpcAgent",
    "RpcAgentClient",
    "RpcAgentServerLauncher",
    "RpcAgentServicer",
    "ServerOptions",
    "Spawned",
    "attachment",
    "connections",
    "fetch_message",
    "find_or_launch",
    "find_shared",
    "make_proxy",
    "settings_of",
]
