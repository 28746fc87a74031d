"""`WorkerThreads`: threads on demand for the bodies of blocking replies.

Daemon threads, cached. The limit counts threads that run, never those that wait for a message: a
waiting body gives its permit back and takes it again to resume, without queueing for it, so that
chains of agents longer than the limit cannot lock each other out.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable

__all__ = ["WorkerThreads"]

Job = Callable[[], object]
Fail = Callable[[BaseException], object]


class WorkerThreads:
    """Runs blocking functions on threads. All methods are for the background loop only."""

    def __init__(self, post: Callable[..., None], *, limit: int = 1024, keep: int = 64) -> None:
        self.limit, self.keep = limit, keep
        self.busy = 0
        self._post = post
        self._idle: list[queue.SimpleQueue[Job | None]] = []
        self._backlog: deque[tuple[Job, Fail]] = deque()

    def run(self, job: Job, fail: Fail) -> None:
        """Run ``job`` on a thread now, or as soon as fewer than ``limit`` run.

        Where the system gives no more threads it waits for one of those that run; if none does,
        ``fail`` is called with the error.
        """
        self._backlog.append((job, fail))
        self._next()

    def pause(self) -> None:
        """Give a permit back: the thread that held it starts to wait."""
        self.busy -= 1
        self._next()

    def resume(self) -> None:
        """Take the permit again."""
        self.busy += 1

    def _main(self, box: queue.SimpleQueue[Job | None]) -> None:
        job = box.get()
        while job is not None:
            job()
            job = None  # or the finished job would live as long as the idle thread
            self._post(self._free, box)
            job = box.get()

    def _free(self, box: queue.SimpleQueue[Job | None]) -> None:
        self.busy -= 1
        if len(self._idle) < self.keep:
            self._idle.append(box)
        else:
            box.put(None)
        self._next()

    def _next(self) -> None:
        while self._backlog and self.busy < self.limit:
            job, fail = self._backlog[0]
            try:
                if self._idle:
                    self._idle.pop().put(job)
                else:
                    box: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
                    box.put(job)  # not as an argument: a thread keeps those for as long as it runs
                    threading.Thread(
                        target=self._main, args=(box,), daemon=True, name="nbagents-worker"
                    ).start()
            except RuntimeError as error:  # no more threads to be had
                if self.busy > 0:
                    return
                self._backlog.popleft()
                fail(error)
            else:
                self._backlog.popleft()
                self.busy += 1
