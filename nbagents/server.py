"""Agent servers, under the name by which AgentScope's ``agentscope.server`` is known.

    from nbagents.server import AgentServerServicer, RpcAgentServerLauncher, as_server

Stands under the roof and only passes on what others are: the launcher and the servicer are `nbagents.rpc`'s,
the command is `nbagents.cli`'s. Each is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .cli import as_server
    from .rpc import TLS, AgentServerServicer, RpcAgentServerLauncher, RpcServerSideWrapper

__all__ = ["TLS", "AgentServerServicer", "RpcAgentServerLauncher", "RpcServerSideWrapper", "as_server"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "as_server":
        from .cli import as_server

        return as_server
    from . import rpc

    return getattr(rpc, name)


def __dir__() -> list[str]:
    return sorted(__all__)
