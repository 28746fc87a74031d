"""A message on its way, direct or published, and what a streaming handler yields. On the runtime's loop."""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from typing import Any

from ..exceptions import CallCancelledError
from ..topics import AgentId, CancellationToken, TopicId

__all__ = ["Chunks", "Direct", "Published"]

AHEAD = 64
"""Values that a streaming handler may be ahead of whoever reads them."""


class Published:
    """A message for all who subscribe to a topic."""

    __slots__ = ("context", "id", "message", "sender", "token", "topic")

    def __init__(
        self, message: Any, topic: TopicId, sender: AgentId | None, token: CancellationToken, id: str
    ) -> None:
        self.message, self.topic, self.sender = message, topic, sender
        self.token, self.id = token, id
        self.context: contextvars.Context | None = None


class Direct:
    """A message for one agent, whose reply somebody waits for."""

    __slots__ = (
        "chunks", "context", "id", "message", "mine", "recipient", "reply", "sender", "task", "token",
    )  # fmt: skip

    def __init__(
        self,
        message: Any,
        recipient: AgentId,
        sender: AgentId | None,
        token: CancellationToken | None,
        id: str,
        chunks: Chunks | None = None,
    ) -> None:
        self.message, self.recipient, self.sender = message, recipient, sender
        self.mine = token is None
        """Is the token for this message alone?"""
        self.token, self.id, self.chunks = token or CancellationToken(), id, chunks
        self.reply: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.task: asyncio.Task[Any] | None = None
        self.context: contextvars.Context | None = None

    def fail(self, error: BaseException) -> None:
        """End it without a reply, and stop its handler."""
        if not self.reply.done():
            self.reply.set_exception(error)
        if self.task is not None:
            self.task.cancel()

    def cancel(self) -> None:
        """End it, since its sender does not want the reply any more."""
        self.fail(CallCancelledError(f"the message to {self.recipient} was cancelled by its sender"))


class Chunks:
    """Values on their way from a streaming handler to whoever reads them."""

    def __init__(self) -> None:
        self._waiting: deque[Any] = deque()
        self._more, self._room = asyncio.Event(), asyncio.Event()
        self._over = False
        self.any = False
        """Has there been one?"""

    async def put(self, value: Any) -> None:
        """Take a value; returns when there is room for the next."""
        self.any = True
        self._waiting.append(value)
        self._more.set()
        while len(self._waiting) >= AHEAD and not self._over:
            self._room.clear()
            await self._room.wait()

    def end(self, _: object = None) -> None:
        """Say that nothing follows."""
        self._over = True
        self._more.set()
        self._room.set()

    async def take(self) -> list[Any]:
        """Return what is there, at least one value; none when it is over."""
        while not self._waiting and not self._over:
            self._more.clear()
            await self._more.wait()
        values = [*self._waiting]
        self._waiting.clear()
        self._room.set()
        return values
