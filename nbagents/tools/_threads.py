"""Run a blocking function away from the loop, on a thread of its own. Knows nothing of tools."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

from .._loop import LOOP_TICK, background

__all__ = ["Ended", "values_on_thread"]

_PIECE, _END, _FAILED = range(3)
AHEAD = 1000
"""Pieces that a generator may be ahead of who listens."""
_STOPS = (StopIteration, StopAsyncIteration)


class Ended(Exception):
    """What a function raised that must not go through a loop as itself: ``error``."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.error = error


async def values_on_thread(function: Callable[[], Any]) -> AsyncIterator[Any]:
    """Yield what a function returns; if that is a generator, what it yields. In the caller's context.

    A thread cannot be stopped: when this is closed or cancelled the function runs on, unheard; a generator
    ends at its next piece.

    Raises:
        Ended: the function raised what would stop a generator, a task or the loop.
    """
    loop, ctx = asyncio.get_running_loop(), contextvars.copy_context()
    queue: asyncio.Queue[tuple[int, Any]] = asyncio.Queue()
    unheard, room = threading.Event(), threading.Semaphore(AHEAD)

    def put(kind: int, value: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(queue.put_nowait, (kind, value))

    def work() -> None:
        try:
            value = function()
            if inspect.isgenerator(value):
                for piece in value:
                    room.acquire()
                    put(_PIECE, piece)
                    if unheard.is_set():
                        value.close()
                        return
            else:
                put(_PIECE, value)
        except BaseException as error:  # noqa: BLE001  # whoever listens gets it
            put(_FAILED, error)
        else:
            put(_END, None)

    # Not from a pool: a tool may wait for a person, or for an agent that uses tools.
    threading.Thread(target=ctx.run, args=(work,), name="nbagents-tool", daemon=True).start()
    try:
        while True:
            kind, value = await _next(queue)
            if kind == _END:
                return
            if kind == _FAILED:
                passes = isinstance(value, Exception) and not isinstance(value, _STOPS)
                raise value if passes else Ended(value)
            room.release()
            yield value
    finally:
        unheard.set()
        room.release()


async def _next(queue: asyncio.Queue[tuple[int, Any]]) -> tuple[int, Any]:
    if not queue.empty():
        return queue.get_nowait()
    if background().here():
        return await queue.get()
    getter = asyncio.ensure_future(queue.get())
    try:  # in ticks, since a kernel ignores an interrupt inside a plain await
        while not getter.done():
            await asyncio.wait([getter], timeout=LOOP_TICK)
        return getter.result()
    finally:
        getter.cancel()
