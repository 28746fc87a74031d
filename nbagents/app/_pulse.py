"""`Pulse`: does a loop come to what is waiting for it, or does something hold it up?"""

from __future__ import annotations

import asyncio
import contextlib
import time

__all__ = ["Pulse"]


class Pulse:
    """Asks a loop for a sign of life. Costs nothing while nobody looks."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._asked: float | None = None

    def held(self) -> float:
        """Return for how many seconds the loop has not answered, and ask again if it has. Any thread."""
        asked = self._asked
        if asked is not None:
            return time.monotonic() - asked
        self._asked = time.monotonic()
        with contextlib.suppress(RuntimeError):  # it is closed
            self._loop.call_soon_threadsafe(self._answer)
        return 0.0

    def _answer(self) -> None:
        self._asked = None
