"""`Deltas`: what streams of calls, told in fewer pieces than it comes in.

A model writes a hundred pieces a second, and whoever looks on sees ten changes. To send each alone costs
both sides many times what it is worth. So the first piece is passed on at once, as is one that comes after a
pause; those that follow within `WINDOW` are joined, in their order. Nothing is dropped here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["WINDOW", "Deltas"]

WINDOW = 0.05
"""Seconds that a piece waits for others at most."""
LARGEST = 65_536
"""Characters that wait, of one call, before they are passed on all the same."""
AROUND = 16
"""What a piece counts for besides its characters: many empty ones take room too."""

T = TypeVar("T")


class _Waiting(Generic[T]):
    __slots__ = ("about", "pieces", "size")

    def __init__(self) -> None:
        self.about: T
        self.pieces: list[str] = []
        self.size = 0


class Deltas(Generic[T]):
    """Joins the pieces of each call. On the loop only.

    ``tell`` gets what the last of the pieces was about, their text, and how many they were: in the order of
    these last ones over all calls, so that numbers in ``about`` that grow are told as they grow. Whoever has
    something else to tell of these calls flushes first.
    """

    def __init__(self, tell: Callable[[T, str, int], object]) -> None:
        self._tell = tell
        self._open: set[str] = set()
        """The calls of which something was told since the window began, or just before."""
        self._waiting: dict[str, _Waiting[T]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def take(self, call: str, about: T, text: str) -> None:
        """Take a piece: it is told at once, or with others in a moment."""
        if call not in self._open:
            self._open.add(call)
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(WINDOW, self._tick)
            self.flush()
            self._tell(about, text, 1)
            return
        waiting = self._waiting.pop(call, None) or _Waiting()
        self._waiting[call] = waiting  # behind the others, as its last piece is
        waiting.about = about
        waiting.pieces.append(text)
        waiting.size += len(text) + AROUND
        if waiting.size > LARGEST:
            self.flush()

    def flush(self) -> None:
        """Tell all that waits."""
        if self._waiting:
            waiting, self._waiting = self._waiting, {}
            for each in waiting.values():
                self._tell(each.about, "".join(each.pieces), len(each.pieces))

    def close(self) -> None:
        """Forget what waits: nobody listens any more."""
        self._waiting.clear()
        self._open.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        # A call that has paused is told at once again; all others share the ticks, and so the messages.
        self._open = set(self._waiting)
        self._timer = asyncio.get_running_loop().call_later(WINDOW, self._tick) if self._open else None
        self.flush()
