"""`Running`: a program in a sandbox, from its start to its end; and `Finished`, what has come of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from .._loop import background
from .._threads import on_thread
from ..exceptions import SandboxError
from ._command import Launch
from ._level import Level
from ._scratch import remove_scratch

__all__ = ["Finished", "Running", "on_loop"]

T = TypeVar("T")
PIECE = 65536
FLOOD = 64
"""What says so many times more than is kept is ended: to read it on would slow down everything else."""
GRACE = 1.0
"""Seconds in which the first process of a sandbox ends all others, before it is ended by force."""
KILLED = -9


async def on_loop(work: Coroutine[Any, Any, T]) -> T:
    """Do this on the background loop: its thread lives as long as this process, and children end with it."""
    return await background().cross(work)


@dataclass(frozen=True)
class Finished:
    """What has come of a program: its output, and how it ended.

    ``ended`` is "done", "timeout", "memory", "processes", "output" or "killed". ``returncode`` is below
    zero when a signal ended it. ``left_out`` is how many bytes of output were dropped.
    """

    returncode: int
    stdout: bytes
    stderr: bytes
    ended: str
    level: Level
    left_out: int = 0


class _Said:
    """The first bytes of what a program says, or the last ones, and how many more there were."""

    def __init__(self, most: int, *, keeps_end: bool, on_flood: Callable[[], None]) -> None:
        self.most, self.keeps_end, self.on_flood = most, keeps_end, on_flood
        self.data, self.left_out = bytearray(), 0

    async def listen(self, stream: asyncio.StreamReader) -> None:
        while piece := await stream.read(PIECE):
            self.data += piece
            beyond = len(self.data) - self.most
            if beyond > 0:
                del self.data[slice(beyond) if self.keeps_end else slice(self.most, None)]
                self.left_out += beyond
                if self.left_out > FLOOD * self.most and not self.keeps_end:
                    self.on_flood()


class Running:
    """A program that runs in a sandbox, until it ends or `kill`. Its methods may be awaited on any loop."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        line: socket.socket,
        launch: Launch,
        stdin: bytes,
        *,
        keeps_end: bool,
    ) -> None:
        self.level = launch.level
        """The level of its sandbox."""
        self._process, self._line, self._scratch = process, line, launch.scratch
        most = int(launch.limits.output)
        said = [_Said(most, keeps_end=keeps_end, on_flood=self._flooded) for _ in range(2)]
        self._out, self._err = said
        self._why, self._heard = "", asyncio.Event()
        assert process.stdout is not None
        assert process.stderr is not None
        readers = (self._hear(), self._out.listen(process.stdout), self._err.listen(process.stderr))
        self._work = [asyncio.ensure_future(work) for work in (*readers, self._feed(stdin))]
        self._told: dict[str, str] = {}
        self._over = asyncio.ensure_future(self._end())

    @classmethod
    async def start(
        cls,
        launch: Launch,
        argv: Sequence[str],
        stdin: bytes,
        environment: dict[str, str],
        *,
        keeps_end: bool,
    ) -> Running:
        """Start a program; on the background loop.

        Raises:
            SandboxError: it cannot be started.
        """
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        try:
            command = await on_thread(launch.command, argv, theirs.fileno(), environment)
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE if stdin else asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd="/",
                env=environment,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        except BaseException as error:
            ours.close()
            if isinstance(error, (OSError, ValueError)):
                raise SandboxError(f"the sandbox cannot be started: {error}") from None
            raise
        finally:
            theirs.close()
        self = cls(process, ours, launch, stdin, keeps_end=keeps_end)
        heard = asyncio.ensure_future(self._heard.wait())
        try:
            await asyncio.wait([heard, self._over], return_when=asyncio.FIRST_COMPLETED)
            if "started" not in self._told:
                await asyncio.shield(self._over)  # it raises: there is no sandbox
        except asyncio.CancelledError:
            self._ask(b"k")
            raise
        finally:
            heard.cancel()
        return self

    @property
    def pid(self) -> int:
        """The process, of this machine's, which holds the sandbox; it ends when the program has ended."""
        return self._process.pid

    @property
    def output(self) -> tuple[bytes, bytes]:
        """What the program has said so far, and what of errors; the end of it, if it was too much."""
        return bytes(self._out.data), bytes(self._err.data)

    def done(self) -> bool:
        """Has it ended, and all that it started?"""
        return self._over.done()

    async def wait(self, seconds: float | None = None) -> Finished:
        """Wait until it has ended; when ``seconds`` have passed it is ended. Cancelled, it runs on.

        Raises:
            SandboxError: the sandbox could not be made.
        """
        return await on_loop(self._waited(seconds))

    async def _waited(self, seconds: float | None) -> Finished:
        done, _ = await asyncio.wait([self._over], timeout=seconds)
        if not done:
            self._why = self._why or "timeout"
            self._ask(b"k")
            await asyncio.wait([self._over], timeout=GRACE)
            self._force()
        return await asyncio.shield(self._over)

    async def kill(self) -> None:
        """End it, and all that it started; return when nothing is left. Twice is fine."""
        await on_loop(self._killed())

    async def _killed(self) -> None:
        self._why = self._why or "killed"
        self._ask(b"k")
        await asyncio.wait([self._over], timeout=GRACE)
        self._force()
        await asyncio.wait([self._over])

    def _flooded(self) -> None:
        self._why = self._why or "output"
        self._ask(b"k")

    def interrupt(self) -> None:
        """Interrupt it, as Ctrl-C does. Returns at once; from any thread."""
        background().post(self._ask, b"i")

    def _ask(self, what: bytes) -> None:
        with contextlib.suppress(OSError):  # it has ended, or does not listen: then force is next
            self._line.send(what)

    def _force(self) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, 9)

    async def _hear(self) -> None:
        loop, said = asyncio.get_running_loop(), b""
        with contextlib.suppress(OSError):
            while piece := await loop.sock_recv(self._line, PIECE):
                said += piece
                lines = said.decode("utf-8", "replace").splitlines()
                self._told = dict(line.split(" ", 1) for line in lines if " " in line)
                self._heard.set()

    async def _feed(self, stdin: bytes) -> None:
        pipe = self._process.stdin
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                pipe.write(stdin)
                await pipe.drain()
                pipe.close()

    async def _end(self) -> Finished:
        await self._gone()
        await asyncio.wait(self._work, timeout=GRACE)  # at a low level others may hold its output open
        for work in self._work:
            work.cancel()
        self._process._transport.close()  # type: ignore[attr-defined]  # else it waits for those others
        self._line.close()
        if self._scratch is not None:
            await on_thread(remove_scratch, self._scratch)
        code = self._told.get("code")
        if code is None and "started" in self._told:
            self._why = self._why or "killed"  # what looked after it was ended
        if "error" in self._told or (code is None and not self._why):
            raise SandboxError(f"the sandbox could not be made: {self._reason()}")
        out, err = self.output
        ended = self._why if self._why and self._told.get("ended") != "done" else self._told["ended"]
        left_out = self._out.left_out + self._err.left_out
        return Finished(KILLED if code is None else int(code), out, err, ended, self.level, left_out)

    async def _gone(self) -> None:
        """Wait until the first process of the sandbox is gone."""
        exited, hearing = asyncio.ensure_future(self._process.wait()), self._work[0]
        await asyncio.wait([exited, hearing], return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait([exited], timeout=GRACE)
        self._force()
        await asyncio.wait([exited], timeout=GRACE)
        exited.cancel()

    def _reason(self) -> str:
        said = self._err.data.decode("utf-8", "replace").strip().splitlines()[-1:]
        return str(self._told.get("error") or (said or ["it ended without a word"])[0])[:300]
