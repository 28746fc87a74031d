"""`Request`: one request to a model on its way, and those who wait for its answer.

It lives on the background loop and runs there in the context of whoever made it, so that the
events it emits carry the caller's call. Readers on other threads and loops register here. Knows
nothing of endpoints: the work is a coroutine function that is handed the request to write to.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any

from .. import _ports, context, events
from .._loop import THREAD_TICK, background
from ..exceptions import CallCancelledError, CallError, WouldBlockLoopError
from ._answer import Answer

__all__ = ["Request"]

log = logging.getLogger(__name__)

_under_way: set[Request] = set()  # the loop holds its tasks weakly, and a caller may drop the answer


class Request:
    """A request under way. All fields change on the background loop only.

    ``pieces`` is the text so far, and ``starts`` where in it an answer began anew, since the model was
    asked again; ``answer`` is set when it is done, or ``error``. ``label`` names the model in messages.
    """

    def __init__(self, label: str) -> None:
        self.label = label
        self.thread = background()
        self.pieces: list[str] = []
        self.starts: set[int] = set()
        self.hint = "response = await model(messages)"
        self.asked: dict[str, Any] | None = None
        """What was sent last, without headers."""
        self.blocks: Callable[[], list[dict[str, Any]]] | None = None
        self.done = False
        self.answer = Answer()
        self.error: BaseException | None = None
        self._trace: Any = None
        self._read = False
        self._why = "it was stopped"
        self._task: asyncio.Task[None] | None = None
        self._waiting: list[tuple[int | None, concurrent.futures.Future[None]]] = []

    def begin(self, work: Callable[[Request], Coroutine[Any, Any, None]]) -> None:
        """Start the work on the loop, in a copy of the context of whoever calls this.

        Raises:
            CallError: the call whose body runs here was stopped; it must not ask anything more.
        """
        call = context.frame.get()
        if call is None:
            _ports.traced()
        if call is not None and call.done and isinstance(call.error, CallError):
            raise call.error
        self.thread.post(self._begin, work, contextvars.copy_context())

    def _begin(self, work: Callable[[Request], Coroutine[Any, Any, None]], ctx: contextvars.Context) -> None:
        _under_way.add(self)
        self._task = self.thread.loop.create_task(work(self), context=ctx)
        self._task.add_done_callback(self._landed, context=ctx)

    # ---- what the work tells

    def say(self, piece: str, blocks: Callable[[], list[dict[str, Any]]] | None = None) -> None:
        """Add a piece to the answer; ``blocks`` returns its content so far.

        An empty piece says that the content has changed and the text has not.
        """
        self.blocks = blocks
        if piece:
            events.emit("delta", text=piece)
        if piece or blocks is not None:
            self.pieces.append(piece)
            self._wake()

    def begin_anew(self) -> None:
        """Say that what came so far was no use, and that the model is asked again."""
        self.starts.add(len(self.pieces))
        self.blocks = None

    @property
    def partial(self) -> str:
        """The text so far."""
        return "".join(self.pieces[max(self.starts, default=0) :])

    def finish(self, answer: Answer | None = None, **fields: Any) -> None:
        """Say what the whole answer is, or its fields; it counts when the work has ended."""
        self.answer = answer or Answer(**fields)

    def _landed(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            self.error = CallCancelledError(f"the request to {self.label} was cancelled: {self._why}")
        else:
            self.error = task.exception()
            self._trace = self.error.__traceback__ if self.error is not None else None
        self._task = None
        self.done = True
        _under_way.discard(self)
        self._wake()

    # ---- those who wait

    def after(self, count: int | None = None) -> concurrent.futures.Future[None]:
        """Return a future that is done when there are more than ``count`` pieces, or the end is there."""
        future: concurrent.futures.Future[None] = concurrent.futures.Future()
        self.thread.post(self._wait, count, future)
        return future

    def _wait(self, count: int | None, future: concurrent.futures.Future[None]) -> None:
        self._waiting.append((count, future))
        self._wake()

    def _wake(self) -> None:
        still, self._waiting, there = self._waiting, [], len(self.pieces)
        for count, future in still:
            if not self.done and (count is None or there <= count):
                self._waiting.append((count, future))
            elif future.set_running_or_notify_cancel():
                future.set_result(None)

    def block(self, count: int | None = None, timeout: float | None = None) -> None:
        """Wait as `after` says, on a thread, in ticks.

        An interrupt, or the end of the call whose body waits here, cancels the request.

        Raises:
            WouldBlockLoopError: on the background loop.
            TimeoutError: ``timeout`` seconds passed; the request goes on.
        """
        if self.done or (count is not None and len(self.pieces) > count):
            return
        if self.thread.here():
            raise WouldBlockLoopError(
                f"the answer of {self.label} is not there yet, and waiting here would stop every agent",
                hint=self.hint,
            )
        call, future = context.frame.get(), self.after(count)
        limit = None if timeout is None else time.monotonic() + timeout
        try:
            while not future.done():
                left = THREAD_TICK if limit is None else min(THREAD_TICK, limit - time.monotonic())
                concurrent.futures.wait([future], max(left, 0))
                if call is not None and call.error is not None and not future.done():
                    raise call.error
                if limit is not None and time.monotonic() >= limit and not future.done():
                    break
        except BaseException:
            future.cancel()
            self.cancel("its reader was interrupted")
            raise
        if not future.done():
            future.cancel()
            raise TimeoutError(f"{self.label} has not answered within {timeout} s; the request goes on")

    async def wait(self, count: int | None = None) -> None:
        """Wait as `after` says, on whichever loop runs here; cancelling this cancels the request."""
        try:
            if not (self.done or (count is not None and len(self.pieces) > count)):
                await self.thread.arrive(self.after(count))
        except BaseException:
            self.cancel("its reader was cancelled")
            raise

    def cancel(self, why: str) -> None:
        """Stop the request and close its connection; does nothing once it is done."""
        self.thread.post(self._cancel, why)

    def _cancel(self, why: str) -> None:
        if self._task is not None:
            self._why = why
            self._task.cancel()

    def check(self) -> None:
        """Raise what ended the request, if it failed."""
        self._read = True
        if self.error is not None:
            raise self.error.with_traceback(self._trace)  # the first traceback, however often it is read

    def __del__(self) -> None:
        if self.error is not None and not self._read and not isinstance(self.error, CallCancelledError):
            log.warning("nobody read the answer of %s, which failed: %s", self.label, self.error)
