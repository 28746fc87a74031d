"""`Pulse`: whether a server's process still lives, asked of the kernel in half a microsecond.

A process can be dead for a while before its connections tell. What is written to it then is never read; to
know that is worth the question each time that something is written.
"""

from __future__ import annotations

import os
import select

from .._process import is_running

__all__ = ["Pulse"]


class Pulse:
    """Watches one process of this machine. Where the kernel cannot be asked, it is taken to live."""

    def __init__(self, pid: int, started: str) -> None:
        self._fd, self._poll = -1, None
        if not hasattr(os, "pidfd_open"):
            return
        try:
            self._fd = os.pidfd_open(pid)
        except OSError:  # it is gone, or this kernel is too old
            return
        if not is_running(pid, started):  # another process may have its pid by now
            self.close()
            return
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLIN)

    def has_stopped(self) -> bool:
        """Has the process ended for certain?"""
        return self._poll is not None and bool(self._poll.poll(0))

    def close(self) -> None:
        """Watch no more. Twice is fine."""
        fd, self._fd, self._poll = self._fd, -1, None
        if fd >= 0:
            os.close(fd)
