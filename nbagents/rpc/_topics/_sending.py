"""`Sending`: the messages of one worker that are on their way, and how each of them ends."""

from __future__ import annotations

import asyncio
import itertools
import math
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress

from ... import context
from ..._deadlines import Deadlines
from ..._loop import Awaited, background
from ...exceptions import CallCancelledError, CallTimeoutError, NbAgentsError, OverloadedError
from ...topics import AgentId, CancellationToken, TopicId
from .._faults import decode_error
from .._limits import LONGEST_MS
from .._lost import same
from .._proto import agent_pb2 as pb
from ._ahead import AHEAD, cost
from ._line import Line

__all__ = ["Sending", "Sent"]

MOST_UNREAD = 64 * 2**20
"""Bytes of a stream that wait to be read, from a worker that heeds no bound."""


class Sent:
    """One message that has no outcome yet."""

    __slots__ = (
        "awaited",
        "chunks",
        "forget",
        "limit",
        "line",
        "number",
        "room",
        "seconds",
        "unread",
        "whom",
    )

    def __init__(self, whom: AgentId | TopicId, seconds: float | None, awaited: Awaited) -> None:
        self.whom, self.number, self.awaited = whom, 0, awaited
        self.line: Line | None = None
        self.chunks: asyncio.Queue[pb.Value | None] | None = None
        self.room: asyncio.Task[None] | None = None
        """Waits until the line has room for it."""
        self.unread = 0
        """Bytes of chunks that came and were not read."""
        self.forget: Callable[[], object] | None = None
        limit, now = context.deadline.get(), time.monotonic()
        if seconds is not None:
            limit = now + seconds if limit is None else min(limit, now + seconds)
        self.limit = math.inf if limit is None else limit
        self.seconds = self.limit - now
        """How long whoever sends it waits, at most."""

    @property
    def label(self) -> str:
        """Whom it is for, for error texts."""
        return f"topic {self.whom}" if isinstance(self.whom, TopicId) else str(self.whom)

    def end(self, value: pb.Value | None, error: BaseException | None = None) -> None:
        self.awaited.end(value, error)
        if self.chunks is not None:
            self.chunks.put_nowait(None)


class Sending:
    """What one worker has sent and waits for.

    Messages may be sent on any loop. All else is for the background loop, where they leave.
    """

    def __init__(self) -> None:
        self._background = background()
        self._numbers = itertools.count(1)
        self._sent: dict[int, Sent] = {}
        self._deadlines = Deadlines(self._sent.values, self._late)

    def __len__(self) -> int:
        return len(self._sent)

    def begin(
        self,
        line: Callable[[], Line],
        frame: pb.Frame,
        whom: AgentId | TopicId,
        token: CancellationToken | None,
        seconds: float | None,
    ) -> Sent:
        """Send a message over the line that there is then; `come` waits for its outcome. On any loop.

        Raises:
            UsageError: this is a fork of the process whose worker it is.
        """
        loop = self._background
        sent = Sent(whom, seconds, loop.awaited())
        loop.post(self._begin, sent, line, frame, token)
        return sent

    async def come(self, sent: Sent) -> pb.Value:
        """Return the outcome of a message. Once, on the loop where it was begun.

        Raises:
            CallTimeoutError: there was none in time, be it its seconds or what is left to whoever sends this.
            CallCancelledError: its token was cancelled.
            Exception: what the handler raised, or why the message did not reach it.
        """
        awaited = sent.awaited
        try:
            value: pb.Value = await awaited.come()
        finally:
            if not awaited.done:  # the handler does not work for nobody
                self._background.post(self._withdraw, sent, "nobody waits for it any more")
        return value

    async def stream(
        self,
        line: Callable[[], Line],
        frame: pb.Frame,
        whom: AgentId | TopicId,
        *,
        token: CancellationToken | None,
        seconds: float | None,
    ) -> AsyncGenerator[tuple[pb.Value, bool], None]:
        """Send a message and yield what its handler yields, then its outcome, which is marked by True.

        On the background loop only.
        """
        frame.post.stream, frame.post.ahead = True, AHEAD
        sent, read = Sent(whom, seconds, self._background.awaited()), 0
        chunks = sent.chunks = asyncio.Queue()
        self._begin(sent, line, frame, token)
        try:
            while (chunk := await chunks.get()) is not None:
                yield chunk, False
                read += cost(chunk)
                sent.unread -= cost(chunk)
                if read > AHEAD // 2 and sent.line is not None and sent.number in self._sent:
                    sent.line.put(pb.Frame(more=pb.More(id=sent.number, bytes=read)))
                    read = 0
            yield await sent.awaited.come(), True
        finally:
            if not sent.awaited.done:
                self._withdraw(sent, "nobody waits for it any more")

    def _begin(
        self, sent: Sent, line: Callable[[], Line], frame: pb.Frame, token: CancellationToken | None
    ) -> None:
        try:
            if token is not None and token.is_cancelled():
                raise CallCancelledError(f"the message to {sent.label} was cancelled before it was sent")
            there = sent.line = line()
        except Exception as error:  # noqa: BLE001  # it is for whoever sends the message
            sent.end(None, error)
            return
        sent.number = next(self._numbers)
        self._sent[sent.number] = sent
        if token is not None:
            loop = asyncio.get_running_loop()
            sent.forget = token.add_callback(lambda: _on(loop, self._cancel, sent))
        if there.full:
            self._deadlines.add(sent.limit)
            sent.room = asyncio.ensure_future(self._put_later(sent, there, frame))
        else:
            self._put(sent, there, frame)

    def _put(self, sent: Sent, line: Line, frame: pb.Frame) -> None:
        post = frame.post
        post.id = sent.number
        limit = sent.limit
        if limit < math.inf:
            self._deadlines.add(limit)
            left = math.ceil((limit - time.monotonic()) * 1000)  # never shorter than who sends it waits
            post.timeout_ms = min(max(1, left), LONGEST_MS)
        line.put(frame)

    async def _put_later(self, sent: Sent, line: Line, frame: pb.Frame) -> None:
        try:
            await line.room()
        except NbAgentsError as error:
            self._over(sent.number)
            sent.end(None, error)
        else:
            sent.room = None
            self._put(sent, line, frame)

    def _late(self, sent: Sent) -> None:
        text = f"{sent.label} did not answer within {max(sent.seconds, 0):.3g} s"
        self._withdraw(sent, "its deadline has passed")
        sent.end(None, CallTimeoutError(text, hint="send it with timeout=, or with None to wait"))

    def _cancel(self, sent: Sent) -> None:
        if sent.number in self._sent:
            self._withdraw(sent, "it was cancelled")
            sent.end(None, CallCancelledError(f"the message to {sent.label} was cancelled"))

    def _withdraw(self, sent: Sent, why: str) -> None:
        """Tell the host that nobody waits, if there is no outcome yet."""
        line = sent.line
        if self._over(sent.number) is None or line is None or line.error is not None or sent.room is not None:
            return
        line.strays.expect()
        line.put(pb.Frame(withdraw=pb.Withdraw(id=sent.number, why=why)))

    def _over(self, number: int) -> Sent | None:
        sent = self._sent.pop(number, None)
        if sent is not None:
            if sent.forget is not None:
                sent.forget()
            if sent.room is not None:
                sent.room.cancel()
        return sent

    # ---- what comes back

    def outcome(self, line: Line, outcome: pb.Outcome) -> None:
        """Take an outcome, or a part of one.

        Raises:
            ProtocolError: too many have come that nobody waits for.
        """
        kind = outcome.WhichOneof("outcome")
        if kind == "chunk":
            sent = self._sent.get(outcome.id)
            if sent is not None and sent.chunks is not None:
                sent.unread += cost(outcome.chunk)
                if sent.unread > MOST_UNREAD:
                    self._withdraw(sent, "its stream is read too slowly")
                    text = f"what {sent.label} streams is read too slowly, and it does not wait for that"
                    sent.end(None, OverloadedError(text))
                else:
                    sent.chunks.put_nowait(outcome.chunk)
            return
        sent = self._over(outcome.id)
        if sent is None:
            line.strays.note("outcomes", line.who)
        elif kind == "done":
            sent.end(outcome.done)
        else:
            sent.end(None, decode_error(outcome.error, sent.label))

    def end(self, line: Line, error: NbAgentsError) -> None:
        """There will be no outcomes over this line any more."""
        for sent in [*self._sent.values()]:
            if sent.line is line:
                self._over(sent.number)
                sent.end(None, same(error))


def _on(loop: asyncio.AbstractEventLoop, fn: Callable[[Sent], object], sent: Sent) -> None:
    with suppress(RuntimeError):  # its loop is closed: nobody waits any more
        loop.call_soon_threadsafe(fn, sent)
