"""`StoredTask`: an answer that an A2A client has begun, for whoever asks for it later."""

from __future__ import annotations

import asyncio
import copy
import logging
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager

from a2a.types import Message, Task

from .._answer import STUBBORN, Answer
from ._parts import copied
from ._tale import Tale, Update

__all__ = ["StoredTask"]

log = logging.getLogger(__name__)


class StoredTask:
    """One answer as a task. It goes on for ``patience`` seconds when nobody asks for it any more.

    ``detached`` ones, whose client did not want to wait, go on in any case. ``ended`` is called at its end.
    """

    def __init__(
        self,
        answer: Answer,
        owner: str,
        asked: Message,
        patience: float,
        ended: Callable[[StoredTask], object],
    ) -> None:
        self.id, self.session, self.owner = answer.id, answer.session, owner
        self._answer: Answer | None = answer
        """While it goes on: many tasks are kept, and their events need not be."""
        self.detached = False
        self.tale = Tale(answer.id, answer.session, copied(asked, answer.session, answer.id))
        self.size = asked.ByteSize()
        """Bytes: of what was asked, and once it is over of the whole task."""
        self.over_at: float | None = None
        """When it ended, of `time.monotonic`."""
        self._patience, self._ended = patience, ended
        self._position = -1
        """The last event that is in the tale."""
        self._watchers = 0
        self._leaving: asyncio.TimerHandle | None = None
        self._following = asyncio.create_task(self._follow(answer), name=f"nbagents-a2a-{answer.id}")

    @property
    def abandoned(self) -> bool:
        """Does it run though nobody wants it?"""
        return not (self.tale.over or self._watchers or self.detached)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Somebody wants it, inside."""
        self._watchers += 1
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None
        try:
            yield
        finally:
            self._watchers -= 1
            if self.abandoned:
                self._leave()

    async def over(self, seconds: float) -> bool:
        """Wait until it is over, or for some seconds. Is it?"""
        await asyncio.wait([self._following], timeout=seconds)
        return self.tale.over

    async def cancel(self) -> bool:
        """Stop it; a query function that does not end when it is stopped is not waited for. Is it over?"""
        self._stop()
        return await self.over(STUBBORN)

    async def updates(self, *, anew: bool) -> AsyncGenerator[Task | Update, None]:
        """Yield the task, and what happens in it until its end: from its beginning, or from now on."""
        answer = self._answer
        if answer is None:
            return
        with self.watched():
            if anew:
                after, tale = -1, Tale(self.id, self.session, self.tale.task().history[0])
            else:
                after, tale = self._position, copy.deepcopy(self.tale)
            async with aclosing(answer.read(after)) as batches:
                yield tale.task()
                async for events in batches:
                    for event in events:
                        for update in tale.take(event):
                            yield update

    def _leave(self) -> None:
        if self._patience <= 0:
            self._stop()
        else:
            self._leaving = asyncio.get_running_loop().call_later(self._patience, self._stop)

    def _stop(self) -> None:
        if self._answer is not None:
            self._answer.cancel()

    async def _follow(self, answer: Answer) -> None:
        try:
            async with aclosing(answer.read()) as batches:
                async for events in batches:
                    for event in events:
                        for _ in self.tale.take(event):
                            pass
                        self._position = event["sequence_number"]
        except Exception:
            log.exception("an answer cannot be told as a task")
            answer.cancel()
        finally:
            if not self.tale.over:
                self.tale.break_off()
            self._answer = None
            if self._leaving is not None:
                self._leaving.cancel()
            self.size, self.over_at = self.tale.task().ByteSize(), time.monotonic()
            self._ended(self)
