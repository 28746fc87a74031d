"""`Answer`: one request under way: its events, kept for whoever reads them, also for who comes back."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
import traceback
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from itertools import islice
from typing import Any

from ..config import redact
from ._asked import Fate
from ._failure import failure_of
from ._sequence import Event, Sequence
from ._usage import Counter

__all__ = ["Answer"]

log = logging.getLogger(__name__)

AHEAD = 1000
"""Events that are made before a slow reader has taken them; then what makes them waits."""
STUBBORN = 5.0
"""Seconds that a query function may take to end once it is stopped."""
KEPT = 4000
"""Events that are kept for a reader who comes back."""


class Answer:
    """One run of the query function. Lives on the loop of the app.

    It goes on while somebody reads. When nobody does, it is cancelled after ``patience`` seconds, unless
    somebody comes back and reads on; 0 is at once.
    """

    def __init__(
        self,
        user: str,
        session: str,
        say: Callable[[], AsyncGenerator[Any, None]],
        *,
        patience: float,
        over: Callable[[Answer], object],
        changed: Callable[[], object],
        question: str = "",
    ) -> None:
        self.id = f"response_{secrets.token_hex(16)}"
        self.user, self.session, self.question = user, session, question
        self.begun = time.monotonic()
        self.first_at: float | None = None
        """When the first piece came, and `over_at` when the last did; as `begun`, of `time.monotonic`."""
        self.over_at: float | None = None
        self.error: BaseException | None = None
        self.state: Fate = "running"
        self.failure = ""
        """What the client was told of it."""
        self.done = False
        self._say, self._patience, self._over, self._changed = say, patience, over, changed
        self._sequence = Sequence(self.id, session, int(time.time()))
        self._counter = Counter()
        self._events: deque[Event] = deque()
        self.size = 0
        """How many events there were so far."""
        self._first = 0
        """The number of the first event that is kept."""
        self._readers: dict[object, int] = {}
        """What each reader has taken."""
        self._waiting = False
        """Does it wait for a slow reader?"""
        self._loop = asyncio.get_running_loop()
        self._listening: list[asyncio.Future[None]] = []
        """Those who wait for news."""
        self._leaving: asyncio.TimerHandle | None = None
        self._task = asyncio.create_task(self._run(), name=f"nbagents-{self.id}")
        self._task.add_done_callback(self._settle)

    @property
    def orphaned(self) -> bool:
        """Does it run though nobody reads?"""
        return not self.done and not self._readers

    @property
    def so_far(self) -> list[Event]:
        """The messages so far, also those that still grow. On another thread, as of a moment ago."""
        return self._sequence.so_far()

    def keeps(self, number: int) -> bool:
        """Can it be read on after that event?"""
        return self._first - 1 <= number < self.size

    def cancel(self) -> None:
        """Stop it; its last event says so."""
        self._task.cancel()

    async def ended(self) -> None:
        """Wait until it is over; a query function that does not end when it is stopped is not waited for."""
        await asyncio.wait([self._task], timeout=STUBBORN)

    async def read(self, after: int = -1) -> AsyncGenerator[list[Event], None]:
        """Yield the events after that one, to the last: each time those that have come meanwhile."""
        me, position = object(), after + 1
        self._readers[me] = position
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None
        try:
            while True:
                while position >= self.size and not self.done:
                    await self._news()
                if position >= self.size:
                    return
                events = list(islice(self._events, position - self._first, None))
                position += len(events)
                yield events
                self._readers[me] = position
                if self._waiting:
                    self._tell()
        finally:
            del self._readers[me]
            if self.orphaned:
                self._leave()
            if self._waiting:  # for this one, which nobody needs to wait for any longer
                self._tell()

    async def whole(self) -> Event:
        """Return the last event."""
        event: Event = {}
        async with aclosing(self.read()) as events:
            async for *_, event in events:  # noqa: B007  # the last one counts
                pass
        return event

    def _leave(self) -> None:
        if self._patience <= 0:
            self.cancel()
        else:
            self._leaving = asyncio.get_running_loop().call_later(self._patience, self.cancel)

    async def _run(self) -> None:
        sequence = self._sequence
        self._counter.begin()
        try:
            self._add(sequence.begin())
            async with aclosing(self._say()) as values:
                async for value in values:
                    sequence.usage = self._counter.told()
                    told = sequence.text(value) if isinstance(value, str) else sequence.take(*value)
                    if told and self.first_at is None:
                        self.first_at = time.monotonic()
                    if told:
                        self._add(told)
                        if self._behind() > AHEAD:
                            await self._caught_up()
            sequence.usage = self._counter.told()
            last = sequence.finish(int(time.time()))
            self.state = "done"
        except asyncio.CancelledError:
            sequence.usage = self._counter.told()
            self.state = "stopped"
            last = sequence.cancel(int(time.time()))
        except Exception as error:  # noqa: BLE001  # the user's own code; the client is told
            self.error, self.state = error, "failed"
            code, message = failure_of(error)
            self.failure = message
            error_id = secrets.token_hex(8)
            log.warning(
                "a query failed (%s)\n%s", error_id, redact("".join(traceback.format_exception(error)))
            )
            sequence.usage = self._counter.told()
            last = sequence.fail(code, message, error_id, int(time.time()))
        self._end(last)

    def _end(self, last: list[Event]) -> None:
        self._events.extend(last)
        self.size += len(last)
        self.over_at = time.monotonic()
        self.done = True
        if self._leaving is not None:
            self._leaving.cancel()
        self._over(self)
        self._tell()

    def _settle(self, task: asyncio.Task[None]) -> None:
        """End what was cancelled before its first step: nothing of `_run` has happened then."""
        if self.done or not task.cancelled():
            return
        self.state = "stopped"
        self._end([*self._sequence.begin(), *self._sequence.cancel(int(time.time()))])

    def _add(self, events: list[Event]) -> None:
        self._events.extend(events)
        self.size += len(events)
        self._changed()
        while len(self._events) > KEPT and self._first < min(self._readers.values(), default=self.size):
            self._events.popleft()
            self._first += 1
        self._tell()

    def _behind(self) -> int:
        """Return how many events the slowest reader has not taken; 0 if nobody reads."""
        return self.size - min(self._readers.values(), default=self.size)

    async def _caught_up(self) -> None:
        self._waiting = True
        try:
            while self._behind() > AHEAD // 2:
                await self._news()
        finally:
            self._waiting = False

    # Not `asyncio.Condition`, whose lock nobody here needs: it was a tenth of the calls of an event.

    async def _news(self) -> None:
        waiter = self._loop.create_future()
        self._listening.append(waiter)
        await waiter

    def _tell(self) -> None:
        if self._listening:
            listening, self._listening = self._listening, []
            for waiter in listening:
                if not waiter.done():
                    waiter.set_result(None)
