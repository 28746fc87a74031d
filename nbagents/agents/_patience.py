"""`Patience`: waiting for calls, from the loop, from a thread, from a notebook's own loop; and the exit.

While a body waits, the agent that it holds is open to the body's own chain of calls, and before the
wait returns what that chain has queued is served: blocking code would have run it first. All waits
tick, so that an interrupt gets in on every platform.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import contextvars
import itertools
import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import _loop
from ..exceptions import CallCancelledError, DeadlockError, WouldBlockLoopError
from ._call import RUNNING, Call, current_call
from ._deadlock import untie
from ._unread import Unread

if TYPE_CHECKING:
    from ._mailbox import Mailbox
    from ._rings import Rings
    from ._stops import Stops
    from ._threads import WorkerThreads
    from ._watchdog import Watchdog

__all__ = ["Patience"]

Register = Callable[[Callable[[], object]], object]
_NOTHING, _STOPPED = object(), object()


class Patience(Unread):
    """The waiting half of the `Scheduler`."""

    live: dict[str, Call]
    observing: set[Call]
    threads: WorkerThreads
    stops: Stops
    watchdog: Watchdog
    rings: Rings

    def __init__(self, background: _loop.LoopThread) -> None:
        super().__init__(background.post)
        self.background, self.loop = background, background.loop
        self.finish_at_exit = True
        """Does the exit of a script wait for its calls? A server turns this off."""
        self._jobs: deque[Callable[[], object]] = deque()  # work lent to a waiting main thread
        self._main_box: queue.SimpleQueue[Any] | None = None
        threading.Thread(target=self._keep_alive, name="nbagents-exit", daemon=False).start()
        atexit.register(self.close)

    def pump(self, mailbox: Mailbox) -> None:
        """Run what may run."""
        raise NotImplementedError

    def end(self, call: Call, error: BaseException) -> None:
        """Settle a call with an error."""
        raise NotImplementedError

    def signal(self, register: Register) -> asyncio.Future[None]:
        """Return a future that is set when what ``register`` takes is called. On the loop only."""
        future: asyncio.Future[None] = self.loop.create_future()
        register(lambda: _arrived(future))
        return future

    async def wait(self, frame: Call, call: Call) -> None:
        """Let the body of ``frame`` wait for ``call``; its agent is open to its own chain meanwhile."""
        frame.waits = [*frame.waits, call]
        self.rings.begin(frame)
        try:
            untie(self, frame)  # type: ignore[arg-type]  # the Scheduler is the only subclass
            if frame.inner is not None:
                self.pump(frame.inner)
            if not call.done:
                await call.future()
            while frame.inner is not None and frame.inner.busy():
                try:
                    untie(self, frame)  # type: ignore[arg-type]
                except DeadlockError:
                    break
                self.pump(frame.inner)
                if frame.inner.busy():
                    await self.signal(frame.inner.idle.append)
        finally:
            waits = list(frame.waits)
            waits.remove(call)
            frame.waits = waits
            if not waits:
                self.rings.over(frame)

    async def wait_anywhere(self, call: Call) -> None:
        """Wait for a call on whichever loop runs here; cancelling this cancels the call."""
        frame = _running_frame()
        if call.done and not (frame is not None and frame.inner_busy()):
            return
        try:
            if self.background.here():
                await (self.wait(frame, call) if frame is not None else call.future())
            elif frame is not None:
                await self.background.cross(self.wait(frame, call))
            else:
                await self._wait_on_foreign_loop(call)
        except (asyncio.CancelledError, KeyboardInterrupt):
            call.cancel()
            raise

    async def _wait_on_foreign_loop(self, call: Call) -> None:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()

        def arrived() -> None:
            with contextlib.suppress(RuntimeError):  # that loop is closed: nobody waits there any more
                loop.call_soon_threadsafe(_arrived, future)

        call.add_done_callback(arrived)
        while not future.done():
            await asyncio.wait([future], timeout=_loop.LOOP_TICK)
            if threading.current_thread() is threading.main_thread():
                self._lend()

    def block(self, call: Call, timeout: float | None) -> None:
        """Wait for a call on a thread that is not the loop's."""
        __tracebackhide__ = True
        frame = current_call()
        if call.done and not (frame is not None and frame.inner_busy() and not self.background.here()):
            return
        if self.background.here():
            raise WouldBlockLoopError(
                f"the message from {call.label()} has not arrived; inside `async def` write `await message`"
            )
        limit = None if timeout is None else time.monotonic() + timeout
        main = frame is None and threading.current_thread() is threading.main_thread()
        box: queue.SimpleQueue[Any] = queue.SimpleQueue()
        tasks: list[asyncio.Task[None]] = []
        if frame is not None and frame.state == RUNNING:
            self.post(self._begin, frame, call, box, tasks)
        else:
            frame = None
            self.post(call.on_done, lambda: box.put(None))
        outer = self._main_box
        if main:
            self._main_box = box
            box.put(self._lend)
        try:
            self._wait_in_ticks(call, frame, box, tasks, limit, timeout)
        except KeyboardInterrupt:
            self.post(self._interrupt, call)
            raise
        finally:
            if main:
                self._main_box = outer

    def _begin(
        self, frame: Call, call: Call, box: queue.SimpleQueue[Any], tasks: list[asyncio.Task[None]]
    ) -> None:
        self.threads.pause()
        task = self.loop.create_task(self.wait(frame, call))
        tasks.append(task)

        def stopped() -> None:
            if frame.stopped():
                box.put(_STOPPED)

        def over(task: asyncio.Task[None]) -> None:
            if isinstance(frame.callbacks, list) and stopped in frame.callbacks:
                frame.callbacks.remove(stopped)
            self.threads.resume()
            box.put(task)

        frame.on_done(stopped)
        task.add_done_callback(over)

    def _wait_in_ticks(
        self,
        call: Call,
        frame: Call | None,
        box: queue.SimpleQueue[Any],
        tasks: list[asyncio.Task[None]],
        limit: float | None,
        timeout: float | None,
    ) -> None:
        __tracebackhide__ = True
        # Only the main thread is ever interrupted: a thousand waiting workers need not look every tick.
        tick = _loop.THREAD_TICK if threading.current_thread() is threading.main_thread() else None
        while True:
            left = None if limit is None else max(0.0, limit - time.monotonic())
            try:
                item = box.get(timeout=min((t for t in (tick, left) if t is not None), default=None))
            except queue.Empty:
                item = _NOTHING
            late = item is _NOTHING and limit is not None and time.monotonic() >= limit
            if late or item is _STOPPED:
                if frame is not None:
                    self.post(lambda: tasks[0].cancel())
                    while not isinstance(box.get(), asyncio.Task):
                        pass  # the permit is ours again before this body goes on
                    stop = frame.stopped()
                    if stop is not None:
                        raise stop
                raise TimeoutError(f"{call.label()} did not answer within {timeout} s; it goes on")
            if item is _NOTHING:
                continue
            if callable(item):
                item()  # work lent to this thread, for example input()
                continue
            if item is not None:
                item.result()
            return

    def _interrupt(self, call: Call) -> None:
        same_run = [c for c in self.live.values() if c.parent is None and c.run and c.run == call.run]
        for each in [call, *same_run]:
            self.end(each, CallCancelledError(f"the call of {each.label()} was interrupted"))

    def stop_run(self, run: str, why: str = "stopped") -> int:
        """End the unfinished calls of a run, the outermost first; return how many there were. Any thread.

        Where an agent's code blocks the loop it returns 0 after a second, and the calls end when it lets go.
        """
        return self.stops.run(run, why)

    # ---- the main thread, lent to whoever needs it

    def _lend(self) -> None:
        while self._jobs:
            self._jobs.popleft()()

    def on_main_thread(self, fn: Callable[[], Any], unwanted: Callable[[], bool] = lambda: False) -> Any:
        """Run ``fn`` in the main thread when, or as soon as, it waits for a call; return its value.

        ``input()`` works only there: a daemon thread inside ``input()`` at exit aborts the interpreter.

        Raises:
            CallCancelledError: it became ``unwanted`` before it ran, or the person interrupted it.
        """
        if threading.current_thread() is threading.main_thread():
            return fn()
        if self.background.here():
            raise WouldBlockLoopError(
                "a person was asked on the background loop, which would stop every agent; "
                "ask from a plain `def reply`, or with `await asyncio.to_thread(...)`"
            )
        done: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()
        ctx = contextvars.copy_context()

        def job() -> None:
            try:
                done.put((ctx.run(fn), None))
            except BaseException as error:  # it belongs to whoever asked for this
                done.put((None, error))
                if isinstance(error, KeyboardInterrupt):
                    raise  # it ends the wait on the main thread too

        self._jobs.append(job)
        if self._main_box is not None:
            self._main_box.put(self._lend)
        frame = current_call()
        while True:
            try:
                value, error = done.get(timeout=_loop.THREAD_TICK)
            except queue.Empty:
                stop = frame.stopped() if frame is not None else None
                if stop is None and not unwanted():
                    continue
                with contextlib.suppress(ValueError):
                    self._jobs.remove(job)
                raise (stop or CallCancelledError("it is not wanted any more")) from None
            if isinstance(error, KeyboardInterrupt):
                raise CallCancelledError("the person interrupted") from error
            if error is not None:
                raise error
            return value

    # ---- exit

    def _keep_alive(self) -> None:
        # A script's calls finish, as blocking code would have; a failed script or a notebook kernel cancels.
        threading.main_thread().join()
        if (
            not self.finish_at_exit
            or getattr(sys, "last_value", None) is not None
            or "ipykernel" in sys.modules
        ):
            return
        box: queue.SimpleQueue[Any] = queue.SimpleQueue()
        # From now on a person is asked from here: this thread is no daemon, so input() may run in it.
        self._main_box = box
        box.put(self._lend)

        def more() -> None:  # asked on the loop: what was just issued counts
            call = next(itertools.chain(self.live.values(), self.observing), None)
            if call is None:
                box.put(False)
            else:
                call.on_done(lambda: box.put(True))

        self.post(more)
        while item := box.get():
            if callable(item):
                item()
            else:
                self.post(more)

    def close(self) -> None:
        """End the calls that are left and report unread failures. At exit."""
        self.watchdog.close()
        done = threading.Event()

        def end_all() -> None:
            left = [*self.live.values(), *self.observing]
            if "ipykernel" in sys.modules:  # what agent servers do outlives the kernel
                left = [call for call in left if not _goes_on(call)]
            for call in left:
                self.end(call, CallCancelledError("the interpreter exits"))
            self.loop.call_later(0.05 if left else 0, done.set)

        if not self.loop.is_closed():
            self.post(end_all)
            done.wait(0.3)
        self.report()


def _goes_on(call: Call) -> bool:
    """Is it, or something below it, done by another process?"""
    return call.remote is not None or any(map(_goes_on, call.children or ()))


def _arrived(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _running_frame() -> Call | None:
    frame = current_call()
    return frame if frame is not None and frame.state == RUNNING else None
