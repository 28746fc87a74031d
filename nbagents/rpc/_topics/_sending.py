"""`Sending`: the messages of one worker that are on their way, and how each of them ends."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress

from ... import context
from ...exceptions import CallCancelledError, CallTimeoutError, NbAgentsError, OverloadedError
from ...topics import CancellationToken
from .._faults import decode_error
from .._limits import LONGEST_MS
from .._lost import same
from .._proto import agent_pb2 as pb
from ._line import Line

__all__ = ["Sending", "cost"]

AHEAD = 2**20
"""Bytes of its stream that a handler may be ahead of whoever reads them, and one chunk more."""
MOST_UNREAD = 64 * 2**20
"""Bytes of a stream that wait to be read, from a worker that heeds no bound."""
EACH = 4096
"""What each chunk counts besides its data: so few may wait, however short they are."""


def cost(chunk: pb.Value) -> int:
    """Return what a chunk counts, of the bytes that may come ahead."""
    return len(chunk.data) + EACH


class _Sent:
    """One message that has no outcome yet."""

    __slots__ = ("chunks", "future", "label", "line", "number", "unread")

    def __init__(self, line: Line, label: str, number: int, *, stream: bool) -> None:
        self.line, self.label, self.number = line, label, number
        self.future: asyncio.Future[pb.Value] = asyncio.get_running_loop().create_future()
        self.future.add_done_callback(lambda done: done.cancelled() or done.exception())
        self.chunks: asyncio.Queue[pb.Value | None] | None = asyncio.Queue() if stream else None
        self.unread = 0
        """Bytes of chunks that came and were not read."""

    def end(self, value: pb.Value | None, error: NbAgentsError | None) -> None:
        if not self.future.done():
            if error is not None:
                self.future.set_exception(error)
            else:
                self.future.set_result(value or pb.Value())
        if self.chunks is not None:
            self.chunks.put_nowait(None)


class Sending:
    """What one worker has sent and waits for. On the background loop only."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._sent: dict[int, _Sent] = {}

    def __len__(self) -> int:
        return len(self._sent)

    async def send(
        self, line: Line, post: pb.Post, label: str, *, token: CancellationToken | None, seconds: float | None
    ) -> pb.Value:
        """Send a message and return its outcome.

        Raises:
            CallTimeoutError: there was none in time, be it ``seconds`` or what is left to whoever sends this.
            CallCancelledError: the token was cancelled.
            Exception: what the handler raised, or why the message did not reach it.
        """
        async with self._under_way(line, post, label, token, seconds) as sent:
            return await sent.future

    async def stream(
        self, line: Line, post: pb.Post, label: str, *, token: CancellationToken | None, seconds: float | None
    ) -> AsyncGenerator[tuple[pb.Value, bool], None]:
        """Send a message and yield what its handler yields, then its outcome, which is marked by True."""
        post.stream, post.ahead = True, AHEAD
        async with self._under_way(line, post, label, token, seconds) as sent:
            chunks, read = sent.chunks, 0
            while chunks is not None and (chunk := await chunks.get()) is not None:
                yield chunk, False
                read += cost(chunk)
                sent.unread -= cost(chunk)
                if read > AHEAD // 2 and sent.number in self._sent:
                    line.put(pb.Frame(more=pb.More(id=sent.number, bytes=read)))
                    read = 0
            yield await sent.future, True

    @asynccontextmanager
    async def _under_way(
        self, line: Line, post: pb.Post, label: str, token: CancellationToken | None, seconds: float | None
    ) -> AsyncIterator[_Sent]:
        """Send; however the block ends, the handler does not work for nobody."""
        line.check()
        if token is not None and token.is_cancelled():
            raise CallCancelledError(f"the message to {label} was cancelled before it was sent")
        limit = context.deadline.get()
        now = time.monotonic()
        if seconds is not None:
            limit = now + seconds if limit is None else min(limit, now + seconds)
        post.id = number = next(self._numbers)
        sent = self._sent[number] = _Sent(line, label, number, stream=post.stream)
        loop = asyncio.get_running_loop()
        timer = forget = None
        if limit is not None:
            timer = loop.call_at(loop.time() + limit - now, self._late, number, limit - now)
        if token is not None:
            forget = token.add_callback(lambda: _on(loop, self._cancel, number))
        try:
            if line.full:
                await line.room(sent.future)
            if not sent.future.done():
                if limit is not None:
                    left = limit - time.monotonic()
                    post.timeout_ms = min(max(1, int(left * 1000)), LONGEST_MS)
                line.put(pb.Frame(post=post))
            yield sent
        finally:
            if timer is not None:
                timer.cancel()
            if forget is not None:
                forget()
            self._withdraw(number, "nobody waits for it any more")

    def _late(self, number: int, seconds: float) -> None:
        sent = self._sent.get(number)
        if sent is not None:
            self._withdraw(number, "its deadline has passed")
            text = f"{sent.label} did not answer within {max(seconds, 0):.3g} s"
            sent.end(None, CallTimeoutError(text, hint="send it with timeout=, or with None to wait"))

    def _cancel(self, number: int) -> None:
        sent = self._sent.get(number)
        if sent is not None:
            self._withdraw(number, "it was cancelled")
            sent.end(None, CallCancelledError(f"the message to {sent.label} was cancelled"))

    def _withdraw(self, number: int, why: str) -> None:
        """Tell the host that nobody waits, if there is no outcome yet."""
        sent = self._sent.pop(number, None)
        if sent is not None and sent.line.error is None:
            sent.line.strays.expect()
            sent.line.put(pb.Frame(withdraw=pb.Withdraw(id=number, why=why)))

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
                    self._withdraw(outcome.id, "its stream is read too slowly")
                    text = f"what {sent.label} streams is read too slowly, and it does not wait for that"
                    sent.end(None, OverloadedError(text))
                else:
                    sent.chunks.put_nowait(outcome.chunk)
            return
        sent = self._sent.pop(outcome.id, None)
        if sent is None:
            line.strays.note("outcomes", line.who)
        elif kind == "done":
            sent.end(outcome.done, None)
        else:
            sent.end(None, decode_error(outcome.error, sent.label))

    def end(self, line: Line, error: NbAgentsError) -> None:
        """There will be no outcomes over this line any more."""
        for number, sent in [*self._sent.items()]:
            if sent.line is line:
                del self._sent[number]
                sent.end(None, same(error))


def _on(loop: asyncio.AbstractEventLoop, fn: object, number: int) -> None:
    with suppress(RuntimeError):  # its loop is closed: nobody waits any more
        loop.call_soon_threadsafe(fn, number)  # type: ignore[arg-type]
