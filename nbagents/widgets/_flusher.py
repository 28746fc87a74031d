"""`Flusher`: the one thread that refreshes what is live in this notebook, not too often.

A front-end drops output beyond a rate, and a page that is redrawn too often cannot be read. So what
changes is only marked; the thread shows a thing at most ten times a second, all things together at
most twenty times, and one that takes long to draw more rarely. Knows nothing of what it refreshes.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Protocol

__all__ = ["Flusher", "Live", "flusher"]

log = logging.getLogger(__name__)

EACH = 0.1
"""Seconds between two refreshes of one thing, at least."""
ALL = 0.05
"""Seconds between two refreshes of any, at least."""
CLOCK = 1.0
"""Seconds after which a thing is refreshed though nothing has changed: it shows how long it has taken."""
SHARE = 5
"""A refresh that took a while is followed by a pause this many times as long."""


class Live(Protocol):
    """Something that is refreshed until it says that it is finished."""

    def refresh(self) -> bool:
        """Show it as it is now; return whether it goes on. Called on the flusher's thread."""


class _Entry:
    __slots__ = ("due", "live", "marked", "pause", "shown_at")

    def __init__(self, live: Live) -> None:
        self.live = live
        self.marked = True
        self.shown_at = 0.0
        self.pause = EACH

    def when(self) -> float:
        return self.shown_at + (self.pause if self.marked else max(CLOCK, self.pause))


class Flusher:
    """Refreshes live things on a daemon thread, which ends when there are none. Safe from any thread."""

    def __init__(self) -> None:
        self._entries: dict[int, _Entry] = {}
        self._condition = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, live: Live) -> None:
        """Refresh this from now on."""
        with self._condition:
            self._entries[id(live)] = _Entry(live)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._main, name="nbagents-cards", daemon=True)
                self._thread.start()
            self._condition.notify()

    def mark(self, live: Live) -> None:
        """Say that it has changed. Costs next to nothing."""
        entry = self._entries.get(id(live))
        if entry is not None and not entry.marked:
            with self._condition:
                entry.marked = True
                self._condition.notify()

    def remove(self, live: Live) -> None:
        """Refresh it no more; a refresh that has begun is still finished."""
        with self._condition:
            self._entries.pop(id(live), None)
            self._condition.notify()

    def _main(self) -> None:
        while True:
            with self._condition:
                if not self._entries:
                    self._thread = None
                    return
                entry = min(self._entries.values(), key=_Entry.when)
                wait = entry.when() - time.monotonic()
                if wait > 0:
                    self._condition.wait(wait)
                    continue
                entry.marked = False
            self._refresh(entry)
            time.sleep(ALL)

    def _refresh(self, entry: _Entry) -> None:
        began = time.monotonic()
        try:
            goes_on = entry.live.refresh()
        except Exception:
            log.exception("a live output could not be refreshed")
            goes_on = False
        entry.shown_at = time.monotonic()
        entry.pause = max(EACH, SHARE * (entry.shown_at - began))
        if not goes_on:
            with self._condition:  # unless it was added anew meanwhile
                if self._entries.get(id(entry.live)) is entry:
                    del self._entries[id(entry.live)]


_flusher = Flusher()


def flusher() -> Flusher:
    """Return the process's flusher."""
    return _flusher
