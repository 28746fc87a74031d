"""`Bodies`: runs what a call calls, on the loop or on a thread, and waits for messages in what it returns."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from contextvars import Context
from threading import get_ident
from typing import Any

from ..exceptions import CallCancelledError
from ..message import Msg
from ._arguments import promised, resolved
from ._call import Call, peek
from ._hooks import hooked, is_async
from ._stopped import without_stopped
from ._threads import WorkerThreads

__all__ = ["Bodies"]

Over = Callable[[Call, Any, BaseException | None], None]


class Bodies:
    """Runs bodies and tells ``over`` on the loop how each ended: the call, its value, its error."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, threads: WorkerThreads, post: Callable[..., Any], over: Over
    ) -> None:
        self._loop, self._threads, self._post, self._over = loop, threads, post, over

    def start(self, call: Call) -> None:
        """Start a body in the call's context. On the loop only.

        Raises:
            Exception: its arguments cannot be put together; the body is not run.
        """
        args, kwargs = call.args, call.kwargs
        if call.needs:
            args = tuple(resolved(without_stopped(value)) for value in args)
            kwargs = {key: resolved(without_stopped(value)) for key, value in kwargs.items()}
        # An agent's class may have been exchanged since the call was made: it meets the one of now.
        fn = hooked(call.agent, "reply", peek(call.agent, "reply")) if call.method == "_reply" else call.fn
        ctx = call.context
        assert fn is not None
        assert ctx is not None
        if is_async(fn):
            work = self._wait_for(call, fn, *args, **kwargs)
            call.task = self._loop.create_task(work, name=call.id, context=ctx)
        else:
            self._threads.run(
                lambda: self._on_thread(call, ctx, lambda: fn(*args, **kwargs)),
                lambda error: self._over(call, None, error),
            )

    def stop(self, call: Call) -> None:
        """Cancel the body of a call that has been settled, where that can be done. On the loop only."""

        def ended(task: asyncio.Task[None]) -> None:
            if task.cancelled():  # before its first step: nobody else says that it is over
                self._over(call, None, call.error)

        if call.task is not None:
            call.task.add_done_callback(ended)
            call.task.cancel()

    async def _wait_for(
        self, call: Call, fn: Callable[..., Coroutine[Any, Any, Any]], /, *args: Any, **kwargs: Any
    ) -> None:
        value: Any = None
        error: BaseException | None = None
        try:
            try:
                value = await fn(*args, **kwargs)
            except asyncio.CancelledError:
                if call.interrupted is None or call.done or call.task is None:
                    raise
                call.task.uncancel()
                value = await call.interrupted(*args, **kwargs)
            if type(value) is not Msg:
                for message in promised(value):
                    await message
                value = resolved(value)
        except asyncio.CancelledError:
            error = CallCancelledError(f"the call of {call.label()} was cancelled")
        except BaseException as raised:  # noqa: BLE001  # a reply may raise anything; the caller gets it
            error = raised
        self._over(call, value, error)
        error = None  # else it and this frame would hold each other, until rings are looked for

    def _on_thread(self, call: Call, ctx: Context, fn: Callable[[], Any]) -> None:
        value: Any = None
        error: BaseException | None = None
        call.thread = get_ident()
        try:
            if call.done:  # it was stopped while it waited for a thread
                raise call.error or CallCancelledError(f"the call of {call.label()} was stopped")
            value = ctx.run(_value_of, fn)
        except BaseException as raised:  # noqa: BLE001  # a reply may raise anything; the caller gets it
            error = raised
        call.thread = 0
        if inspect.iscoroutine(value):  # an `async def` behind a decorator that is none
            self._post(self._go_on, call, value)
        else:
            self._post(self._over, call, value, error)
        error = None

    def _go_on(self, call: Call, work: Coroutine[Any, Any, Any]) -> None:
        if call.done:
            work.close()
            self._over(call, None, call.error)
        else:
            call.task = self._loop.create_task(self._wait_for(call, lambda: work), context=call.context)


def _value_of(fn: Callable[[], Any]) -> Any:
    value = fn()
    for message in promised(value):
        message.result()
    return resolved(value)
