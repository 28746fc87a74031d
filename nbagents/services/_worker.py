"""`Worker`: one thread that does a service's blocking work in order, for every event loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import weakref
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from queue import SimpleQueue
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from .._loop import LOOP_TICK
from ..exceptions import ServiceNotStartedError

__all__ = ["Worker"]

T = TypeVar("T")


class _Ready:
    """The jobs of one loop that are done. It is woken once for all that are by the time it looks."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = weakref.ref(loop)
        self._jobs: deque[_Job] = deque()
        self._woken = False

    def put(self, job: _Job) -> None:
        """Have whoever waits for a job go on. On the thread of the worker."""
        self._jobs.append(job)
        loop = self._loop()
        if not self._woken and loop is not None:
            self._woken = True
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        self._woken = False  # first: what is put in from here on wakes it again
        while self._jobs:
            job = self._jobs.popleft()
            if not job.future.done():
                job.future.set_result(None)


class _Job:
    """What is to be done, in which context, and who waits for it."""

    __slots__ = ("context", "error", "future", "ready", "value", "work")

    def __init__(self, work: Callable[[], Any], future: asyncio.Future[None], ready: _Ready) -> None:
        self.work, self.future, self.ready = work, future, ready
        self.context = copy_context()
        self.value: Any = None
        self.error: BaseException | None = None

    def do(self) -> None:
        try:
            self.value = self.context.run(self.work)
        except BaseException as raised:  # noqa: BLE001  # it is raised where it is awaited
            self.error = raised


class Worker:
    """A daemon thread and its jobs. What is cancelled while it waits is done all the same."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._lock = threading.Lock()
        self._jobs: SimpleQueue[_Job | None] | None = None
        self._ready: WeakKeyDictionary[asyncio.AbstractEventLoop, _Ready] = WeakKeyDictionary()

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
        loop = asyncio.get_running_loop()
        with self._lock:
            if self._jobs is None:
                raise ServiceNotStartedError(f"Service not started: {self._what}")
            ready = self._ready.get(loop)
            if ready is None:
                ready = self._ready[loop] = _Ready(loop)
            job = _Job(work, loop.create_future(), ready)
            self._jobs.put(job)
        # An interrupt of a kernel is noticed when its loop does anything at all.
        ticks = _Ticks(loop)
        ticks()
        try:
            await job.future
        finally:
            ticks.handle.cancel()
        if job.error is not None:
            raise job.error
        done: T = job.value
        return done

    def close(self) -> None:
        """Take no more jobs; return at once. What was asked for is done."""
        with self._lock:
            jobs, self._jobs = self._jobs, None
            if jobs is not None:
                jobs.put(None)


class _Ticks:
    """Wakes a loop again and again until it is cancelled."""

    __slots__ = ("handle", "loop")

    handle: asyncio.TimerHandle

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop

    def __call__(self) -> None:
        self.handle = self.loop.call_later(LOOP_TICK, self)


def _main(jobs: SimpleQueue[_Job | None]) -> None:
    while (job := jobs.get()) is not None:
        job.do()
        job.ready.put(job)
        job = None  # or what it holds would live as long as the idle thread
