"""The wire: agent servers, their clients, and proxies for agents that live elsewhere.

The only place that knows gRPC, which is loaded when something is first sent or served, so that a
program can start a server before it loads what talking to it takes; and each name when it is first
used, since a server needs none of what clients do. Classes stand here under AgentScope's names.
"""

import os
from typing import TYPE_CHECKING, Any

# gRPC's own log line for every connection that ends would land in the user's cell.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

if TYPE_CHECKING:
    from ._attachment import Attachment
    from ._client import RpcAgentClient
    from ._directory import attachment
    from ._dist import DistConf, make_proxy, settings_of
    from ._fetch import fetch_message
    from ._group import AgentGroup, GroupReply
    from ._handles import agent_of, mark_of
    from ._launcher import RpcAgentServerLauncher
    from ._options import ServerOptions
    from ._places import Connection, connections
    from ._proto.agent_pb2_grpc import RpcAgentServicer
    from ._proxy import RpcAgent
    from ._redefined import send_new_classes
    from ._servicer import AgentServerServicer
    from ._shared import find_or_launch, find_shared
    from ._spawn import Spawned

__all__ = [
    "AgentGroup",
    "AgentServerServicer",
    "Attachment",
    "Connection",
    "DistConf",
    "GroupReply",
    "RpcAgent",
    "RpcAgentClient",
    "RpcAgentServerLauncher",
    "RpcAgentServicer",
    "ServerOptions",
    "Spawned",
    "agent_of",
    "attachment",
    "connections",
    "fetch_message",
    "find_or_launch",
    "find_shared",
    "make_proxy",
    "mark_of",
    "send_new_classes",
    "settings_of",
]

_WITH_GRPC = {"AgentServerServicer", "Attachment", "RpcAgentServicer", "attachment", "fetch_message"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    homes: tuple[Any, ...]
    if name in _WITH_GRPC:
        from . import _attachment, _directory, _fetch, _servicer

        homes = (_attachment, _directory, _fetch, _servicer)
    else:
        from . import (
            _client,
            _dist,
            _group,
            _handles,
            _launcher,
            _options,
            _places,
            _proxy,
            _redefined,
            _shared,
            _spawn,
        )

        homes = (
            *(_client, _dist, _group, _handles, _launcher, _options, _places, _proxy, _redefined, _shared),
            _spawn,
        )
    for home in homes:
        if name in vars(home):
            globals()[name] = getattr(home, name)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted(__all__)
