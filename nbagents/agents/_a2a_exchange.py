"""`Exchange`: one question to a `Peer` and its answer. This module loads the protocol's package."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Any

from a2a.client import Client
from a2a.types import GetTaskRequest, Message, Role, SendMessageRequest, StreamResponse, Task, TaskState

from ..exceptions import A2ARefusedError, A2ATaskError, A2ATimeoutError, A2AUnavailableError, NbAgentsError
from ..message import Msg
from ._a2a_parts import Told, parts_of
from ._a2a_peer import LAST_WORD, Peer

__all__ = ["Exchange", "Peer"]

POLL, SLOWEST, SLOWER = 1.0, 15.0, 1.5
"""Seconds between two looks at a task of an agent that does not stream: at first and whenever there is news,
and at most; and by how much they grow while there is none."""
LOOKS = 5
"""Looks in a row that may fail."""
FAILED = frozenset(
    {TaskState.TASK_STATE_FAILED, TaskState.TASK_STATE_CANCELED, TaskState.TASK_STATE_REJECTED}
)
_HOW: dict[int, str] = {
    TaskState.TASK_STATE_FAILED: "failed",
    TaskState.TASK_STATE_CANCELED: "was cancelled there",
    TaskState.TASK_STATE_REJECTED: "was rejected",
    TaskState.TASK_STATE_AUTH_REQUIRED: "wants a person to log in there",
}
_ending: set[asyncio.Task[None]] = set()
"""Cancellations that are on their way."""


class Exchange:
    """One question, which is sent when its answer is read, and what is told of that so far.

    Args:
        peer: Who is asked.
        messages: What is said.
        context_id: The conversation that this belongs to, if there is one.
        task_id: The task that waits for it, if one does.
        deadline: Seconds that the whole answer may take; None for no limit.
    """

    def __init__(
        self,
        peer: Peer,
        messages: Sequence[Msg],
        context_id: str | None,
        task_id: str | None,
        deadline: float | None,
    ) -> None:
        self._peer, self._deadline = peer, deadline
        self._message = Message(
            message_id=secrets.token_hex(16),
            role=Role.ROLE_USER,
            parts=parts_of(messages),
            context_id=context_id or "",
            task_id=task_id or "",
        )
        self._told = Told()
        self.context_id, self.task_id = self._message.context_id, ""
        self._known = asyncio.Event()

    @property
    def waiting(self) -> str | None:
        """The task that wants a further message."""
        return self.task_id if self._told.state == TaskState.TASK_STATE_INPUT_REQUIRED else None

    def content(self) -> Any:
        """Return what the other one has said: a text, or blocks."""
        return self._told.content()

    async def pieces(self) -> AsyncGenerator[str, None]:
        """Ask, and yield each piece of text, "" where something else has come; until the answer is over.

        Whoever stops reading before has the other one stop; so do the deadline, and a connection that breaks.

        Raises:
            A2AError: of the kind that fits.
        """
        news: asyncio.Queue[str | None] = asyncio.Queue()
        # A task of its own: only who reads on learns what is to be cancelled.
        reading = asyncio.create_task(self._read(news.put_nowait))
        reading.add_done_callback(lambda _: news.put_nowait(None))
        try:
            while (piece := await news.get()) is not None:
                yield piece
            await reading
        finally:
            if not self._told.over:
                task = asyncio.create_task(self._give_up(reading))
                _ending.add(task)
                task.add_done_callback(_ending.discard)
        self._judge()

    async def _read(self, tell: Callable[[str], None]) -> None:
        try:
            async with asyncio.timeout(self._deadline), self._peer.connected() as client:
                await self._listen(client, tell)
                await self._look(client, tell)
        except TimeoutError:
            raise A2ATimeoutError(
                f"the agent behind {self._peer.name} has not finished within {self._deadline:g} s,"
                " and is told to stop",
                hint="A2AAgent(..., deadline=) says how long an answer may take",
            ) from None

    async def _listen(self, client: Client, tell: Callable[[str], None]) -> None:
        async with aclosing(_sent(client, self._message)) as answers:
            async for answer in answers:
                piece = self._told.take(answer)
                self._learn()
                if piece is not None:
                    tell(piece)
                if self._told.over:
                    return

    async def _look(self, client: Client, tell: Callable[[str], None]) -> None:
        """Ask for the task until it is over: the other one does not stream, and did not wait."""
        pause, failed = POLL, 0
        while self.task_id and not self._told.over:
            await asyncio.sleep(pause)
            before = self._told.state
            try:
                with self._peer.told():
                    task: Task = await client.get_task(GetTaskRequest(id=self.task_id))
            except A2AUnavailableError:
                failed += 1
                if failed >= LOOKS:
                    raise
                pause = min(pause * SLOWER, SLOWEST)
                continue
            failed, piece = 0, self._told.task(task)
            news = piece is not None or self._told.state != before
            pause = POLL if news else min(pause * SLOWER, SLOWEST)
            if piece is not None:
                tell(piece)

    async def _give_up(self, reading: asyncio.Task[None]) -> None:
        known = asyncio.create_task(self._known.wait())
        # That it is over already, or gone, is as good.
        with contextlib.suppress(NbAgentsError, TimeoutError):
            async with asyncio.timeout(LAST_WORD):
                await asyncio.wait([reading, known], return_when=asyncio.FIRST_COMPLETED)
                if self.task_id and not self._told.over:
                    await self._peer.cancel(self.task_id)
        for task in (reading, known):
            task.cancel()
        await asyncio.gather(reading, known, return_exceptions=True)

    def _learn(self) -> None:
        self.task_id = self._told.task_id or self.task_id
        self.context_id = self._told.context_id or self.context_id
        if self.task_id:
            self._known.set()

    def _judge(self) -> None:
        name, state = self._peer.name, self._told.state
        why = self._peer.shown(self._told.why)
        if state in FAILED:
            raise A2ATaskError(f"the task of the agent behind {name} {_HOW[state]}{': ' if why else ''}{why}")
        if state == TaskState.TASK_STATE_AUTH_REQUIRED:
            raise A2ARefusedError(f"the agent behind {name} {_HOW[state]}{': ' if why else ''}{why}")
        if not self._told.over:
            raise A2AUnavailableError(f"the agent behind {name} broke off")


async def _sent(client: Client, message: Message) -> AsyncGenerator[StreamResponse, None]:
    async for answer in client.send_message(SendMessageRequest(message=message)):
        yield answer
