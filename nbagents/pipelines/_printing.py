"""`stream_printing_messages`: what agents print while they work, message by message, as it grows."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import contextvars
import inspect
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Any

from .. import events
from .._loop import LOOP_TICK, background
from ..agents import AgentBase, Call, Listener, peek
from ..exceptions import UsageError
from ..message import Msg, PlaceholderMessage

__all__ = ["stream_printing_messages"]


def stream_printing_messages(
    agents: Sequence[AgentBase],
    coroutine_task: Any,
    queue: asyncio.Queue[Any] | None = None,
    end_signal: str = "[END]",
    yield_speech: bool = False,
) -> AsyncGenerator[Any, None]:
    """Yield what ``agents`` print and say while something runs, as ``(message so far, last)``.

    A message comes again and again under one id, each time with all there is of it; ``last`` is true once,
    when it is whole. ``coroutine_task`` is a coroutine, which begins when the stream is first read, or
    what runs already: the message that a call returns at once, a list of them, a task, a future. What was
    printed in it before is yielded too; of a task, what the agents printed in calls that run. Only
    what is printed in it is heard, unless it is a task or a future: of these, whatever the agents print.

    What it raises is raised after all that was printed. A reader that leaves ends a coroutine, and what ran
    already goes on; a reader that is cancelled cancels either, as an ``await`` does. From any loop. Of an
    agent in a server comes what it says, not its calls of tools; whole, unless its call is made while the
    stream is read, by a coroutine: then it grows too.

    With a ``queue`` all passes through it, and what others put there is yielded as well; ``end_signal`` in
    it ends the stream. With ``yield_speech`` a third item follows each time: None, for nobody speaks aloud.

    >>> class Reciter(AgentBase):
    ...     async def reply(self, x=None):
    ...         said = Msg(self.name, "Grey", "assistant")
    ...         await self.print(said, last=False)
    ...         said.content = "Grey beads"
    ...         await self.print(said)
    ...         return said
    >>> async def main():
    ...     poet = Reciter("poet")
    ...     poet.set_console_output_enabled(False)
    ...     return [(m.content, last) async for m, last in stream_printing_messages([poet], poet())][-1]
    >>> asyncio.run(main())
    ('Grey beads', True)

    Raises:
        UsageError: ``agents`` are no agents, or there is nothing that could be waited for.
    """
    found = [agents] if isinstance(agents, AgentBase) else list(agents)
    odd = [agent for agent in found if not isinstance(agent, AgentBase)]
    if odd or not found:
        what = type(odd[0]).__name__ if odd else "none"
        raise UsageError(f"stream_printing_messages takes a list of agents, not {what}")
    return _Stream(found, coroutine_task, queue, end_signal).read(yield_speech)


class _Stream:
    """One stream: what has been printed and not been read, and what runs."""

    def __init__(self, agents: list[Any], work: Any, queue: asyncio.Queue[Any] | None, end: str) -> None:
        self._queue, self._end, self._work = queue, end, work
        self._items: deque[tuple[Msg, bool]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._more: asyncio.Future[None] | None = None
        self._left = 0
        self._far = any(peek(agent, "_remote") is not None for agent in agents)
        self._listener = Listener(agents, self._take)
        self._own = inspect.iscoroutine(work)
        if not self._own:
            self._listen(work)

    def _listen(self, work: Any) -> None:
        """Listen to what runs already."""
        calls = list(_calls(work))
        if calls:
            for call in calls:
                self._listener.hear_call(call)
        elif isinstance(work, asyncio.Future | concurrent.futures.Future | PlaceholderMessage):
            self._listener.hear_agents()
        else:
            raise UsageError(
                "coroutine_task is a coroutine, a task or what an agent's call returns, not"
                f" {type(work).__name__}",
                hint="stream_printing_messages(agents=[agent], coroutine_task=agent(msg))",
            )

    # ---- from whichever thread

    def _take(self, message: Msg, last: bool) -> None:
        self._items.append((message, last))
        self._wake()

    def _wake(self, *_: Any) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # that loop has ended, and nobody reads
                self._loop.call_soon_threadsafe(self._stir)

    def _over(self, *_: Any) -> None:
        self._left -= 1  # each comes once, and on one thread
        self._wake()

    # ---- on the reader's loop

    def _stir(self) -> None:
        if self._more is not None and not self._more.done():
            self._more.set_result(None)

    async def read(self, yield_speech: bool) -> AsyncGenerator[Any, None]:
        """Yield what is printed until the work is over, then raise what it raised."""
        self._loop = asyncio.get_running_loop()
        unsubscribe = events.subscribe(_nothing) if self._far else _nothing  # so that pieces are sent
        begun = self._begin()
        try:
            async for message, last in self._printed():
                yield (message, last, None) if yield_speech else (message, last)
            for work in begun:
                await self._outcome(work)
        except asyncio.CancelledError:
            for work in begun:
                work.cancel()
            raise
        finally:
            unsubscribe()
            self._listener.leave()
            if self._own:
                for work in begun:
                    work.cancel()

    def _begin(self) -> list[Any]:
        """Begin what does not run yet, and have the end of all told; return what that is."""
        assert self._loop is not None
        if self._own:
            context = contextvars.copy_context()
            self._listener.join(context)
            task = self._loop.create_task(self._work, context=context)
            task.add_done_callback(lambda done: done.cancelled() or done.exception())  # it may be left
            begun: list[Any] = [task]
        else:
            begun = list(self._work) if isinstance(self._work, list | tuple) else [self._work]
        self._left = len(begun)
        for work in begun:
            if isinstance(work, PlaceholderMessage):
                work._promise.add_done_callback(self._over)
            elif isinstance(work, asyncio.Future) and work.get_loop() is not self._loop:
                work.get_loop().call_soon_threadsafe(work.add_done_callback, self._over)
            else:
                work.add_done_callback(self._over)
        return begun

    async def _printed(self) -> AsyncGenerator[tuple[Msg, bool], None]:
        while True:
            over = self._left <= 0  # before the last look, so that nothing comes in between
            for item in self._waiting():
                if item == self._end:
                    return
                yield item
            if over:
                return
            self._more = asyncio.get_running_loop().create_future()
            if not self._items and self._left > 0:
                # In ticks: a kernel ignores an interrupt inside a plain await, and others fill the queue.
                timeout = None if background().here() and self._queue is None else LOOP_TICK
                await asyncio.wait([self._more], timeout=timeout)

    def _waiting(self) -> Iterator[Any]:
        """Yield what is there now, by way of the queue if there is one."""
        while self._items or (self._queue is not None and not self._queue.empty()):
            if self._queue is None:
                yield self._items.popleft()
                continue
            while self._items and not self._queue.full():
                self._queue.put_nowait(self._items.popleft())
            yield self._queue.get_nowait()

    async def _outcome(self, work: Any) -> None:
        """Raise what it raised; it is over."""
        if isinstance(work, PlaceholderMessage) or (
            isinstance(work, asyncio.Future) and work.get_loop() is self._loop
        ):
            await work
        elif work.done():
            work.result()


def _calls(work: Any) -> Iterator[Call]:
    """Yield the calls behind a message that has been asked for, those of a pipeline's steps included."""
    for step in getattr(work, "__dict__", {}).get("_steps", ()):
        yield from _calls(step)
    if isinstance(work, list | tuple):
        for item in work:
            yield from _calls(item)
    elif isinstance(work, PlaceholderMessage) and isinstance(work._promise, Call):
        yield work._promise


def _nothing(*_: Any) -> None:
    """Listen, and do nothing: that somebody does makes servers tell pieces."""
