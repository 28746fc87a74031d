"""`Sandbox`: a folder in which programs run that nobody has to trust."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from .._threads import on_thread
from ..exceptions import SandboxError, UsageError
from ._command import Launch
from ._level import Level, least_level
from ._limits import Limits
from ._probe import check_level, shows_processes
from ._running import Finished, Running, on_loop
from ._scratch import make_scratch
from ._view import HINT, View

__all__ = ["Sandbox"]


class Sandbox:
    r"""A folder, and programs that run in it: they write there, and read the system and ``readable``.

    A program has no network unless ``network``, an environment of its own (PATH, LANG, HOME and TMPDIR, the
    last two private to it), and ends with all that it has started: by itself, at a limit, when whoever waits
    is cancelled or interrupted, and with this process. ``least`` is the level below which nothing runs: by
    default what ``NBAGENTS_SANDBOX`` names, else `Level.NAMESPACES`. ``level`` takes this one, not the best.

    May be shared by threads and loops; each program is alone but for the folder.

    >>> import tempfile
    >>> async def add(folder):
    ...     box = Sandbox(folder, least=Level.LIMITS)
    ...     return (await box.run(["/bin/sh", "-c", "echo $((2 + 3))"])).stdout
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     asyncio.run(add(folder))
    b'5\n'

    Raises:
        UsageError: the folder is not there, or no program may write in it, as in a home as a whole. Where
            this Python is in it, as in a project with its ``.venv``, that part can only be read.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        limits: Limits = Limits(),  # noqa: B008  # frozen
        least: Level | None = None,
        network: bool = False,
        readable: Sequence[str | Path] = (),
        level: Level | None = None,
    ) -> None:
        self.folder = Path(folder).resolve()
        if not self.folder.is_dir():
            raise UsageError(
                f"the work folder of a sandbox is a folder that exists, and {self.folder} is none"
            )
        self.limits, self.least, self.network = limits, least_level(least), network
        self._level = None if level is None else Level(level)
        self._view = View.of(self.folder, readable, network=network)

    async def level(self) -> Level:
        """Return the level at which programs run here.

        Raises:
            SandboxError: this machine has none that is high enough; the message says what to do.
        """
        if self._level is None:
            return await on_thread(check_level, self.least)  # type: ignore[no-any-return]
        if self._level < self.least:
            raise SandboxError(
                f"the level {self._level.name.lower()} is asked for; the least is {self.least.name.lower()}"
            )
        return self._level

    async def run(
        self, argv: Sequence[str], stdin: bytes = b"", *, environment: Mapping[str, str] | None = None
    ) -> Finished:
        """Run a program to its end; it is ended at the latest when ``limits.seconds`` have passed.

        A program that cannot be found, or fails, is no error here: see ``returncode`` and ``stderr``.
        Cancelling this ends the program, and all that it has started, before the cancellation goes on.

        Raises:
            SandboxError: there is no sandbox that is good enough, or it could not be made.
        """
        return await on_loop(self._run(argv, stdin, environment))

    async def start(
        self,
        argv: Sequence[str],
        stdin: bytes = b"",
        *,
        environment: Mapping[str, str] | None = None,
        sockets: bool = True,
    ) -> Running:
        """Start a program that runs until it ends, is killed, or this process ends.

        ``limits.seconds`` is not used. Of its output the last ``limits.output`` bytes are kept. With
        ``sockets`` it may use local sockets, by which other processes of this machine reach it in the folder
        (with namespaces it always may).

        Raises:
            SandboxError: there is no sandbox that is good enough, or it could not be made.
        """
        return await on_loop(self._start(argv, stdin, environment, sockets=sockets, keeps_end=True))

    async def _run(
        self, argv: Sequence[str], stdin: bytes, environment: Mapping[str, str] | None
    ) -> Finished:
        running = await self._start(argv, stdin, environment, sockets=False, keeps_end=False)
        try:
            return await running.wait(self.limits.seconds)
        finally:
            if not running.done():
                await asyncio.shield(asyncio.ensure_future(running.kill()))

    async def _start(
        self,
        argv: Sequence[str],
        stdin: bytes,
        environment: Mapping[str, str] | None,
        *,
        sockets: bool,
        keeps_end: bool,
    ) -> Running:
        level = await self.level()
        if level < Level.NAMESPACES and self._view.holds_python:
            raise UsageError(
                f"this Python is in {self.folder}, and a program could change it at the level"
                f" {level.name.lower()}",
                hint=HINT,
            )
        scratch = None if level >= Level.NAMESPACES else await on_thread(make_scratch, "home")
        launch = Launch(
            level,
            self._view,
            self.limits,
            network=self.network,
            sockets=sockets,
            scratch=scratch,
            shows_processes=shows_processes(level),
        )
        given = launch.environment(environment or {})
        return await Running.start(launch, argv, stdin, given, keeps_end=keeps_end)
