"""`Watch`: starts the program, looks after it and all that it starts, and leaves nothing of it behind."""

from __future__ import annotations

import ctypes
import os
import select
import sys
import time

from ._bounds import hide, set_limits
from ._filter import can_filter, filter_calls
from ._kernel import libc
from ._landlock import landlock_version, restrict
from ._settings import Settings
from ._tree import below, everybody, memory_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

__all__ = ["Watch"]

LANDLOCK, NAMESPACES = 1, 2
PR_SET_CHILD_SUBREAPER = 36
HANGUP, INTERRUPT, QUIT, KILL, PIPE, TERMINATE, TOO_LARGE = 1, 2, 3, 9, 13, 15, 25
BY_DEFAULT, IGNORED = 0, 1
"""What the C library calls SIG_DFL and SIG_IGN. (Python's module of signals takes long to load.)"""
TICK, LATER_TICK, LATER = 0.05, 0.2, 10.0
"""Seconds between two looks; between two when the program runs for so long already."""
CLEARING = 2.0


class Watch:
    """One program, and the line to the process that asked for it.

    That one writes ``i`` for an interrupt and ``k`` for the end; when it closes the line, or dies, all ends.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings, self.line = settings, settings.number("line")
        os.set_inheritable(self.line, False)
        self.alone = settings.number("level") >= NAMESPACES
        """Are all processes that it can see the program's?"""
        self.child = self.code = 0

    def tell(self, what: str, text: str) -> None:
        """Tell the one who asked."""
        try:
            os.write(self.line, f"{what} {' '.join(text.split())}\n".encode("utf-8", "replace"))
        except OSError:
            pass  # nobody listens any more

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
        for number in (INTERRUPT, TERMINATE, HANGUP, QUIT):
            _on_signal(number, IGNORED)
        self.tell("started", "")
        if sys.platform == "linux":
            hide()
        nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        for fd in range(3):
            os.dup2(nothing, fd)

    def _become(self) -> NoReturn:
        settings, argv = self.settings, self.settings.texts("argv")
        try:
            os.setsid()
            for number in (INTERRUPT, PIPE, TOO_LARGE):
                _on_signal(number, BY_DEFAULT)
            set_limits(settings)
            needs = settings.number("level") == LANDLOCK  # above it is a second door, where the kernel has it
            if settings.number("landlock") and (needs or landlock_version()):
                read, write = settings.texts("may_read"), settings.texts("may_write")
                restrict(read, write, network=bool(settings.number("network")))
            if settings.number("level") >= LANDLOCK and can_filter():
                filter_calls(settings.numbers("families"), shares=not self.alone)
        except OSError as error:
            self.tell("error", f"{error.filename or 'the sandbox'}: {error.strerror or error}")
            os._exit(125)
        try:
            os.chdir(settings.texts("folder")[0])
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
        self.tell("code", str(self.code))
        self.tell("ended", ended)
        os._exit(0)  # the first process of its namespace takes all others along

    def _until_the_end(self) -> str:
        poll, begun = select.poll(), time.monotonic()
        poll.register(self.line, select.POLLIN)
        if hasattr(os, "pidfd_open"):
            try:
                poll.register(os.pidfd_open(self.child), select.POLLIN)
            except OSError:
                pass  # an old kernel: the next look finds it
        while True:
            tick = TICK if time.monotonic() - begun < LATER else LATER_TICK
            for fd, _ in poll.poll(tick * 1000):
                if fd == self.line:
                    asked = os.read(self.line, 16)
                    if asked in (b"", b"k") or b"k" in asked:
                        self.code = -KILL
                        return "killed"
                    self._interrupt()
            if self._reap():
                return "done"
            beyond = self._beyond()
            if beyond:
                self.code = -KILL
                return beyond

    def _interrupt(self) -> None:
        _end(os.killpg, self.child, INTERRUPT)

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
        memory = self.settings.number("memory")
        pids = everybody() if self.alone else below(os.getpid())
        if len(pids) > self.settings.number("processes"):
            return "processes"
        return "memory" if memory_of(pids, memory) > memory else ""

    def _clear(self) -> None:
        limit = time.monotonic() + CLEARING
        while time.monotonic() < limit:
            _end(os.killpg, self.child, KILL)
            for pid in below(os.getpid()):
                _end(os.kill, pid, KILL)
            try:
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            except ChildProcessError:
                return
            time.sleep(0.002)


def _on_signal(number: int, what: int) -> None:
    libc.signal(ctypes.c_int(number), ctypes.c_void_p(what))


def _end(by: Callable[[int, int], None], pid: int, number: int) -> None:
    try:
        by(pid, number)
    except OSError:
        pass  # it has just ended
