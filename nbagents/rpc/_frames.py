"""`FrameWriter`: sends the frames of one session in order, and together what is ready together.

A lone frame is written at once. With more than one call in flight the flush waits as long as each turn of
the event loop makes more frames ready, so that these share one gRPC message: many times the throughput.
Nothing that somebody waits for waits for a timer; what only informs does, for a moment.

A session outlives its connection: what the other side has not acknowledged is kept, and written again
over the next connection; what comes a second time is not heard. That much is bounded: with more than
`MAX_UNACKNOWLEDGED` bytes sent ahead the writer waits, and one that has waited for too long is ``stalled``.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from ..exceptions import ProtocolError
from ._begun import Begun
from ._limits import MAX_MESSAGE, MAX_UNACKNOWLEDGED, STALL_SECONDS
from ._proto import agent_pb2 as pb
from ._shape import parse

__all__ = ["SLICE", "FrameWriter", "parsed"]

log = logging.getLogger(__name__)
SOFT_LIMIT = MAX_MESSAGE // 4
"""Bytes after which a batch is closed and the rest goes into the next."""
MOST_FRAMES = 1000
"""Frames in a batch, at most."""
SLICE, SMALL_SLICE = 32, 8
"""Frames that are handled at once, and that are worth a message of their own: so both sides work at once."""
TURNS = 16
MOMENT = 0.01
"""Seconds that a frame which is not urgent waits for others."""
ACK_SECONDS = 0.25
"""Seconds after which what was heard is acknowledged, if nothing else is said meanwhile."""
OVERHEAD = 16
"""Bytes around a frame in a batch, at most."""

Write = Callable[[bytes], Coroutine[Any, Any, object]]
Make = Callable[[], pb.Frame]


class FrameWriter:
    """Writes the frames of one session, over one connection after the other. On the loop only.

    ``in_flight`` tells how many answers are awaited or owed. Whoever awaits them may have them go round in
    so many ``parts``, so that both sides work at once; 0 keeps together what is ready together.
    """

    def __init__(
        self, in_flight: Callable[[], int], is_gone: Callable[[], bool] = lambda: False, *, parts: int = 0
    ) -> None:
        self._in_flight, self._is_gone, self._parts = in_flight, is_gone, parts
        self._queued: deque[tuple[int, bytes | Make]] = deque()
        self._kept: deque[tuple[int, bytes]] = deque()
        self._kept_size = 0
        self._stall: asyncio.TimerHandle | None = None
        self._seq = self._written = 0
        self._write: Write | None = None
        self._task: asyncio.Task[None] | Begun | None = None
        self._later: asyncio.TimerHandle | None = None
        self._ack: asyncio.TimerHandle | None = None
        self._told = 0
        self._closing = False
        self.backlog = 0
        """Bytes that are queued and not written."""
        self.seen = 0
        """The other side's last frame that was handled."""
        self.finished: asyncio.Event = asyncio.Event()
        """Set after `close`, once everything is written."""
        self._room: asyncio.Event = asyncio.Event()
        self.stalled: asyncio.Event = asyncio.Event()
        """Set once the other side has left too much unacknowledged for too long; `check` says so."""
        self.on_stall: Callable[[], object] = lambda: None
        """Called then."""

    # ---- connections

    def connect(self, write: Write, last_seen: int = 0) -> None:
        """Write over this connection from now on, first what the other side has not seen."""
        self.acknowledged(last_seen)
        self._queued.extendleft(reversed(self._kept))
        self.backlog += self._kept_size
        self._kept.clear()
        self._kept_size = 0
        self._write = write
        self._start()

    def disconnect(self) -> None:
        """The connection is gone; keep what is put until there is another."""
        self._write = None
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
        self._moves()
        self._told = 0  # what was said of it may be lost with the connection

    def discard(self) -> None:
        """There will be no other connection: keep nothing of what was put."""
        self.disconnect()
        self._queued.clear()
        self._kept.clear()
        self.backlog = self._kept_size = 0
        self._room.set()

    def unwritten(self) -> list[pb.Frame]:
        """Return the frames that no connection was ever given: the other side cannot know of them."""
        return [
            pb.Frame.FromString(data)
            for seq, data in self._queued
            if seq > self._written and isinstance(data, bytes)
        ]

    def close(self) -> None:
        """Take no more frames; `finished` is set when those that are queued are written."""
        self._closing = True
        self._start()

    def check(self) -> None:
        """Raise ProtocolError if the other side has left too much unacknowledged for too long."""
        if self.stalled.is_set():
            raise ProtocolError(
                f"{self._kept_size >> 20} MiB of this session were not acknowledged within"
                f" {STALL_SECONDS:.0f} s, and a side that waits for that sends no more than"
                f" {MAX_UNACKNOWLEDGED >> 20} MiB"
            )

    # ---- what is sent

    def put(self, frame: pb.Frame, *, urgent: bool = True) -> int:
        """Queue a frame; return how many bytes it has. One that is not urgent waits for others, a moment."""
        self._seq += 1
        frame.seq = self._seq
        if self.seen != self._told and self._stall is None:
            frame.ack = self._told = self.seen
        data = frame.SerializeToString()
        self._queued.append((self._seq, data))
        size = len(data)
        self.backlog += size
        if self._task is not None:
            pass  # it writes this one too
        elif urgent:
            self._start()
        elif self._later is None:
            self._later = asyncio.get_running_loop().call_later(MOMENT, self._start)
        return size

    @property
    def full(self) -> bool:
        """Do so many bytes wait that what comes now should be put by `put_later`?"""
        return self.backlog > MAX_UNACKNOWLEDGED

    async def room(self) -> None:
        """Wait until the other side has read so much that more may be put."""
        while self.full:
            self._room.clear()
            await self._room.wait()

    def put_later(self, make: Make) -> None:
        """Queue a frame that is made when its turn to be written comes; it takes no room before."""
        self._seq += 1
        self._queued.append((self._seq, make))
        if self._task is None:
            self._start()

    def _start(self) -> None:
        write = self._write
        if write is None or self._task is not None or self._is_gone():
            return
        if self._stall is not None and self._queued and self._queued[0][0]:
            return
        if len(self._queued) == 1 and self._in_flight() <= 1:
            data = self._batch()
            if data:
                self._task = Begun(write(data), self._goes_on, write)
            else:
                self._over()
        else:
            self._task = asyncio.get_running_loop().create_task(self._run(write))

    def _goes_on(self, write: Write, error: BaseException | None) -> None:
        """A lone frame has been written."""
        if write is not self._write:
            return
        if error is not None:  # the reading side of the same connection tells why it ended
            log.debug("the connection ended while it was written to", exc_info=error)
        elif self._queued:
            self._task = asyncio.get_running_loop().create_task(self._run(write))
        else:
            self._over()

    async def _run(self, write: Write) -> None:
        try:
            if self._in_flight() > 1:
                await self._gather()
            while self._queued and not self._is_gone() and (data := self._batch()):
                await write(data)
        except asyncio.CancelledError:
            raise
        except Exception:  # as above
            log.debug("the connection ended while it was written to", exc_info=True)
        else:
            self._over()

    def _over(self) -> None:
        self._task = None
        if self._later is not None:
            self._later.cancel()
            self._later = None
        if self._queued:
            self._waits()
        elif self._closing:
            self.finished.set()

    def _waits(self) -> None:
        """Nothing more may be written before something is acknowledged."""
        if self._stall is not None:
            return
        loop = asyncio.get_running_loop()
        self._stall = loop.call_later(STALL_SECONDS, self._stalls)
        self._told = 0  # it may stand in a frame that waits here, and the other side may wait for it
        if self.seen and self._ack is None:
            self._ack = loop.call_later(0, self._say_seen)

    def _stalls(self) -> None:
        self.stalled.set()
        self.on_stall()

    def _moves(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    async def _gather(self) -> None:
        """Wait as long as each turn of the loop makes more frames ready, a few turns at most."""
        for _ in range(TURNS):
            ready = len(self._queued)
            await asyncio.sleep(0)
            if len(self._queued) == ready or ready >= (self._part() or SLICE):
                return

    def _part(self) -> int:
        """Of how many frames a message is made, where it is one of several parts; else 0."""
        return min(max(self._in_flight() // self._parts, SMALL_SLICE), SLICE) if self._parts else 0

    def _batch(self) -> bytes:
        """Take what is to be written next; nothing if that must wait."""
        parts: list[bytes] = []
        size, queued, kept = 0, self._queued, self._kept
        most = 2 * (self._part() or MOST_FRAMES)  # each has its length before it
        while queued and len(parts) < most:
            seq, data = queued[0]
            if not isinstance(data, bytes):
                data = self._made(seq, data)
            length = len(data)
            if parts and size + length >= SOFT_LIMIT:
                break
            if seq:
                if kept and self._kept_size + length > MAX_UNACKNOWLEDGED:
                    break
                kept.append((seq, data))
                self._kept_size += length
            queued.popleft()
            size += length
            parts += (_prefix(length), data)
        self.backlog -= size
        if kept and kept[-1][0] > self._written:
            self._written = kept[-1][0]
        if self.backlog <= MAX_UNACKNOWLEDGED:
            self._room.set()
        return b"".join(parts)

    def _made(self, seq: int, make: Make) -> bytes:
        frame = make()
        frame.seq = seq
        data: bytes = frame.SerializeToString()
        self._queued[0] = (seq, data)
        self.backlog += len(data)
        return data

    # ---- what is heard

    def hear(self, frame: pb.Frame) -> bool:
        """Note a frame that has come; return whether it is to be handled, not having come before."""
        seq, ack = frame.seq, frame.ack
        if ack:
            self.acknowledged(ack)
        if not seq:
            return True
        if seq <= self.seen:
            return False
        if seq != self.seen + 1:
            raise ProtocolError(f"frame {self.seen + 1} is missing: {seq} came")
        self.seen = seq
        if self._ack is None:
            self._ack = asyncio.get_running_loop().call_later(ACK_SECONDS, self._say_seen)
        return True

    def acknowledged(self, seq: int) -> None:
        """Forget the frames up to this one: the other side has handled them."""
        kept, before = self._kept, self._kept_size
        while kept and kept[0][0] <= seq:
            self._kept_size -= len(kept.popleft()[1])
        if self._stall is not None and self._kept_size != before:
            self._moves()
            self._start()

    def _say_seen(self) -> None:
        self._ack = None
        if self.seen == self._told or self._write is None:
            return
        if self._task is None:
            data = pb.Frame(ack=self.seen).SerializeToString()
            self._queued.appendleft((0, data))  # before what waits: the other side may wait too
            self.backlog += len(data)
            self._told = self.seen
            self._start()
        else:
            self._ack = asyncio.get_running_loop().call_later(ACK_SECONDS, self._say_seen)


def _prefix(length: int) -> bytes:
    """Return what stands before one frame in a `Batch`: the field's number, and the length as a varint."""
    if length < 128:
        return bytes((0x0A, length))
    if length < 1 << 14:
        return bytes((0x0A, length & 127 | 128, length >> 7))
    out = [0x0A]
    while length > 127:
        out.append(length & 127 | 128)
        length >>= 7
    out.append(length)
    return bytes(out)


def parsed(data: bytes) -> pb.Batch:
    """Return the frames that came together.

    Raises:
        ProtocolError: these bytes are none, or would take far more memory than they have.
    """
    return parse(pb.Batch, data, "what came over the stream")
