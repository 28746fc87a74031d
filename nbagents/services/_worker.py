"""`Worker`: one thread that does a service's blocking work in order, for every event loop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from .._threads import on_thread
from ..exceptions import ServiceNotStartedError

__all__ = ["Worker"]

T = TypeVar("T")


class Worker:
    """One thread, started at the first job. What is cancelled while it waits is done all the same."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._lock = threading.Lock()
        self._executor: ThreadPoolExecutor | None = None

    def open(self) -> None:
        """Take jobs. Twice is fine."""
        with self._lock:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(1, thread_name_prefix="nbagents-service")

    async def do(self, work: Callable[[], T]) -> T:
        """Do it on the thread, after what was asked for before; return what comes of it.

        Raises:
            ServiceNotStartedError: it takes no jobs.
        """
        done: T = await on_thread(work, start=self._submit)
        return done

    def close(self) -> None:
        """Take no more jobs; return at once. What was asked for is done."""
        with self._lock:
            executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=False)

    def _submit(self, job: Callable[[], None], fail: Callable[[BaseException], Any]) -> None:
        with self._lock:
            if self._executor is None:
                raise ServiceNotStartedError(f"Service not started: {self._what}")
            self._executor.submit(job)
