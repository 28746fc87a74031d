"""Write what a cell does once, and run it either way: awaited in a notebook, or blocking.

A cell of a notebook waits on the kernel's loop, in ticks, so that an interrupt gets in. In a terminal
and where a magic is called as a function it blocks. What a cell does is a coroutine that yields
`Pause` objects and nothing else; `in_ticks` and `blocking` are the two ways to run it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable
from typing import Any, TypeVar

from .._loop import LOOP_TICK
from ..agents import Call, scheduler
from ..message import PlaceholderMessage

__all__ = ["Pause", "apart", "arrival", "blocking", "ended", "in_ticks", "promised"]

T = TypeVar("T")


class Pause:
    """Something to wait for, with both ways to do so."""

    def __init__(self, wait: Callable[[], Awaitable[Any]], block: Callable[[], Any]) -> None:
        self.wait, self.block = wait, block

    def __await__(self) -> Generator[Pause, Any, Any]:
        """Hand this pause to whoever runs the coroutine; the value is what it waited for."""
        return (yield self)


async def in_ticks(work: Coroutine[Pause, Any, T]) -> T:
    """Run ``work`` on the loop that runs here; its pauses can be cancelled at once."""
    with contextlib.closing(work):
        try:
            pause = work.send(None)
            while True:
                try:
                    value = await pause.wait()
                except BaseException as error:  # noqa: BLE001  # the work itself handles it
                    pause = work.throw(error)
                else:
                    pause = work.send(value)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def blocking(work: Coroutine[Pause, Any, T]) -> T:
    """Run ``work`` here; its pauses block and can be interrupted."""
    with contextlib.closing(work):
        try:
            pause = work.send(None)
            while True:
                try:
                    value = pause.block()
                except BaseException as error:  # noqa: BLE001  # the work itself handles it
                    pause = work.throw(error)
                else:
                    pause = work.send(value)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def arrival(message: PlaceholderMessage) -> Pause:
    """Wait until a message is there or has failed. A failure stays in the message and is not raised."""

    async def wait() -> None:
        with contextlib.suppress(Exception):
            await message

    def block() -> None:
        with contextlib.suppress(Exception):
            message.result()

    return Pause(wait, block)


def ended(call: Call) -> Pause:
    """Wait until a call has ended, without taking its failure as read."""
    return Pause(lambda: scheduler().wait_anywhere(call), lambda: scheduler().block(call, None))


def apart(fn: Callable[[], T]) -> Pause:
    """Call something that may block for a while, and wait for what it returns.

    On a loop it runs in a thread, and goes on there if the wait is cancelled.
    """

    async def wait() -> T:
        task = asyncio.ensure_future(asyncio.to_thread(fn))
        try:
            while not task.done():
                await asyncio.wait([task], timeout=LOOP_TICK)
        except asyncio.CancelledError:
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            raise
        return task.result()

    return Pause(wait, fn)


def promised(value: Any) -> Iterable[PlaceholderMessage]:
    """Yield the messages that may not have arrived in a value: itself, or within lists and tuples."""
    if isinstance(value, PlaceholderMessage):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from promised(item)
