"""`Tasks`: the answers that A2A's clients have begun, each its user's own; and `Record`, one of them."""

from __future__ import annotations

import asyncio
import copy
import logging
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager

from a2a.types import Message, Task
from a2a.types import TaskNotFoundError as NoSuchTask

from .._answer import STUBBORN, Answer
from ._parts import copied
from ._tale import Tale, Update

__all__ = ["Record", "Tasks"]

log = logging.getLogger(__name__)

MOST, MOST_OF_ONE = 2000, 200
"""Tasks that are kept of all users, and of one; the oldest that are over go first."""


class Record:
    """One answer as a task. It goes on for ``patience`` seconds when nobody asks for it any more.

    ``detached`` ones, whose client did not want to wait, go on in any case.
    """

    def __init__(self, answer: Answer, owner: str, asked: Message, patience: float) -> None:
        self.id, self.session, self.owner = answer.id, answer.session, owner
        self._answer: Answer | None = answer
        """While it goes on: many tasks are kept, and their events need not be."""
        self.detached = False
        self.tale = Tale(answer.id, answer.session, copied(asked, answer.session, answer.id))
        self._patience = patience
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


class Tasks:
    """Lives on the loop of the app. Kept in memory, and bounded."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Record] = OrderedDict()

    def add(self, record: Record) -> None:
        """Keep one."""
        self._known[record.id] = record
        own = [known for known in self._known.values() if known.owner == record.owner]
        self._forget(own, len(own) - MOST_OF_ONE)
        self._forget(list(self._known.values()), len(self._known) - MOST)

    def find(self, owner: str, task_id: str) -> Record:
        """Return a task.

        Raises:
            TaskNotFoundError: there is none, or it is another user's: the two look alike.
        """
        record = self._known.get(task_id)
        if record is None or record.owner != owner:
            raise NoSuchTask("there is no such task, or no longer")
        return record

    def of(self, owner: str) -> list[Record]:
        """Return the tasks of a user, the newest first."""
        return [record for record in reversed(self._known.values()) if record.owner == owner]

    async def make_room(self, owner: str, context_id: str) -> None:
        """End what nobody wants any more of a session that is asked again."""
        for record in self.of(owner):
            if record.session == context_id and record.abandoned:
                await record.cancel()

    def _forget(self, records: list[Record], too_many: int) -> None:
        over = [record for record in records if record.tale.over]
        for record in over[: max(0, too_many)]:
            self._known.pop(record.id, None)
