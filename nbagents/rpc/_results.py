"""`Results`: the calls of a server, by id and by task id, kept a while after they end.

Finished calls are dropped oldest first, by number, by size and by age; a pending call never is. `Promised`
is a message that somebody else will send.
"""

from __future__ import annotations

import asyncio
import itertools
import time
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any

from ..agents import Call
from ..exceptions import AgentServerNotAliveError, ProtocolError, ResultExpiredError
from ._faults import decode_error, encode_error
from ._limits import MAX_KEPT

__all__ = ["Promised", "Results"]

REMEMBERED = 10_000
"""Dropped replies of which it is still known when they were dropped."""
TICK = 0.05
"""Seconds by which a reply may be kept for longer: many that end together are dropped together."""


class Promised:
    """A message that somebody else has promised to this server; a `Promise`, on the loop only."""

    def __init__(self, call_id: str) -> None:
        self.id = call_id
        self.done, self.value = False, None
        self.error: BaseException | None = None
        self.maker: Any = None
        """The way to the server that makes it, where that is known."""
        self.users = 0
        """How many calls wait for it as an argument."""
        self._callbacks: list[Callable[[], object]] = []

    def label(self) -> str:
        """Say what is waited for."""
        return "a message from another process"

    def settle(self, value: Any = None, error: BaseException | None = None) -> None:
        """The message is there, or never will be."""
        if not self.done:
            self.done, self.value, self.error = True, value, error
            callbacks, self._callbacks = self._callbacks, []
            for fn in callbacks:
                fn()

    def add_done_callback(self, fn: Callable[[], object]) -> None:
        """Call ``fn`` once it is there."""
        if self.done:
            fn()
        else:
            self._callbacks.append(fn)

    def unused(self) -> None:
        """One of the calls that wait for it is over. After the last nobody needs it any more."""
        self.users -= 1
        if self.users <= 0 and not self.done and self.maker is not None:
            self.maker.wanted.drop(self)

    def result(self, timeout: float | None = None) -> Any:
        """Return it; the mailbox has waited for it."""
        if self.error is not None:
            raise self.error
        return self.value

    async def arrive(self) -> Any:
        """Return it; the mailbox has waited for it."""
        return self.result()

    def cancel(self, why: str = "cancelled") -> None:
        """Do nothing: whoever promised it decides."""

    def address(self) -> dict[str, Any]:
        """Say where it comes from."""
        return {"_call": self.id}


class _Kept:
    """A call and when it ended."""

    __slots__ = ("call", "ended", "finished_at", "size", "task_id")

    def __init__(self, call: Call, ended: Callable[[Call], int | None] | None) -> None:
        self.call, self.ended = call, ended
        self.finished_at, self.size, self.task_id = 0.0, 0, 0


class Results:
    """A table of calls. On the loop only.

    ``max_size`` replies are kept for at most ``max_age`` seconds, and ``max_bytes`` in all.
    """

    def __init__(self, max_size: int = 8192, max_age: float = 7200, max_bytes: int = MAX_KEPT) -> None:
        self.max_size, self.max_age, self.max_bytes = max_size, max_age, max_bytes
        self._next_task = itertools.count(1)
        self._kept: dict[str, _Kept] = {}
        self._by_task: dict[int, _Kept] = {}
        self._by_key: dict[str, Call] = {}
        self._finished: deque[_Kept] = deque()
        self._bytes = 0
        self._refusal = ""
        self._dropped: OrderedDict[str, tuple[str, float, float]] = OrderedDict()
        self._dropped_tasks: dict[int, str] = {}
        self._timer: asyncio.TimerHandle | None = None

    def new_task_id(self) -> int:
        """Return the next task id; they count from 1."""
        return next(self._next_task)

    def add(self, call: Call, ended: Callable[[Call], int | None] | None = None) -> None:
        """Keep a call.

        ``ended`` is called with it, inline, once it has ended; it may return the reply's size in bytes.

        Raises:
            ProtocolError: there is a call of that id already.
        """
        if call.id in self._kept:
            raise ProtocolError(f"there is a call {call.id[:60]!r} already")
        if call.key:
            self._by_key[call.key] = call
        self._kept[call.id] = _Kept(call, ended)
        if call.done:
            self._finish(call)
        else:
            call.ended = self._finish

    def add_task(self, call: Call) -> int:
        """Keep a call, and return the task id under which it can be asked for."""
        self.add(call)
        kept, task_id = self._kept[call.id], self.new_task_id()
        kept.task_id, self._by_task[task_id] = task_id, kept
        return task_id

    def find(self, call_id: str) -> Call | None:
        """Return the call of that id, if it is still kept."""
        kept = self._kept.get(call_id)
        return kept.call if kept is not None else None

    def attempt(self, key: str) -> Call | None:
        """Return the call that was made with this idempotency key, if it is still kept.

        One that was ended from outside has told nothing of its work: it is made again.
        """
        call = self._by_key.get(key)
        return call if call is not None and call.stopped() is None else None

    def refuse(self, why: str) -> None:
        """Take no new call any more; those that belong to running ones still come."""
        self._refusal = why

    def check_open(self) -> None:
        """Raise AgentServerNotAliveError if no new call is taken any more; it says why."""
        if self._refusal:
            raise AgentServerNotAliveError(self._refusal)

    def by_task(self, task_id: int) -> Call:
        """Return the call of a task id.

        Raises:
            ResultExpiredError: it was kept for its time, or never existed.
        """
        self._drop_old()
        kept = self._by_task.get(task_id)
        if kept is None:
            call_id = self._dropped_tasks.get(task_id, "")
            raise self.expired(call_id, f"the reply of task {task_id}")
        return kept.call

    def was_kept(self, call_id: str) -> bool:
        """Is it known that the reply of a call was kept for its time?"""
        return call_id in self._dropped

    def expired(self, call_id: str, what: str = "a message passed on by reference") -> ResultExpiredError:
        """Return the error for a reply that is not here: whose it was and how old, where that is known."""
        limits = (
            f"a server keeps the last {self.max_size} replies, {self.max_bytes >> 20} MiB of them,"
            f" for at most {self.max_age:.0f} s"
        )
        if call_id not in self._dropped:
            return ResultExpiredError(f"{what} is gone or never was: {limits}")
        who, finished_at, dropped_at = self._dropped[call_id]
        age, ago = dropped_at - finished_at, time.monotonic() - dropped_at
        when = f"was dropped {ago:.0f} s ago at the age of {age:.0f} s"
        return ResultExpiredError(f"{what}, by {who}, {when}: {limits}")

    def pending(self) -> int:
        """Return how many calls have not ended."""
        return len(self._kept) - len(self._finished)

    def unfinished(self) -> list[Call]:
        """Return the calls that have not ended."""
        return [kept.call for kept in self._kept.values() if not kept.call.done]

    def _finish(self, call: Call) -> None:
        kept = self._kept[call.id]
        kept.finished_at = time.monotonic()
        self._finished.append(kept)
        if kept.ended is not None:
            kept.size = kept.ended(call) or 0
            self._bytes += kept.size
            kept.ended = None
        if call.traceback is not None:  # its frames would keep the agent, and all that its code had at hand
            assert call.error is not None
            call.error, call.traceback = decode_error(encode_error(call.error), call.label()), None
        if len(self._finished) > self.max_size or self._bytes > self.max_bytes:
            self._drop_old()
        if self._timer is None:
            self._set_timer()

    def _set_timer(self) -> None:
        """Drop the oldest when it is too old, though nobody may ask for anything any more."""
        self._timer = None
        self._drop_old()
        if self._finished:
            due = self._finished[0].finished_at + self.max_age - time.monotonic()
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(due, 0.0) + TICK, _tick, weakref.ref(self))

    def _drop_old(self) -> None:
        now, finished = time.monotonic(), self._finished
        while finished:
            oldest = finished[0]
            fits = len(finished) <= self.max_size and (self._bytes <= self.max_bytes or len(finished) == 1)
            if fits and now - oldest.finished_at <= self.max_age:
                break
            finished.popleft()
            self._bytes -= oldest.size
            del self._kept[oldest.call.id]
            if self._by_key.get(oldest.call.key) is oldest.call:
                del self._by_key[oldest.call.key]
            self._remember(oldest, now)

    def _remember(self, dropped: _Kept, now: float) -> None:
        call = dropped.call
        self._dropped[call.id] = (call.agent_name, dropped.finished_at, now)
        if len(self._dropped) > REMEMBERED:
            self._dropped.popitem(last=False)
        if not dropped.task_id:
            return
        del self._by_task[dropped.task_id]
        self._dropped_tasks[dropped.task_id] = call.id
        if len(self._dropped_tasks) > REMEMBERED:
            del self._dropped_tasks[next(iter(self._dropped_tasks))]


def _tick(results: weakref.ref[Results]) -> None:
    there = results()
    if there is not None:
        there._set_timer()
