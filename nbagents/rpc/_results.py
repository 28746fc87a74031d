"""`Results`: the calls of a server, by id and by task id, kept a while after they end.

Finished calls are dropped oldest first, by number and by age; a pending call never is. `Promised` is a
message that somebody else will send.
"""

from __future__ import annotations

import itertools
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from ..agents import Call
from ..exceptions import ProtocolError, ResultExpiredError

__all__ = ["Promised", "Results"]


class Promised:
    """A message that somebody else has promised to this server; a `Promise`, on the loop only."""

    def __init__(self, call_id: str) -> None:
        self.id = call_id
        self.done, self.value = False, None
        self.error: BaseException | None = None
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


class Results:
    """A table of calls. On the loop only."""

    def __init__(self, max_size: int = 8192, max_age: float = 7200) -> None:
        self.max_size, self.max_age = max_size, max_age
        self._next_task = itertools.count(1)
        self._calls: dict[str, Call] = {}
        self._by_task: dict[int, str] = {}
        self._finished: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def new_task_id(self) -> int:
        """Return the next task id; they count from 1."""
        return next(self._next_task)

    def add(self, call: Call, ended: Callable[[Call, int], object] | None = None) -> int:
        """Keep a call; return its task id. ``ended`` is called with both once it has ended.

        Raises:
            ProtocolError: there is a call of that id already.
        """
        if call.id in self._calls:
            raise ProtocolError(f"there is a call {call.id[:60]!r} already")
        task_id = self.new_task_id()
        self._calls[call.id] = call
        self._by_task[task_id] = call.id
        call.on_done(lambda: self._finish(call, task_id, ended))
        return task_id

    def find(self, call_id: str) -> Call | None:
        """Return the call of that id, if it is still kept."""
        return self._calls.get(call_id)

    def by_task(self, task_id: int) -> Call:
        """Return the call of a task id.

        Raises:
            ResultExpiredError: it was kept for its time, or never existed.
        """
        self._drop_old()
        call_id = self._by_task.get(task_id)
        if call_id is None:
            raise ResultExpiredError(
                f"the reply of task {task_id} is gone or never was: a server keeps the last {self.max_size}"
                f" replies for at most {self.max_age:.0f} s"
            )
        return self._calls[call_id]

    def pending(self) -> int:
        """Return how many calls have not ended."""
        return len(self._calls) - len(self._finished)

    def unfinished(self) -> list[Call]:
        """Return the calls that have not ended."""
        return [call for call in self._calls.values() if not call.done]

    def _finish(self, call: Call, task_id: int, ended: Callable[[Call, int], object] | None) -> None:
        self._finished[call.id] = (time.monotonic(), task_id)
        self._drop_old()
        if ended is not None:
            ended(call, task_id)

    def _drop_old(self) -> None:
        now = time.monotonic()
        while self._finished:
            oldest, (when, task) = next(iter(self._finished.items()))
            if len(self._finished) <= self.max_size and now - when <= self.max_age:
                break
            del self._finished[oldest]
            self._calls.pop(oldest, None)
            self._by_task.pop(task, None)
