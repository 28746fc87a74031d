"""`Numbers`: counts the runs of this process, on from where those of its workspace have come."""

from __future__ import annotations

import threading

__all__ = ["Numbers", "numbers"]


class Numbers:
    """A count that can be moved on. Any thread.

    >>> count = Numbers()
    >>> count.next(), count.reach(7), count.reach(3), count.next()
    (1, None, None, 8)
    """

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def next(self) -> int:
        """Return the next number; they count from 1."""
        with self._lock:
            self._last += 1
            return self._last

    def reach(self, number: int) -> None:
        """Let the next number be higher than this one."""
        with self._lock:
            self._last = max(self._last, number)


numbers = Numbers()
"""The numbers of this process's runs."""
