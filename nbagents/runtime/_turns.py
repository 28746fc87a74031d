"""`Turns`: how many handlers of one agent run at the same time, where its class limits that."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from contextvars import ContextVar

from ..exceptions import DeadlockError, OverloadedError
from ..topics import AgentId

__all__ = ["Hold", "Turns", "enter_turns", "leave_holds", "leave_turns", "turns_here"]

MOST_WAITING = 10_000
"""Messages that may wait for their turn with one agent."""


class Hold:
    """A turn that somebody is in, until that ends."""

    __slots__ = ("agent", "held", "waits")

    def __init__(self, agent: AgentId) -> None:
        self.agent, self.held = agent, True
        self.waits: list[Turns] = []
        """For whose turns messages wait that were sent in this one."""


_holds: ContextVar[tuple[Hold, ...]] = ContextVar("nbagents_holds", default=())
"""The turns that this chain of direct messages is in."""


def leave_turns() -> None:
    """Say that nobody waits for what runs here, as for a published message: it is in nobody's turn."""
    if _holds.get():
        _holds.set(())


def turns_here() -> tuple[AgentId, ...]:
    """Return the agents whose turns this chain of direct messages is in."""
    return tuple(hold.agent for hold in _holds.get() if hold.held)


def enter_turns(agents: Iterable[AgentId]) -> tuple[Hold, ...]:
    """Say that what runs here is in the turns of these agents, which wait for it in other processes.

    Return what is to be given to `leave_holds` when they do not wait any more.
    """
    holds = tuple(map(Hold, agents))
    _holds.set(holds)
    return holds


def leave_holds(holds: Iterable[Hold]) -> None:
    """Say that these turns are over for whatever still runs in them."""
    for hold in holds:
        hold.held = False


class Turns:
    """A mailbox: so many handlers at once, the others wait in order. On one loop only.

    A direct message from within a turn of the same agent, over whatever way, does not wait: whoever
    sends it waits for its reply, and would wait for ever. One that closes a ring of agents of one process,
    each in a turn that waits for the next one's, is refused.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = self._free = at_once
        self._had: list[Hold] = []
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def turn(self, agent: AgentId, is_rpc: bool) -> AsyncIterator[None]:
        """Wait for a turn and have it inside of the block.

        Raises:
            OverloadedError: too many wait already.
            DeadlockError: those who have the turns wait, in the end, for whoever asks for this one.
        """
        holds = _holds.get()
        if is_rpc and any(hold.held and hold.agent == agent for hold in holds):
            yield
            return
        if self._free and not self._waiting:
            self._free -= 1
        else:
            await self._wait(agent, [each for each in holds if each.held] if is_rpc else [])
        hold = Hold(agent)
        self._had.append(hold)
        before = _holds.set((*(each for each in holds if each.held), hold) if is_rpc else (hold,))
        try:
            yield
        finally:
            hold.held = False
            self._had.remove(hold)
            _holds.reset(before)
            self._next()

    async def _wait(self, agent: AgentId, holds: list[Hold]) -> None:
        if len(self._waiting) >= MOST_WAITING:
            raise OverloadedError(f"{MOST_WAITING:,} messages wait for their turn with {agent} already")
        if holds and self._stuck(holds, set()):
            ring = ", ".join(str(hold.agent) for hold in holds)
            text = f"{agent} has its turn with a message that waits for {ring}, which would wait for {agent}"
            raise DeadlockError(text, hint="let one of them answer before it asks, or raise its concurrency")
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        for hold in holds:
            hold.waits.append(self)
        try:
            await mine
        except BaseException:
            if mine.done() and not mine.cancelled():
                self._next()  # the turn came just as we left
            raise
        finally:
            for hold in holds:
                hold.waits.remove(self)

    def _stuck(self, mine: list[Hold], seen: set[Turns]) -> bool:
        """Do all turns that are had here wait, in the end, for one of mine?"""
        if self in seen or len(self._had) < self._at_once:
            return False
        seen.add(self)
        return all(
            hold in mine or any(turns._stuck(mine, seen) for turns in hold.waits) for hold in self._had
        )

    def _next(self) -> None:
        while self._waiting:
            after = self._waiting.popleft()
            if not after.done():
                after.set_result(None)
                return
        self._free += 1
