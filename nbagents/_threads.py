"""Call what may block away from the loop, on a thread, and hand over what comes of it. Knows no agents."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable
from typing import Any

from ._loop import LOOP_TICK, background

__all__ = ["on_thread"]

Job = Callable[[], None]
Fail = Callable[[BaseException], object]


async def on_thread(
    function: Callable[..., Any], *args: Any, start: Callable[[Job, Fail], object] | None = None
) -> Any:
    """Call a blocking function on a daemon thread, in a copy of the caller's context; return its value.

    From any loop. ``start`` has another thread than a new one do the job, or says why none can. A thread
    cannot be stopped: when this is cancelled the function runs on, unheard, and holds up nobody's exit.

    >>> asyncio.run(on_thread(sum, [2, 3]))
    5

    Raises:
        RuntimeError: the function raised StopIteration, which no coroutine can raise.
    """
    loop, ctx = asyncio.get_running_loop(), contextvars.copy_context()
    ours, future = background().here(), loop.create_future()

    def hand_over(value: Any, error: BaseException | None) -> None:
        if not future.done():
            future.set_result((value, error))  # an error as a value: a future refuses StopIteration

    def job() -> None:
        value, error = None, None
        try:
            value = ctx.run(function, *args)
        except BaseException as raised:  # noqa: BLE001  # it is raised where it is awaited
            error = raised
        if ours:
            background().post(hand_over, value, error)  # after what the function has posted
        else:
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(hand_over, value, error)

    if start is None:
        threading.Thread(target=job, name="nbagents-blocking", daemon=True).start()
    else:
        start(job, lambda error: hand_over(None, error))
    if not ours:  # in ticks, since a kernel ignores an interrupt inside a plain await
        while not future.done():
            await asyncio.wait([future], timeout=LOOP_TICK)
    value, error = await future
    if isinstance(error, (StopIteration, StopAsyncIteration)):
        raise RuntimeError(f"{type(error).__name__}: there was no next item") from error
    if error is not None:
        raise error
    return value
