"""`Maker`: makes agents off the loop.

A constructor may block: it imports, loads a model, asks a server. So it never runs on the loop. Most are
over at once, and a thread for each would cost ten times as much, so one thread makes one agent after the
other, and whenever none gets done for a moment, another thread helps.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

__all__ = ["Maker"]

T = TypeVar("T")
MOMENT = 0.02
"""Seconds without progress after which another thread is started."""
MOST_THREADS = 256


class Maker(Generic[T]):
    """Runs blocking functions on threads of its own. On the loop only; ``post`` leads back to it."""

    def __init__(self, post: Callable[..., None]) -> None:
        self._post = post
        self._jobs: deque[tuple[Callable[[], T], asyncio.Future[T]]] = deque()
        self._threads, self._finished = 0, 0
        self._watch: asyncio.TimerHandle | None = None

    def make(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Run ``work`` soon; the future gets what it returns or raises."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.append((work, future))
        if self._threads == 0:
            self._start()
        if self._watch is None:
            self._look_later()
        return future

    def _look_later(self) -> None:
        self._watch = asyncio.get_running_loop().call_later(MOMENT, self._look, self._finished)

    def _look(self, finished: int) -> None:
        self._watch = None
        if self._jobs:
            if self._finished == finished and self._threads < MOST_THREADS:
                self._start()
            self._look_later()

    def _start(self) -> None:
        self._threads += 1
        threading.Thread(target=self._work, name="nbagents-maker", daemon=True).start()

    def _work(self) -> None:
        while self._jobs:
            try:
                work, future = self._jobs.popleft()
            except IndexError:  # another thread was faster
                break
            try:
                made = work()
            except BaseException as error:  # noqa: BLE001  # whoever asked gets it
                self._post(self._settle, future, None, error)
            else:
                self._post(self._settle, future, made, None)
        self._post(self._ended)

    def _settle(self, future: asyncio.Future[T], made: Any, error: BaseException | None) -> None:
        self._finished += 1
        if future.done():
            return  # nobody waits any more
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(made)

    def _ended(self) -> None:
        self._threads -= 1
        if self._jobs and self._threads == 0:  # one came while the last thread left
            self._start()
