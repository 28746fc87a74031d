"""The wire: agent servers, their clients, and proxies for agents that live elsewhere.

The only place that knows gRPC, which is loaded when something is first sent or served, so that a
program can start a server before it loads what talking to it takes. Classes stand here under
AgentScope's names.
"""

import os
from typing import TYPE_CHECKING, Any

# gRPC's own log line for every connection that ends would land in the user's cell.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

from ._client import RpcAgentClient
from ._dist import DistConf, make_proxy, settings_of
from ._launcher import RpcAgentServerLauncher
from ._options import ServerOptions
from ._places import Connection, connections
from ._proxy import RpcAgent
from ._shared import find_or_launch, find_shared
from ._spawn import Spawned

if TYPE_CHECKING:
    from ._attachment import Attachment
    from ._directory import attachment
    from ._fetch import fetch_message
    from ._proto.agent_pb2_grpc import RpcAgentServicer
    from ._servicer import AgentServerServicer

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


def __getattr__(name: str) -> Any:
    if name in ("AgentServerServicer", "RpcAgentServicer"):
        from . import _servicer as home
    elif name == "Attachment":
        from . import _attachment as home  # type: ignore[no-redef]
    elif name == "attachment":
        from . import _directory as home  # type: ignore[no-redef]
    elif name == "fetch_message":
        from . import _fetch as home  # type: ignore[no-redef]
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(home, name)
    return value
