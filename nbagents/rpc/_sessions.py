"""`Sessions`: the attached clients of one server: greeted, served, and kept while a connection is broken."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from threading import Event as StopEvent
from typing import Any

import grpc

from .._process import boot_id, is_running
from ..exceptions import ProtocolError
from ._admission import greeting
from ._frames import SLICE, parsed
from ._limits import ACCEPTED, GRACE_SECONDS, PROTOCOL
from ._proto import agent_pb2 as pb
from ._session import Session

__all__ = ["Sessions"]

FIRST_LOOK, LONGEST_PAUSE = 0.05, 1.0
"""Seconds between two looks at whether a client whose connection broke still lives."""


class Sessions:
    """The sessions by their names. On the loop only.

    A session outlives its connection by the time of grace; one whose client is a process of this machine
    that has ended does not.
    """

    def __init__(
        self,
        server_id: str,
        epoch: str,
        stop_event: StopEvent,
        make: Callable[[str], Session],
        active: Callable[[], object],
    ) -> None:
        self._server_id, self._epoch, self._stop_event = server_id, epoch, stop_event
        self._make, self._active = make, active
        self._sessions: dict[str, Session] = {}

    def connected(self) -> list[Session]:
        """Return those that have a connection now."""
        return [session for session in self._sessions.values() if session.connection is not None]

    def all(self) -> list[Session]:
        """Return all, those too whose connection is broken."""
        return list(self._sessions.values())

    async def serve(self, stream: grpc.aio.ServicerContext[bytes, bytes]) -> None:
        """Serve one connection of an attached client until it leaves, or the connection breaks.

        Raises:
            ProtocolError: it sent what is no frame, or none of this version.
        """
        await stream.send_initial_metadata((ACCEPTED,))
        data: Any = await stream.read()
        if data is grpc.aio.EOF:
            return
        first, *rest = parsed(data).frames or [pb.Frame()]
        session = await self._greet(first, stream)
        if session is None:
            return
        connection, replaced = session.connection, session.replaced
        serving = asyncio.ensure_future(self._serve(session, rest, stream))
        ends = [asyncio.ensure_future(session.writer.finished.wait())]
        ends.append(asyncio.ensure_future(replaced.wait()))
        ends.append(asyncio.ensure_future(session.writer.stalled.wait()))
        left = True
        try:
            await asyncio.wait([serving, *ends], return_when=asyncio.FIRST_COMPLETED)
            session.writer.check()
            if serving.done():
                serving.result()
                left = session.leaving
        except asyncio.CancelledError:
            left = session.leaving  # it may have hung up right after it said so
            raise
        finally:
            for task in (serving, *ends):
                task.cancel()
                task.add_done_callback(lambda task: task.cancelled() or task.exception())
            self._active()
            if session.connection is connection:
                session.connection = None
                session.writer.disconnect()
                if left or self._stop_event.is_set():
                    self._forget(session)
                else:
                    broken = session.broken = object()
                    self._look(session, broken, time.monotonic() + GRACE_SECONDS, FIRST_LOOK)

    def _look(self, session: Session, broken: object, limit: float, pause: float) -> None:
        """Forget a session whose connection broke, at the end of its time or when its client has ended."""
        left = limit - time.monotonic()
        if session.broken is not broken or session.connection is not None:
            return
        if left <= 0 or (session.process is not None and not is_running(*session.process)):
            self._forget(session, broken)
            return
        next_pause = min(2 * pause, LONGEST_PAUSE)
        asyncio.get_running_loop().call_later(
            min(pause, left), self._look, session, broken, limit, next_pause
        )

    def _forget(self, session: Session, broken: object = None) -> None:
        """End a session; one whose connection broke, unless it has found another one since."""
        if broken is None or (session.connection is None and session.broken is broken):
            session.close()
            if self._sessions.get(session.name) is session:
                del self._sessions[session.name]

    async def _serve(self, session: Session, frames: Any, stream: Any) -> None:
        """Handle what comes, until nothing comes any more."""
        while True:
            self._active()
            for number, frame in enumerate(frames, 1):
                if session.writer.hear(frame):
                    session.handle(frame)
                if number % SLICE == 0:
                    await asyncio.sleep(0)
            data = await stream.read()
            if data is grpc.aio.EOF:
                return
            frames = parsed(data).frames

    async def _greet(self, frame: pb.Frame, stream: Any) -> Session | None:
        """Answer Hello; return the session that it opens or resumes, None if that is over."""
        if frame.WhichOneof("kind") != "hello":
            raise ProtocolError("the first frame of a session is Hello")
        theirs = frame.hello
        if theirs.protocol != PROTOCOL:
            raise ProtocolError(f"this server speaks protocol {PROTOCOL}, not {theirs.protocol}")
        session = self._sessions.get(theirs.session)
        if session is None and not theirs.epoch:
            session = self._make(theirs.session)
            self._sessions[session.name] = session
        elif session is not None and not theirs.epoch:
            raise ProtocolError("there is a session of that name already")
        name, seen = (session.name, session.writer.seen) if session is not None else ("", 0)
        hello = greeting(name, seen, self._server_id, self._epoch)
        if session is not None and theirs.epoch not in ("", self._epoch):
            session = None
        if session is not None:
            session.belongs(_process(theirs))
            session.reconnect()  # from here on an earlier connection of the session is none of its
        await stream.write(pb.Batch(frames=[pb.Frame(hello=hello)]).SerializeToString())
        if session is not None:
            session.writer.connect(stream.write, theirs.last_seen)
        return session


def _process(hello: pb.Hello) -> tuple[int, str] | None:
    """Return which process of this machine a client is, where that is known."""
    here = bool(hello.boot) and hello.boot == boot_id() and bool(hello.pid_started)
    return (hello.pid, hello.pid_started) if here and is_running(hello.pid, hello.pid_started) else None
