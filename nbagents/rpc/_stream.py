"""`Stream`: one session with an agent server, over as many connections as it takes; and why it ended.

A connection that breaks while the server lives is made anew within a time of grace, and both sides repeat
what the other has not seen: nothing is lost, nothing happens twice. A server that is dead, frozen, or
another one by now ends the session at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import grpc

from .._ids import PROCESS, new_id
from .._process import boot_id, is_running, is_stopped, process_started
from .._version import __version__
from ..exceptions import (
    AgentServerNotAliveError,
    AuthenticationError,
    MessageTooLargeError,
    NbAgentsError,
    ProtocolError,
    ServerLostError,
    VersionMismatchError,
)
from ._channel import channel, unproved
from ._frames import FrameWriter, parsed
from ._limits import ACCEPTED, GRACE_SECONDS, MAX_MESSAGE, PROTOCOL
from ._lost import HINT, died
from ._methods import ATTACH
from ._printable import printable
from ._proto import agent_pb2 as pb
from ._pulse import Pulse

if TYPE_CHECKING:
    from ._tls import Trust

__all__ = ["Stream"]

log = logging.getLogger(__name__)
CONNECT_SECONDS = 10.0
AGAIN_SECONDS = 1.0
"""How long one attempt to connect again may take."""
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.5
STEADY_SECONDS = 2.0
"""A connection that breaks sooner than this has not ended the break before it."""
STATUS_SECONDS = 1.0
BROKEN = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.INTERNAL,  # what the core says of a connection that is reset in the middle of a frame
}
"""What the end of a connection can be that says nothing of the server."""
LEAVE_SECONDS = 0.2


class Stream:
    """A session with the server at one address. On the background loop only.

    ``handle`` gets every frame that comes, in order and once; ``ended`` is called once, with the reason.
    ``in_flight`` tells how many answers are awaited. Frames put before it is open are kept.
    ``expects`` is the id of the server that should be there, where that is known. ``parts`` is that of
    `FrameWriter`.
    """

    def __init__(
        self,
        address: str,
        token: str,
        *,
        trust: Trust | None = None,
        handle: Callable[[pb.Frame], None],
        ended: Callable[[NbAgentsError], None],
        in_flight: Callable[[], int],
        expects: str = "",
        parts: int = 0,
    ) -> None:
        self._expects = expects
        self.address, self.server_id, self.epoch = address, "", ""
        self._token, self._handle, self._ended = token, handle, ended
        self._trust = trust
        self._session = f"{PROCESS}-{new_id()[:6]}"
        self._writer = FrameWriter(in_flight, self._is_gone, parts=parts)
        self.put, self.unwritten, self.room = self._writer.put, self._writer.unwritten, self._writer.room
        self._server: tuple[int, str] | None = None
        self._pulse: Pulse | None = None
        self._channel: Any = None
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
        """Leave the server, once what was put is written, if that takes no longer than a moment."""
        self._writer.put(pb.Frame(cancel=pb.Cancel(why="leaving")))
        self._writer.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._writer.finished.wait(), LEAVE_SECONDS)
        self._end(AgentServerNotAliveError(f"the connection to the agent server {self.who()} was closed"))
        if self._rpc is not None:
            with contextlib.suppress(Exception):  # it may be broken: leaving is a courtesy
                await asyncio.wait_for(self._rpc.done_writing(), LEAVE_SECONDS)
        if self._life is not None:
            self._life.cancel()
            await asyncio.wait([self._life])

    @property
    def full(self) -> bool:
        """Do so many bytes wait that whoever puts more should wait for `room`?"""
        return self._writer.full

    def _is_gone(self) -> bool:
        """Is the server's process known to have ended, whatever its connection says?"""
        return self._pulse is not None and self._pulse.has_stopped()

    @property
    def is_local(self) -> bool:
        """Does the server run on this machine? False before it has greeted."""
        return self._server is not None

    def who(self) -> str:
        """Name the server, for error texts."""
        return self.server_id or f"at {self.address}"

    async def _live(self, ready: asyncio.Future[None]) -> None:
        error: NbAgentsError | None = None
        try:
            await self._dial(CONNECT_SECONDS)
            ready.set_result(None)
            since, limit = time.monotonic(), 0.0
            while (error := await self._until_broken()) is None:
                now = time.monotonic()
                if not limit or now - since > STEADY_SECONDS:  # else it counts as the same break
                    limit = now + GRACE_SECONDS
                await self._dial_again(limit)
                since = time.monotonic()
        except NbAgentsError as failure:
            error = failure
        except Exception as failure:  # noqa: BLE001  # whatever it is, those who wait must hear of it
            error = await self._explained(failure)
        finally:
            self._writer.disconnect()
            if isinstance(error, ServerLostError) and not error.server_id:
                error = await died(self.who(), self._server[0] if self._server else 0, self.server_id)
            self._end(error or AgentServerNotAliveError(f"the connection to {self.who()} was closed"))
            if self._pulse is not None:
                self._pulse.close()
            await self._hang_up()

    def _end(self, error: NbAgentsError) -> None:
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(error)
        ended, self._ended = self._ended, _nobody
        ended(error)

    # ---- one connection

    async def _dial(self, seconds: float) -> None:
        """Connect and greet.

        Raises:
            NbAgentsError: it cannot be; `AgentServerNotAliveError` where that may be different soon.
        """
        await self._hang_up()
        self._channel = channel(self.address, self._trust)
        # Bytes both ways: a malformed message is ours to explain.
        metadata = (("authorization", f"Bearer {self._token}"),)
        self._rpc = self._channel.stream_stream(ATTACH)(metadata=metadata)
        try:
            seen = await asyncio.wait_for(self._greet(), seconds)
        except TimeoutError:
            raise AgentServerNotAliveError(f"the agent server at {self.address} does not answer") from None
        except NbAgentsError:
            raise
        except Exception as failure:  # noqa: BLE001  # as above
            raise await self._explained(failure) from None
        self._writer.connect(self._rpc.write, seen)
        self._writer.on_stall = self._rpc.cancel  # which ends the reading, too

    async def _greet(self) -> int:
        """Say Hello, and hear it; return the last of our frames that the server has seen."""
        # To write into a stream that is being refused would hide the reason.
        if ACCEPTED[0] not in (await self._rpc.initial_metadata() or {}):
            raise await self._explained(None)
        hello = pb.Hello(
            session=self._session,
            version=__version__,
            protocol=PROTOCOL,
            last_seen=self._writer.seen,
            epoch=self.epoch,
            pid=os.getpid(),
            pid_started=process_started(os.getpid()),
            boot=boot_id(),
        )
        await self._rpc.write(pb.Batch(frames=[pb.Frame(hello=hello)]).SerializeToString())
        data = await self._rpc.read()
        if data is grpc.aio.EOF:
            raise await self._explained(None)
        first = next(iter(parsed(data).frames), None)
        if first is None or first.WhichOneof("kind") != "hello":
            raise ProtocolError(f"the agent server at {self.address} did not greet")
        return self._greeted(first.hello)

    def _greeted(self, hello: pb.Hello) -> int:
        if self.epoch and (hello.server_id, hello.epoch) != (self.server_id, self.epoch):
            raise _ReplacedError(f"the agent server {self.who()} is gone; another one is in its place")
        if self.epoch and not hello.session:
            raise _Forgotten(f"the agent server {self.who()} no longer knows this session")
        if self._expects and hello.server_id != self._expects:
            raise ProtocolError(
                f"what listens at {self.address} is not the agent server {self._expects} that should be there"
            )
        if not hello.server_id or not hello.epoch or hello.session != self._session:
            raise ProtocolError(f"the agent server at {self.address} greeted somebody else")
        self.server_id, self.epoch = printable(hello.server_id, 128), hello.epoch
        if hello.boot and hello.boot == boot_id():
            self._server = (hello.pid, hello.pid_started)
            self._pulse = self._pulse or Pulse(*self._server)
        if hello.version != __version__:
            raise VersionMismatchError(
                f"the agent server {self.who()} is of nbagents {printable(hello.version, 40)},"
                f" this is {__version__}",
                hint="%agents server stop --all, then run the cell again",
            )
        return int(hello.last_seen)

    async def _until_broken(self) -> NbAgentsError | None:
        """Read until the connection ends; return why the session is over, or None if it is not."""
        try:
            while (data := await self._rpc.read()) is not grpc.aio.EOF:
                for frame in parsed(data).frames:
                    if self._writer.hear(frame):
                        self._handle(frame)
            failure: BaseException | None = None
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError) as broken:
            failure = broken
        except asyncio.CancelledError:
            self._writer.check()
            raise
        self._writer.disconnect()
        return await self._reason(failure)

    async def _reason(self, failure: BaseException | None) -> NbAgentsError | None:
        if isinstance(failure, grpc.aio.AioRpcError):
            status, details = failure.code(), failure.details() or ""
        else:
            status, details = await self._status()
        if status is grpc.StatusCode.OK:
            return self._gone("it was stopped")
        if status in BROKEN:
            return None
        return self._meaning(status, details)

    async def _hang_up(self) -> None:
        opened, self._channel, self._rpc = self._channel, None, None
        if opened is not None:
            await opened.close()

    # ---- another connection

    async def _dial_again(self, limit: float) -> None:
        """Connect again while the server lives.

        Raises:
            NbAgentsError: it is dead or frozen, or did not answer in time.
        """
        if time.monotonic() > limit:
            raise self._gone(f"its connections kept breaking for {GRACE_SECONDS:.0f} s")
        pause = FIRST_PAUSE
        while True:
            self._check_alive()
            try:
                await self._dial(AGAIN_SECONDS)
            except (_Forgotten, _ReplacedError):
                raise
            except AgentServerNotAliveError as error:
                if time.monotonic() > limit:
                    text = f"the connection to the agent server {self.who()} broke"
                    raise AgentServerNotAliveError(
                        f"{text}, and could not be made again within {GRACE_SECONDS:.0f} s: {error}"
                    ) from None
            else:
                log.info("the connection to the agent server %s broke and was made again", self.who())
                return
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _check_alive(self) -> None:
        if self._server is None:
            return
        if not is_running(*self._server):
            raise ServerLostError(f"the agent server {self.who()} is gone")  # `died` tells how
        if is_stopped(self._server[0]):
            error = ServerLostError(
                f"the agent server {self.who()} is out of reach: its process {self._server[0]} is frozen,"
                " by a signal or a debugger",
                hint=f"kill -CONT {self._server[0]}",
            )
            error.server_id, error.exit_status = self.server_id, "frozen"
            raise error

    # ---- why

    async def _status(self) -> tuple[Any, str]:
        # It is over; its status may come a moment after the news.
        with contextlib.suppress(TimeoutError):
            status = await asyncio.wait_for(asyncio.shield(self._rpc.code()), STATUS_SECONDS)
            return status, await self._rpc.details() or ""
        return grpc.StatusCode.UNAVAILABLE, ""

    async def _explained(self, failure: BaseException | None) -> NbAgentsError:
        """Say why it has ended; its status, where it has one, tells more than an exception."""
        if isinstance(failure, NbAgentsError):
            return failure
        if isinstance(failure, grpc.aio.AioRpcError):
            return self._meaning(failure.code(), failure.details() or "")
        if self._rpc is not None and isinstance(failure, asyncio.InvalidStateError | None):
            return self._meaning(*await self._status())
        if failure is not None:
            log.error("the stream to the agent server %s failed", self.who(), exc_info=failure)
        return self._meaning(grpc.StatusCode.UNAVAILABLE, "")

    def _meaning(self, status: grpc.StatusCode, details: str) -> NbAgentsError:
        if status is grpc.StatusCode.UNAUTHENTICATED:
            return AuthenticationError(
                f"the agent server {self.who()} refused the token: {printable(details)}"
            )
        if status is grpc.StatusCode.RESOURCE_EXHAUSTED:
            limit = MAX_MESSAGE // 2**20
            return MessageTooLargeError(
                f"a message to or from the agent server {self.who()} exceeds {limit} MiB"
            )
        if status is grpc.StatusCode.INVALID_ARGUMENT:
            return ProtocolError(f"the agent server {self.who()} refused a frame: {printable(details)}")
        if status is grpc.StatusCode.UNIMPLEMENTED:
            return ProtocolError(f"what listens at {self.address} is no agent server of ours")
        unknown = unproved(self.address, details, self._trust)
        if unknown is None and self.server_id:
            return ServerLostError(f"the agent server {self.who()} is gone")  # `died` tells how
        return unknown or self._gone("it has ended, or was killed")

    def _gone(self, why: str) -> AgentServerNotAliveError:
        return AgentServerNotAliveError(
            f"the agent server {self.who()} is gone: {why}",
            hint=HINT,
        )


class _Forgotten(AgentServerNotAliveError):
    """The server lives, and the session does not."""


def _nobody(error: NbAgentsError) -> None:
    """Hear of an end that was told already."""


class _ReplacedError(ServerLostError):
    """Another server listens where this one did."""
