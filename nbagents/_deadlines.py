"""`Deadlines`: ends what is late, with one timer for all that is under way."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Iterable
from typing import Generic, Protocol, TypeVar

__all__ = ["Deadlines"]

log = logging.getLogger(__name__)


class _Timed(Protocol):
    limit: float
    """The moment of ``time.monotonic`` by which it must be over; infinity if there is none."""


T = TypeVar("T", bound=_Timed)


class Deadlines(Generic[T]):
    """Calls ``late`` with each that is late. On one loop only.

    The timer is set for the earliest limit that was told. What is over by then was never taken out again,
    so that messages which are answered in time cost no timers.
    """

    def __init__(self, under_way: Callable[[], Iterable[T]], late: Callable[[T], object]) -> None:
        self._under_way, self._late = under_way, late
        self._next = math.inf
        self._timer: asyncio.TimerHandle | None = None

    def add(self, limit: float) -> None:
        """Something is under way now that must be over by then."""
        if limit >= self._next:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._next = limit
        self._timer = asyncio.get_running_loop().call_later(max(limit - time.monotonic(), 0), self._look)

    def _look(self) -> None:
        self._timer, self._next = None, math.inf
        now, earliest = time.monotonic(), math.inf
        for each in [*self._under_way()]:
            if each.limit > now:
                earliest = min(earliest, each.limit)
                continue
            try:
                self._late(each)
            except Exception:  # the others are late all the same
                log.exception("what was late could not be ended")
        self.add(earliest)
