"""`Agent`: what a runtime needs of an agent, whoever wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ..topics import AgentId, AgentMetadata, MessageContext

if TYPE_CHECKING:
    from ._protocol import AgentRuntime

__all__ = ["Agent"]


@runtime_checkable
class Agent(Protocol):
    """Takes messages under an id. All of it is called on the runtime's loop."""

    @property
    def metadata(self) -> AgentMetadata:
        """What is told of it without running it."""
        ...

    @property
    def id(self) -> AgentId:
        """Its address."""
        ...

    async def bind_id_and_runtime(self, id: AgentId, runtime: AgentRuntime) -> None:
        """Learn who it is and where it lives; raises `UsageError` if that is settled otherwise."""
        ...

    async def on_message(self, message: Any, ctx: MessageContext) -> Any:
        """Handle a message and return the reply; an async generator streams, and its last value is the reply.

        Raises:
            CantHandleException: it takes no such message.
            Exception: whatever its own code raises.
        """
        ...

    async def save_state(self) -> Mapping[str, Any]:
        """Return what it has become, as plain values."""
        ...

    async def load_state(self, state: Mapping[str, Any]) -> None:
        """Become what `save_state` returned."""
        ...

    async def close(self) -> None:
        """Let go of what it holds."""
        ...
