"""`cross`: awaits small work on the background loop from any loop, without a task there for each."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from ..._loop import Awaited, LoopThread
from .._begun import Begun

__all__ = ["cross"]


async def cross(background: LoopThread, work: Coroutine[Any, Any, object]) -> None:
    """Run work there that awaits nothing but futures and asks for no task; cancelling cancels it.

    What is begun in the same turn of a loop crosses together, as with `LoopThread.cross`.

    Raises:
        UsageError: this is a fork of the process whose loop it is.
        Exception: what the work raises.
    """
    if background.here():
        await work
        return
    crossing = _Crossing(background.awaited())
    try:
        background.post(crossing.begin, work)
    except BaseException:
        work.close()
        raise
    try:
        await crossing.awaited.come()
    finally:
        if not crossing.awaited.done:
            background.post(crossing.abandon)


class _Crossing:
    __slots__ = ("_begun", "awaited")

    def __init__(self, awaited: Awaited) -> None:
        self.awaited = awaited
        self._begun: Begun | None = None

    def begin(self, work: Coroutine[Any, Any, object]) -> None:
        self._begun = Begun(work, self._ended, None)

    def _ended(self, _: None, error: BaseException | None) -> None:
        self._begun = None
        self.awaited.end(None, error)

    def abandon(self) -> None:
        if self._begun is not None:
            self._begun.cancel()
