"""`Worker`: one thread that does a service's blocking work in order, for every event loop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

from .._threads import on_thread
from ..exceptions import ServiceNotStartedError

__all__ = ["Worker"]

T = TypeVar("T")
Job = Callable[[], None]


class Worker:
    """A daemon thread and its jobs. What is cancelled while it waits is done all the same."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._lock = threading.Lock()
        self._jobs: SimpleQueue[Job | None] | None = None

    def open(self) -> None:
        """Take jobs. Twice is fine."""
        with self._lock:
            if self._jobs is None:
                self._jobs = SimpleQueue()
                threading.Thread(
                    target=_main, args=(self._jobs,), name="nbagents-service", daemon=True
                ).start()

    async def do(self, work: Callable[[], T]) -> T:
        """Do it on the thread, after what was asked for before; return what comes of it.

        Raises:
            ServiceNotStartedError: it takes no jobs.
        """
        done: T = await on_thread(work, start=self._put)
        return done

    def close(self) -> None:
        """Take no more jobs; return at once. What was asked for is done."""
        with self._lock:
            jobs, self._jobs = self._jobs, None
            if jobs is not None:
                jobs.put(None)

    def _put(self, job: Job, _: Callable[[BaseException], Any]) -> None:
        with self._lock:
            if self._jobs is None:
                raise ServiceNotStartedError(f"Service not started: {self._what}")
            self._jobs.put(job)


def _main(jobs: SimpleQueue[Job | None]) -> None:
    while (job := jobs.get()) is not None:
        job()
        job = None  # or what it holds would live as long as the idle thread
