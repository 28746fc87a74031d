"""`Turns`: how many handlers of one agent run at the same time, where its class limits that."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any
from weakref import WeakValueDictionary

from .._ids import next_call_id
from ..exceptions import DeadlockError, OverloadedError
from ..topics import AgentId

__all__ = ["FindRing", "Hold", "Turns", "enter_turns", "leave_holds", "leave_turns", "turns_here"]

MOST_WAITING = 10_000
"""Messages that may wait for their turn with one agent."""
LOOK_SECONDS, LONGEST_PAUSE = 1.0, 8.0
"""How long a message waits for its turn before others are asked whether they wait for it, and then again."""


class Hold:
    """A turn that somebody is in, until that ends; or what waits for this in a turn elsewhere."""

    __slots__ = ("__weakref__", "_name", "agent", "held", "turn", "waits")

    def __init__(self, agent: AgentId, name: str = "") -> None:
        self.agent, self.held, self._name = agent, True, name
        known = _named.get(name) if name else None
        self.turn: Hold = known or self
        """The turn itself, where it is of this process."""
        self.waits: list[Turns] = []
        """For whose turns messages wait that were sent in this one."""

    @property
    def name(self) -> str:
        """Tells the turn from all others, of whatever process. On any thread."""
        turn = self.turn
        if not turn._name:
            with _naming:
                if not turn._name:
                    name = next_call_id()
                    _named[name], turn._name = turn, name
        return turn._name


_naming = threading.Lock()
_named: WeakValueDictionary[str, Hold] = WeakValueDictionary()
"""The turns of this process that others were told of."""
_holds: ContextVar[tuple[Hold, ...]] = ContextVar("nbagents_holds", default=())
"""The turns that this chain of direct messages is in."""

FindRing = Callable[[Sequence[Hold], Sequence[str]], Coroutine[Any, Any, Sequence[str]]]
"""Asks whether the turns of these names wait, in the end, for the ones given first; returns whose they are.

Asked with no names it does not wait, and says that nothing waits any more.
"""
_find_ring: ContextVar[FindRing | None] = ContextVar("nbagents_find_ring", default=None)


def leave_turns() -> None:
    """Say that nobody waits for what runs here, as for a published message: it is in nobody's turn."""
    if _holds.get():
        _holds.set(())


def turns_here() -> tuple[Hold, ...]:
    """Return the turns that this chain of direct messages is in."""
    holds = _holds.get()
    return tuple(hold for hold in holds if hold.held) if holds else ()


def enter_turns(turns: Iterable[tuple[AgentId, str]], find_ring: FindRing) -> tuple[Hold, ...]:
    """Say that what runs here is in the turns of these agents and names, which wait for it elsewhere.

    ``find_ring`` is asked what only others can know, now and then while a message waits for its turn.
    Return what is to be given to `leave_holds` when they do not wait any more.
    """
    holds = tuple(Hold(agent, name) for agent, name in turns)
    _holds.set(holds)
    _find_ring.set(find_ring)
    return holds


def leave_holds(holds: Iterable[Hold]) -> None:
    """Say that these turns are over for whatever still runs in them."""
    for hold in holds:
        hold.held = False


class Turns:
    """A mailbox: so many handlers at once, the others wait in order. On one loop only.

    A direct message from within a turn of the same agent, over whatever way, does not wait: whoever
    sends it waits for its reply, and would wait for ever. One that closes a ring of agents, each in a turn
    that waits for the next one's, is refused: at once if all are of this process, else a moment later.
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
        turns = [hold.turn for hold in holds]
        if turns and self._stuck(turns, set()):
            raise _ring(agent, [str(hold.agent) for hold in holds])
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        for turn in turns:
            turn.waits.append(self)
        find_ring = _find_ring.get() if turns else None
        try:
            if find_ring is None:
                await mine
            else:
                await self._wait_and_look(agent, mine, holds, find_ring)
        except BaseException:
            if mine.done() and not mine.cancelled():
                self._next()  # the turn came just as we left
            mine.cancel()
            raise
        finally:
            for turn in turns:
                turn.waits.remove(self)

    async def _wait_and_look(
        self, agent: AgentId, mine: asyncio.Future[None], holds: list[Hold], find_ring: FindRing
    ) -> None:
        """Wait, and ask now and then whether those who have the turns are waiting for us elsewhere."""
        asked, pause = False, LOOK_SECONDS
        try:
            while not (await asyncio.wait([mine], timeout=pause))[0]:
                behind = [hold.name for hold in self._had]
                asked, pause = True, min(2 * pause, LONGEST_PAUSE)
                asking = asyncio.ensure_future(find_ring(holds, behind))
                try:  # the turn may come sooner than the answer
                    ends: list[asyncio.Future[Any]] = [mine, asking]
                    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                    if mine.done():
                        return
                    ring = asking.result()
                finally:
                    asking.cancel()
                if ring and behind == [hold.name for hold in self._had]:
                    raise _ring(agent, ring)
        finally:
            if asked:
                await find_ring(holds, ())

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


def _ring(agent: AgentId, ring: Sequence[str]) -> DeadlockError:
    text = (
        f"{agent} has its turn with a message that waits for {', '.join(ring)}, which would wait for {agent}"
    )
    return DeadlockError(text, hint="let one of them answer before it asks, or raise its concurrency")
