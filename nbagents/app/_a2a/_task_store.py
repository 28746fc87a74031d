"""`TaskStore`: the tasks that A2A's clients have begun, each its user's own. In memory, and bounded."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass

from a2a.types import TaskNotFoundError

from ._stored_task import StoredTask

__all__ = ["TaskStore"]

MOST, MOST_OF_ONE = 2000, 200
"""Tasks that are kept of all users, and of one; the oldest that are over go first."""
LARGEST, LARGEST_OF_ONE = 256 * 2**20, 64 * 2**20
"""Bytes of the tasks that are kept of all users, and of one."""
KEPT = 3600.0
"""Seconds for which a task is kept after its end."""
REMEMBERED = 10_000
"""Tasks of which is known that they have been there."""


@dataclass(frozen=True, slots=True)
class _Gone:
    owner: str
    over_at: float
    limit: str


class TaskStore:
    """Lives on the loop of the app. Only tasks that are over go; how many run is limited by the app."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, StoredTask] = OrderedDict()
        self._gone: OrderedDict[str, _Gone] = OrderedDict()

    def add(self, task: StoredTask) -> None:
        """Keep one."""
        self._known[task.id] = task
        self._bound(task.owner)

    def ended(self, task: StoredTask) -> None:
        """Note the end of one: from now on it is kept for a while, as far as there is room."""
        self._bound(task.owner)
        limit = f"for {_span(KEPT)} after their end"
        asyncio.get_running_loop().call_later(KEPT, self._forget, task.id, limit)

    def find(self, owner: str, task_id: str) -> StoredTask:
        """Return a task.

        Raises:
            TaskNotFoundError: there is none, or it is another user's: the two look alike. Of one's own that
                is no longer kept it says since when it is over, and which limit it fell to.
        """
        task = self._known.get(task_id)
        if task is not None and task.owner == owner:
            return task
        gone = self._gone.get(task_id)
        if gone is None or gone.owner != owner:
            raise TaskNotFoundError("there is no such task")
        age = time.monotonic() - gone.over_at
        raise TaskNotFoundError(
            f"the task {task_id} ended {_span(age)} ago and is no longer kept: tasks are kept {gone.limit}",
            {"code": "task_expired", "ageSeconds": f"{age:.0f}", "limit": gone.limit},
        )

    def of(self, owner: str) -> list[StoredTask]:
        """Return the tasks of a user, the newest first."""
        return [task for task in reversed(self._known.values()) if task.owner == owner]

    async def make_room(self, owner: str, context_id: str) -> None:
        """End what nobody wants any more of a session that is asked again."""
        for task in self.of(owner):
            if task.session == context_id and task.abandoned:
                await task.cancel()

    def _bound(self, owner: str) -> None:
        own = [task for task in self._known.values() if task.owner == owner]
        self._shrink(own, MOST_OF_ONE, LARGEST_OF_ONE, "of one user")
        self._shrink(list(self._known.values()), MOST, LARGEST, "of all users together")

    def _shrink(self, tasks: list[StoredTask], most: int, largest: int, whose: str) -> None:
        number, size = len(tasks), sum(task.size for task in tasks)
        for task in tasks:
            if number <= most and size <= largest:
                return
            if task.over_at is not None:
                limit = f"up to {most:,} {whose}" if number > most else f"up to {largest:,} bytes {whose}"
                self._forget(task.id, limit)
                number, size = number - 1, size - task.size

    def _forget(self, task_id: str, limit: str) -> None:
        task = self._known.pop(task_id, None)
        if task is None or task.over_at is None:
            return
        self._gone[task_id] = _Gone(task.owner, task.over_at, limit)
        if len(self._gone) > REMEMBERED:
            self._gone.popitem(last=False)


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
