"""The one background event loop, and the bridge to it.

A daemon thread owns one asyncio loop. Every channel, every mailbox and every in-process agent
lives there, so they need no locks and a busy or frozen notebook cell cannot starve them. Other
threads reach it through six doors: `post` (fire and forget), `spawn` (a concurrent future),
`run` (wait for it, in ticks, so that an interrupt gets in), and `cross`, `arrive` and `awaited` (await work,
such a future, or whatever comes, from another loop, in ticks, since a kernel ignores an interrupt inside a
plain await).

Nothing here knows of agents.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from typing import Any, TypeVar, cast

from .exceptions import UsageError, WouldBlockLoopError

__all__ = ["Awaited", "LoopThread", "allow_nested", "background"]

log = logging.getLogger(__name__)
T = TypeVar("T")

THREAD_TICK = 0.2
"""Seconds between two looks of a blocked thread at whether it was interrupted."""
LOOP_TICK = 0.05
"""Seconds between two looks of a foreign loop: an interrupt waits at most this long."""


class LoopThread:
    """A daemon thread with an asyncio loop of its own. Safe to call from any thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._inbox: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._armed = False
        self._draining = False
        self._forked = False
        self.ident = 0
        """The loop's own thread, by its ident; 0 before it runs."""
        self._thread = threading.Thread(target=self._main, name="nbagents-loop", daemon=True)
        self._thread.start()

    def _main(self) -> None:
        self.ident = threading.get_ident()
        asyncio.set_event_loop(self.loop)
        while True:
            try:
                self.loop.run_forever()
            except (SystemExit, KeyboardInterrupt):  # a guest's task called exit(): that ends the task alone
                log.warning("a task on the background loop tried to end the program", exc_info=True)

    def here(self) -> bool:
        """Is this the loop's own thread?"""
        return threading.get_ident() == self.ident

    def post(self, fn: Callable[..., object], *args: Any) -> None:
        """Run ``fn(*args)`` on the loop, after all that was posted before; return at once.

        On the loop's own thread it runs before this returns.
        """
        if threading.get_ident() == self.ident:
            if self._inbox and not self._draining:
                self._drain()
            fn(*args)
            return
        if self._forked:
            raise UsageError(
                "agents of the parent process cannot be called in a fork of it; make them in the child, "
                "or start it with multiprocessing's 'spawn'"
            )
        self._inbox.append((fn, args))
        if not self._armed:  # one wake-up for a whole burst
            try:
                self._armed = True
                self.loop.call_soon_threadsafe(self._drain)
            except BaseException:  # an interrupt just here: the next one wakes the loop
                self._armed = False
                raise

    def _drain(self) -> None:
        self._armed = False
        self._draining = True  # one batch is finished before the next begins, also if it posts
        try:
            while self._inbox:
                fn, args = self._inbox.popleft()
                try:
                    fn(*args)
                except Exception as error:  # noqa: BLE001  # one bad guest must not lose the others
                    self.loop.call_exception_handler({"message": f"{fn!r} failed", "exception": error})
        finally:
            self._draining = False

    def spawn(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Start a coroutine on the loop and return its future at once."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def run(self, work: Coroutine[Any, Any, T], *, timeout: float | None = None) -> T:
        """Run a coroutine on the loop and wait for it; an interrupt cancels it.

        Raises:
            WouldBlockLoopError: called on the loop's own thread, where waiting would deadlock.
            TimeoutError: ``timeout`` seconds passed; the coroutine is cancelled.
        """
        if self.here():
            work.close()
            raise WouldBlockLoopError("a blocking call was made on the background loop; use `await` there")
        return self.wait(self.spawn(work), timeout=timeout)

    def wait(self, future: concurrent.futures.Future[T], *, timeout: float | None = None) -> T:
        """Wait for a future in ticks; cancel it on an interrupt or a time-out."""
        limit = None if timeout is None else time.monotonic() + timeout
        try:
            while True:
                left = THREAD_TICK if limit is None else min(THREAD_TICK, limit - time.monotonic())
                try:
                    return future.result(max(left, 0))
                except concurrent.futures.TimeoutError:
                    if future.done():  # the work itself raised a TimeoutError
                        return future.result()
                    if limit is not None and time.monotonic() >= limit:
                        raise TimeoutError(f"not ready after {timeout} s") from None
        except BaseException:
            future.cancel()
            raise

    async def cross(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop and await it from whichever loop runs here; cancelling cancels it.

        What is begun or is over in the same turn of a loop crosses together.
        """
        if self.here():
            return await work
        crossing = _Crossing(self.awaited())
        try:
            self.post(crossing.begin, self.loop, work, copy_context())
        except BaseException:
            work.close()
            raise
        try:
            return cast("T", await crossing.awaited.come())
        except BaseException:
            if not crossing.awaited.done:
                self.post(crossing.abandon)
            raise

    def awaited(self) -> Awaited:
        """Return what the loop that runs here may await until it comes on this one."""
        return Awaited(None if self.here() else _shore_of(asyncio.get_running_loop()))

    async def arrive(self, future: concurrent.futures.Future[T]) -> T:
        """Await a future of this loop from whichever loop runs here; cancelling cancels it."""
        wrapped = asyncio.wrap_future(future)
        if self.here():
            return await wrapped
        try:
            while not wrapped.done():
                await asyncio.wait([wrapped], timeout=LOOP_TICK)
            return wrapped.result()
        finally:
            if not wrapped.done():
                future.cancel()


class Awaited:
    """A value, or an error, that comes on the background loop, for one coroutine on whichever loop."""

    __slots__ = ("_error", "_shore", "_value", "_waiter", "done")

    def __init__(self, shore: _Shore | None) -> None:
        self._shore = shore
        self._value: Any = None
        self._error: BaseException | None = None
        self._waiter: asyncio.Future[None] | None = None
        self.done = False
        """Has it come?"""

    def end(self, value: Any, error: BaseException | None = None) -> None:
        """It has come; what comes later is not heard. On the background loop only."""
        if self.done:
            return
        self._value, self._error, self.done = value, error, True
        if self._shore is None:
            self.wake()
        else:
            self._shore.bring(self)

    async def come(self) -> Any:
        """Wait for it, once, on the loop where this was made; raise the error that came."""
        if not self.done:
            waiter = self._waiter = asyncio.get_running_loop().create_future()
            shore = self._shore
            if shore is None:
                await waiter
            else:
                shore.waits()
                try:
                    if not self.done:  # it may have landed just before there was a waiter
                        await waiter
                finally:
                    shore.waiting -= 1
        error, self._error = self._error, None
        if error is None:
            return self._value
        try:
            raise error
        finally:
            del error  # else it and this frame would hold each other

    def wake(self) -> None:
        """Let whoever waits go on. On their own loop."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class _Shore:
    """A loop elsewhere, to which a whole burst of what is over is brought by one wake-up."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = weakref.ref(loop)
        self._over: deque[Awaited] = deque()
        self._armed = self._ticks = False
        self.waiting = 0
        """How many wait there; while anybody does, the loop wakes up now and then."""

    def is_of(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Is it this loop's?"""
        return self._loop() is loop

    def waits(self) -> None:
        """One more waits, until it takes itself from ``waiting``. On that loop."""
        self.waiting += 1
        if not self._ticks:
            self._ticks = True
            loop = asyncio.get_running_loop()
            loop.call_later(LOOP_TICK, self._tick, loop)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        self._ticks = self.waiting > 0
        if self._ticks:
            loop.call_later(LOOP_TICK, self._tick, loop)

    def bring(self, awaited: Awaited) -> None:
        """Have somebody there told. On the background loop."""
        self._over.append(awaited)
        loop = self._loop()
        if not self._armed and loop is not None:
            self._armed = True
            try:
                loop.call_soon_threadsafe(self._land)
            except RuntimeError:  # it is closed: nobody waits there any more
                self._armed = False
                self._over.clear()

    def _land(self) -> None:
        self._armed = False
        while self._over:
            self._over.popleft().wake()


class _Crossing:
    """Work on the background loop for which somebody waits on another one."""

    __slots__ = ("_task", "awaited")

    def __init__(self, awaited: Awaited) -> None:
        self.awaited = awaited
        self._task: asyncio.Task[Any] | None = None

    def begin(
        self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], context: Context
    ) -> None:
        self._task = loop.create_task(work, context=context)
        self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._task = None
        if task.cancelled():
            self.awaited.end(None, asyncio.CancelledError())
        elif (error := task.exception()) is not None:
            self.awaited.end(None, error)
        else:
            self.awaited.end(task.result())

    def abandon(self) -> None:
        if self._task is not None:
            self._task.cancel()


_shores: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Shore] = weakref.WeakKeyDictionary()
_latest: _Shore | None = None
"""The one that was asked for last."""


def _shore_of(loop: asyncio.AbstractEventLoop) -> _Shore:
    global _latest
    shore = _latest
    if shore is not None and shore.is_of(loop):  # as it mostly is
        return shore
    shore = _shores.get(loop)
    if shore is None:
        with _lock:
            shore = _shores.setdefault(loop, _Shore(loop))
    _latest = shore
    return shore


_background: LoopThread | None = None
_lock = threading.Lock()


def background() -> LoopThread:
    """Return the process's background loop, started at first use."""
    global _background
    if _background is None:
        with _lock:
            if _background is None:
                _background = LoopThread()
    return _background


def _forget_after_fork() -> None:
    # The child has no loop thread: a parent's loop object there would only swallow work.
    global _background, _latest, _lock
    if _background is not None:
        _background._forked = True
    _background, _lock = None, threading.Lock()
    _shores.clear()  # loops of threads that are not here
    _latest = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)


def allow_nested() -> None:
    """Let code in a notebook cell call ``asyncio.run`` and ``run_until_complete``.

    For your own code and other libraries; nbagents never needs it. It patches the running loop
    through ``nest_asyncio2`` where ipykernel brings it, else ``nest_asyncio``.
    """
    try:
        import nest_asyncio2 as nest
    except ImportError:
        try:
            import nest_asyncio as nest
        except ImportError:
            raise UsageError("allow_nested() needs nest-asyncio: pip install nest-asyncio") from None
    nest.apply()
