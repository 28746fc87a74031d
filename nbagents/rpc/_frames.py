"""`FrameWriter`: sends frames in order, and together what is ready together.

A lone frame is written at once. With more than one call in flight the flush waits as long as each turn of
the event loop makes more frames ready, so that these share one gRPC message: many times the throughput.
Nothing that somebody waits for waits for a timer; what only informs does, for a moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ..exceptions import ProtocolError
from ._limits import MAX_MESSAGE
from ._proto import agent_pb2 as pb

__all__ = ["FrameWriter", "parsed"]

SOFT_LIMIT = MAX_MESSAGE // 2
"""Bytes after which a batch is closed and the rest goes into the next."""
MOST_FRAMES = 1000
"""Frames in a batch: the other side handles them in one turn of its loop."""
TURNS = 16
MOMENT = 0.01
"""Seconds that a frame which is not urgent waits for others."""


class FrameWriter:
    """Writes frames of one session through ``write``, a coroutine function. On the loop only."""

    def __init__(self, write: Callable[[bytes], Awaitable[object]], in_flight: Callable[[], int]) -> None:
        self._write, self._in_flight = write, in_flight
        self._frames: list[pb.Frame] = []
        self._seq = 0
        self._wake = asyncio.Event()
        self._writing = asyncio.Lock()
        self._closed = False
        self._later: asyncio.TimerHandle | None = None
        self.seen = 0
        """The other side's last frame that was handled; told with each batch."""

    def put(self, frame: pb.Frame, *, urgent: bool = True) -> None:
        """Queue a frame; return at once. One that is not urgent waits for others, a moment at most."""
        self._seq += 1
        frame.seq = self._seq
        self._frames.append(frame)
        if urgent:
            self._wake.set()
        elif self._later is None:
            self._later = asyncio.get_running_loop().call_later(MOMENT, self._wake.set)

    def close(self) -> None:
        """Let `run` end, once what is queued is written."""
        self._closed = True
        self._wake.set()

    async def run(self) -> None:
        """Write until `close`; raises what ``write`` raises."""
        while self._frames or not self._closed:
            await self._wake.wait()
            if self._in_flight() > 1:
                await self._gather()
            self._wake.clear()
            if self._later is not None:
                self._later.cancel()
                self._later = None
            await self.drain()

    async def _gather(self) -> None:
        """Wait as long as each turn of the loop makes more frames ready, a few turns at most."""
        for _ in range(TURNS):
            ready = len(self._frames)
            await asyncio.sleep(0)
            if len(self._frames) == ready:
                return

    async def drain(self) -> None:
        """Write what is queued."""
        async with self._writing:  # a stream takes one message at a time
            while self._frames:
                await self._write(self._batch().SerializeToString())

    def _batch(self) -> pb.Batch:
        frames, rest = self._frames, []
        if len(frames) > 1:
            size = 0
            for count, frame in enumerate(frames):
                size += frame.ByteSize()
                if count >= MOST_FRAMES or (count and size > SOFT_LIMIT):
                    frames, rest = frames[:count], frames[count:]
                    break
        self._frames = rest
        frames[-1].ack = self.seen
        return pb.Batch(frames=frames)


def parsed(data: bytes) -> pb.Batch:
    """Return the frames that came together.

    Raises:
        ProtocolError: these bytes are none.
    """
    try:
        return pb.Batch.FromString(data)
    except Exception:  # noqa: BLE001  # protobuf's own class, and RuntimeError from some of its backends
        raise ProtocolError("a batch of frames is malformed") from None
