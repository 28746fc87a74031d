"""`Watch`: starts the program, looks after it and all that it starts, and leaves nothing of it behind."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import time
from typing import Any, NoReturn

from ._bounds import hide, set_limits
from ._filter import can_filter, filter_calls
from ._kernel import libc
from ._landlock import landlock_version, restrict
from ._tree import below, everybody, memory_of

__all__ = ["Watch"]

LANDLOCK, NAMESPACES = 1, 2
PR_SET_CHILD_SUBREAPER = 36
TICK, LATER_TICK, LATER = 0.05, 0.2, 10.0
"""Seconds between two looks; between two when the program runs for so long already."""
CLEARING = 2.0


class Watch:
    """One program, and the line to the process that asked for it.

    That one writes ``i`` for an interrupt and ``k`` for the end; when it closes the line, or dies, all ends.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings, self.line = settings, int(settings["line"])
        os.set_inheritable(self.line, False)
        self.alone = settings["level"] >= NAMESPACES
        """Are all processes that it can see the program's?"""
        self.child = self.code = 0

    def tell(self, **said: Any) -> None:
        """Tell the one who asked."""
        with contextlib.suppress(OSError):  # nobody listens any more
            os.write(self.line, json.dumps(said).encode() + b"\n")

    def leave(self) -> None:
        """Let go of the line, which another process has now."""
        os.close(self.line)

    def start(self) -> None:
        """Start the program."""
        if sys.platform == "linux" and not self.alone:
            libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.child = os.fork()
        if not self.child:
            self._become()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            signal.signal(number, signal.SIG_IGN)
        self.tell(started=True)
        if sys.platform == "linux":
            hide()
        nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        for fd in range(3):
            os.dup2(nothing, fd)

    def _become(self) -> NoReturn:
        settings, argv = self.settings, self.settings["argv"]
        try:
            os.setsid()
            for number in (signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ):
                signal.signal(number, signal.SIG_DFL)
            set_limits(settings["limits"])
            needs = settings["level"] == LANDLOCK  # above it is a second door, where the kernel has it
            if settings["landlock"] is not None and (needs or landlock_version()):
                restrict(*settings["landlock"], network=settings["network"])
            if settings["level"] >= LANDLOCK and can_filter():
                filter_calls(settings["families"], shares=not self.alone)
        except OSError as error:
            self.tell(error=f"{error.filename or 'the sandbox'}: {error.strerror or error}")
            os._exit(125)
        try:
            os.chdir(settings["folder"])
            os.execvp(argv[0], argv)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            os.write(2, f"{argv[0]} cannot be run: {why}\n".encode())
            os._exit(127)

    def run(self) -> NoReturn:
        """Look after it until it ends, goes beyond a limit, or is to end; then end all that is left."""
        ended = self._until_the_end()
        if not self.alone:
            self._clear()
        self.tell(code=self.code, ended=ended)
        os._exit(0)  # the first process of its namespace takes all others along

    def _until_the_end(self) -> str:
        poll, begun = select.poll(), time.monotonic()
        poll.register(self.line, select.POLLIN)
        if hasattr(os, "pidfd_open"):
            with contextlib.suppress(OSError):  # an old kernel: the next look finds it
                poll.register(os.pidfd_open(self.child), select.POLLIN)
        while True:
            tick = TICK if time.monotonic() - begun < LATER else LATER_TICK
            for fd, _ in poll.poll(tick * 1000):
                if fd == self.line:
                    asked = os.read(self.line, 16)
                    if asked in (b"", b"k") or b"k" in asked:
                        self.code = -signal.SIGKILL
                        return "killed"
                    self._interrupt()
            if self._reap():
                return "done"
            beyond = self._beyond()
            if beyond:
                self.code = -signal.SIGKILL
                return beyond

    def _interrupt(self) -> None:
        with contextlib.suppress(OSError):  # it has just ended
            os.killpg(self.child, signal.SIGINT)

    def _reap(self) -> bool:
        """Take leave of those that have ended; is the program among them?"""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return True
            if pid == self.child:
                self.code = os.waitstatus_to_exitcode(status)
                return True
            if not pid:
                return False

    def _beyond(self) -> str:
        limits = self.settings["limits"]
        pids = everybody() if self.alone else below(os.getpid())
        if len(pids) > limits["processes"]:
            return "processes"
        return "memory" if memory_of(pids, limits["memory"]) > limits["memory"] else ""

    def _clear(self) -> None:
        limit = time.monotonic() + CLEARING
        while time.monotonic() < limit:
            with contextlib.suppress(OSError):
                os.killpg(self.child, signal.SIGKILL)
            for pid in below(os.getpid()):
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            try:
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            except ChildProcessError:
                return
            time.sleep(0.002)
