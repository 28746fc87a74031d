"""`Record`: what an app was asked of late, for whoever looks on: a card, a monitor of your own."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ._asked import Asked, asked_of

if TYPE_CHECKING:
    from ._answer import Answer

__all__ = ["Activity", "Latency", "Record"]

log = logging.getLogger(__name__)

LAST = 20
"""Requests that are shown."""
MEASURED = 1000
"""Answers whose times are kept, the last ones."""

Latency = tuple[float, float]
"""Seconds: the median, and what 95 of 100 stay under."""


@dataclass(frozen=True, slots=True)
class Activity:
    """What an app does and has done since it serves.

    ``requests`` are the last ones, the oldest first; those under way come before those that are over where
    there is not room for all. ``first`` and ``whole`` are how long answers took to their first piece and to
    their end, None where there was none; they tell of the last 1,000 that were finished.
    """

    requests: tuple[Asked, ...] = ()
    running: int = 0
    answered: int = 0
    failed: int = 0
    stopped: int = 0
    first: Latency | None = None
    whole: Latency | None = None


class Record:
    """Notes each request at its end, a few hundred bytes for the last ones; nothing in between.

    Written on the loop of the app, read on any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: deque[Asked] = deque(maxlen=LAST)
        self._first: deque[float] = deque(maxlen=MEASURED)
        self._whole: deque[float] = deque(maxlen=MEASURED)
        self._counts = {"done": 0, "failed": 0, "stopped": 0}
        self._watchers: tuple[Callable[[], object], ...] = ()

    def watch(self, changed: Callable[[], object]) -> Callable[[], None]:
        """Have a function called at each step of each request; return what ends that.

        It is called on the loop of the app, maybe thousands of times a second (and by whoever stops the app,
        there): it notes that something is new, and no more.
        """
        with self._lock:
            self._watchers = (*self._watchers, changed)

        def end() -> None:
            with self._lock:
                self._watchers = tuple(each for each in self._watchers if each is not changed)

        return end

    def changed(self) -> None:
        """Tell those who watch. What fails there harms no answer."""
        for watcher in self._watchers:
            try:
                watcher()
            except Exception:
                log.exception("somebody who watches an app has failed")

    def over(self, answer: Answer) -> None:
        """Note an answer that has ended."""
        asked = asked_of(answer)
        with self._lock:
            self._last.append(asked)
            self._counts[asked.state] += 1
            if asked.state == "done" and asked.whole is not None:
                self._whole.append(asked.whole)
                if asked.first is not None:
                    self._first.append(asked.first)
        self.changed()

    def look(self, running: Sequence[Answer]) -> Activity:
        """Return what there is to see, with those answers under way."""
        shown = [asked_of(answer) for answer in running[-LAST:]]
        with self._lock:
            counts, first, whole = dict(self._counts), sorted(self._first), sorted(self._whole)
            ids = {asked.id for asked in self._last}  # it may have ended since
            shown = [asked for asked in shown if asked.id not in ids]
            over = list(self._last)[max(0, len(shown) - LAST + len(self._last)) :]
        requests = sorted([*over, *shown], key=lambda asked: asked.began)
        return Activity(
            tuple(requests),
            len(running),
            counts["done"],
            counts["failed"],
            counts["stopped"],
            _latency(first),
            _latency(whole),
        )


def _latency(ordered: list[float]) -> Latency | None:
    if not ordered:
        return None
    return ordered[(len(ordered) - 1) // 2], ordered[max(0, -(-95 * len(ordered) // 100) - 1)]
