"""`Stream`: one connection to an agent server, from its greeting to its end, and why it ended."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any

import grpc

from .._ids import PROCESS, new_id
from .._version import __version__
from ..exceptions import (
    AgentServerNotAliveError,
    AuthenticationError,
    MessageTooLargeError,
    NbAgentsError,
    ProtocolError,
    VersionMismatchError,
)
from ._frames import FrameWriter, parsed
from ._limits import ACCEPTED, CHANNEL_OPTIONS, MAX_MESSAGE, PROTOCOL
from ._methods import ATTACH
from ._proto import agent_pb2 as pb

__all__ = ["Stream"]

log = logging.getLogger(__name__)
CONNECT_SECONDS = 10.0
STATUS_SECONDS = 1.0


class Stream:
    """A connection to the server at one address. On the background loop only.

    ``handle`` gets every frame that comes, in order; ``ended`` is called once, with the reason.
    ``in_flight`` tells how many answers are awaited. Frames put before it is open are kept.
    """

    def __init__(
        self,
        address: str,
        token: str,
        *,
        handle: Callable[[pb.Frame], None],
        ended: Callable[[NbAgentsError], None],
        in_flight: Callable[[], int],
    ) -> None:
        self.address, self.server_id, self.epoch = address, "", ""
        self._token, self._handle, self._ended = token, handle, ended
        self._writer = FrameWriter(self._write, in_flight)
        self.put = self._writer.put
        self._rpc: Any = None
        self._life: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[None] | None = None

    def start(self) -> asyncio.Future[None]:
        """Begin to connect, once; the future is set when it is open, or holds why it never will be."""
        if self._ready is None:
            self._ready = asyncio.get_running_loop().create_future()
            self._ready.add_done_callback(lambda ready: ready.exception())  # nobody may be waiting
            self._life = asyncio.ensure_future(self._live(self._ready))
        return self._ready

    async def close(self) -> None:
        """Leave the server."""
        self._end(AgentServerNotAliveError(f"the connection to the agent server {self.who()} was closed"))
        if self._life is not None:
            self._life.cancel()
            await asyncio.wait([self._life])

    def who(self) -> str:
        """Name the server, for error texts."""
        return self.server_id or f"at {self.address}"

    async def _live(self, ready: asyncio.Future[None]) -> None:
        error: NbAgentsError | None = None
        tasks: list[asyncio.Task[None]] = []
        channel = grpc.aio.insecure_channel(self.address, options=CHANNEL_OPTIONS)
        try:
            # Bytes both ways: a malformed message is ours to explain.
            self._rpc = channel.stream_stream(ATTACH)(metadata=(("authorization", f"Bearer {self._token}"),))
            await asyncio.wait_for(self._greet(), CONNECT_SECONDS)
            tasks = [asyncio.ensure_future(self._writer.run()), asyncio.ensure_future(self._read())]
            ready.set_result(None)
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            failures = [task.exception() for task in tasks if task.done()]
            error = await self._explained(next((f for f in failures if f is not None), None))
        except TimeoutError:
            error = AgentServerNotAliveError(f"the agent server at {self.address} does not answer")
        except Exception as failure:  # noqa: BLE001  # whatever it is, those who wait must hear of it
            error = await self._explained(failure)
        finally:
            for task in tasks:
                task.cancel()
            self._end(error or AgentServerNotAliveError(f"the connection to {self.who()} was closed"))
            await channel.close()

    def _end(self, error: NbAgentsError) -> None:
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(error)
        ended, self._ended = self._ended, _nobody
        ended(error)

    async def _greet(self) -> None:
        # To write into a stream that is being refused would hide the reason.
        if ACCEPTED[0] not in (await self._rpc.initial_metadata() or {}):
            raise await self._explained(None)
        hello = pb.Hello(session=f"{PROCESS}-{new_id()[:6]}", version=__version__, protocol=PROTOCOL)
        await self._write(pb.Batch(frames=[pb.Frame(hello=hello)]).SerializeToString())
        data = await self._rpc.read()
        if data is grpc.aio.EOF:
            raise await self._explained(None)
        first = next(iter(parsed(data).frames), None)
        if first is None or first.WhichOneof("kind") != "hello":
            raise ProtocolError(f"the agent server at {self.address} did not greet")
        self._writer.seen = first.seq
        self.server_id, self.epoch = first.hello.server_id, first.hello.epoch
        if first.hello.version != __version__:
            raise VersionMismatchError(
                f"the agent server {self.who()} is of nbagents {first.hello.version}, this is {__version__}",
                hint="%agents server stop --all, then run the cell again",
            )

    async def _write(self, data: bytes) -> None:
        await self._rpc.write(data)

    async def _read(self) -> None:
        while (data := await self._rpc.read()) is not grpc.aio.EOF:
            for frame in parsed(data).frames:
                if frame.seq:
                    self._writer.seen = frame.seq
                self._handle(frame)

    async def _explained(self, failure: BaseException | None) -> NbAgentsError:
        """Say why it has ended; its status, where it has one, tells more than an exception."""
        if isinstance(failure, NbAgentsError):
            return failure
        if isinstance(failure, grpc.aio.AioRpcError):
            return self._meaning(failure.code(), failure.details() or "")
        if self._rpc is not None and isinstance(failure, asyncio.InvalidStateError | None):
            # It is over; its status may come a moment after the news.
            with contextlib.suppress(TimeoutError):
                status = await asyncio.wait_for(asyncio.shield(self._rpc.code()), STATUS_SECONDS)
                return self._meaning(status, await self._rpc.details() or "")
        if failure is not None:
            log.error("the stream to the agent server %s failed", self.who(), exc_info=failure)
        return self._meaning(grpc.StatusCode.UNAVAILABLE, "")

    def _meaning(self, status: grpc.StatusCode, details: str) -> NbAgentsError:
        if status is grpc.StatusCode.UNAUTHENTICATED:
            return AuthenticationError(f"the agent server {self.who()} refused the token: {details}")
        if status is grpc.StatusCode.RESOURCE_EXHAUSTED:
            limit = MAX_MESSAGE // 2**20
            return MessageTooLargeError(
                f"a message to or from the agent server {self.who()} exceeds {limit} MiB"
            )
        if status is grpc.StatusCode.INVALID_ARGUMENT:
            return ProtocolError(f"the agent server {self.who()} refused a frame: {details}")
        if status is grpc.StatusCode.UNIMPLEMENTED:
            return ProtocolError(f"what listens at {self.address} is no agent server of ours")
        return AgentServerNotAliveError(
            f"the agent server {self.who()} is gone: it has ended, or was killed",
            hint="run the cell again: a notebook's own server is started anew by itself",
        )


def _nobody(error: NbAgentsError) -> None:
    """Hear of an end that was told already."""
