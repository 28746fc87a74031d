"""`Counter`: the tokens that models take for one answer, wherever they are asked: here, or in a server."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import ContextVar

from .. import events

__all__ = ["Counter", "count"]

_counter: ContextVar[Counter | None] = ContextVar("nbagents_app_counter", default=None)
"""Of the answer that the running code belongs to; calls and requests to models take it along."""


class Counter:
    """Counts what is asked by the code that runs in its context, and below that."""

    def __init__(self) -> None:
        self._read = self._written = self._asked = 0

    def begin(self) -> None:
        """Count what the running code does from now on."""
        _counter.set(self)

    def told(self) -> dict[str, int] | None:
        """Return what has been taken so far; None if no model has answered."""
        if not self._asked:
            return None
        return {
            "input_tokens": self._read,
            "output_tokens": self._written,
            "total_tokens": self._read + self._written,
        }

    def add(self, event: events.Event) -> None:
        """Take in what one answer of a model took. On the background loop."""
        self._asked += 1
        self._read += int(event.data.get("prompt_tokens") or 0)
        self._written += int(event.data.get("completion_tokens") or 0)


_lock = threading.Lock()
_apps: list[object] = []
_end: Callable[[], None] | None = None


def count() -> Callable[[], None]:
    """Have counters hear of models from now on, for one more app; return what ends that."""
    global _end
    me = object()
    with _lock:
        _apps.append(me)
        if _end is None:
            _end = events.subscribe(_hear)

    def end() -> None:
        global _end
        with _lock:
            if me in _apps:
                _apps.remove(me)
            if not _apps and _end is not None:
                _end()
                _end = None

    return end


def _hear(event: events.Event) -> None:
    # It is told where it happens; what a server tells, in the context of the call that went there.
    if event.kind == "usage" and (counter := _counter.get()) is not None:
        counter.add(event)
