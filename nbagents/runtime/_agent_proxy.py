"""`AgentProxy`: an agent's address with the methods of the agent."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any

from ..topics import AgentId, AgentMetadata, CancellationToken
from ._protocol import DEFAULT_TIMEOUT, AgentRuntime

__all__ = ["AgentProxy"]


class AgentProxy:
    """Stands for an agent, wherever it lives. It costs nothing: the agent is made at its first message."""

    def __init__(self, agent: AgentId, runtime: AgentRuntime) -> None:
        self._agent, self._runtime = agent, runtime

    @property
    def id(self) -> AgentId:
        """The agent's address."""
        return self._agent

    @property
    def metadata(self) -> Awaitable[AgentMetadata]:
        """What it tells of itself; await it."""
        return self._runtime.agent_metadata(self._agent)

    async def send_message(
        self,
        message: Any,
        *,
        sender: AgentId | None = None,
        cancellation_token: CancellationToken | None = None,
        message_id: str | None = None,
        timeout: float | None = DEFAULT_TIMEOUT,  # noqa: ASYNC109  # how long is the caller's to say
    ) -> Any:
        """Send it a message and return the reply; see `AgentRuntime.send_message`."""
        return await self._runtime.send_message(
            message,
            self._agent,
            sender=sender,
            cancellation_token=cancellation_token,
            message_id=message_id,
            timeout=timeout,
        )

    async def save_state(self) -> Mapping[str, Any]:
        """Return what it has become."""
        return await self._runtime.agent_save_state(self._agent)

    async def load_state(self, state: Mapping[str, Any]) -> None:
        """Let it become what it was."""
        await self._runtime.agent_load_state(self._agent, state)

    def __repr__(self) -> str:
        return f"AgentProxy({self._agent})"
