"""`Mailbox`: the queue that hands an agent one call at a time, in order."""

from __future__ import annotations

from collections.abc import Callable

from ._call import ENDED, Call

__all__ = ["Mailbox"]


class Mailbox:
    """A queue of calls for one agent, sorted by path among the calls of one client.

    With an ``owner`` it is the inner queue of a call that holds the agent: what the owner's own
    chain asks of the agent. It is open only while the owner waits for a message or is over.
    """

    __slots__ = ("head", "idle", "owner", "queue", "running")

    def __init__(self, owner: Call | None = None) -> None:
        self.owner = owner
        self.queue: list[Call] = []
        self.running: Call | None = None
        self.idle: list[Callable[[], object]] = []
        self.head: Call | None = None

    def open(self) -> bool:
        """May the next call run?"""
        return self.owner is None or bool(self.owner.waits) or self.owner.state == ENDED

    def busy(self) -> bool:
        """Is a call running or queued?"""
        return self.running is not None or bool(self.queue)

    def put(self, call: Call) -> None:
        """Queue a call ahead of what the same client's blocking program would do later."""
        call.mailbox = self
        queue, at = self.queue, len(self.queue)
        while at and queue[at - 1].client == call.client and queue[at - 1].path > call.path:
            at -= 1
        queue.insert(at, call)
