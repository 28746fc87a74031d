"""`Rings`: finds calls of several processes that wait for each other, and unties them.

Within one process a ring is found as it forms, see `_deadlock`. Between processes the usual rings
cannot form, since a call carries the chain of calls that it descends from. What is left, two agents of
two servers that consult each other for two programs, say, is looked for once a body has waited for a
second: each process asks the next one what the call that it waits for waits for, and hands on the way
so far. Whoever sees the way lead back to itself has found a ring. Of its queued calls the first one in
program order is let in to its agent, which is suspended anyway; without any, one of its calls fails.

All edges of a ring stay until it is untied, so a ring that was found was one. Several processes may
find the same ring at once: they choose the same call.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..exceptions import DeadlockError, NbAgentsError
from ._call import QUEUED, Call
from ._deadlock import blockers, let_in

if TYPE_CHECKING:
    from ..message import Promise
    from ._scheduler import Scheduler

__all__ = ["Rings"]

log = logging.getLogger(__name__)
WAITED, LONGEST_PAUSE, TICK = 1.0, 10.0, 0.5
"""Seconds that a body has waited before anybody is asked; until that is done again; between two looks."""
MOST_AT_ONCE = 32
MOST_HOPS, MOST_STEPS, MOST_ROUNDS = 64, 50, 256
SECONDS = 10.0

Hop = dict[str, Any]
"""The ``call`` that leads to the next process, and the ``steps`` that led to it in this one."""


class Rings:
    """Looks for rings that leave this process. On the loop only."""

    def __init__(self, clock: Scheduler) -> None:
        self._clock = clock
        self._waiting: dict[Call, float] = {}
        """The bodies that wait, and since when; the oldest first."""
        self._pauses: dict[str, tuple[float, float]] = {}
        self._rounds: OrderedDict[str, set[str]] = OrderedDict()
        """Which calls have been asked about, for each question that came by: once is enough."""
        self._asked = 0
        self._tasks: set[asyncio.Task[Any]] = set()
        self._armed = False

    def begin(self, frame: Call) -> None:
        """A body begins to wait."""
        loop = self._clock.loop
        self._waiting.setdefault(frame, loop.time())
        if not self._armed:
            self._armed = True
            loop.call_later(TICK, self._look)

    def over(self, frame: Call) -> None:
        """A body waits no longer."""
        self._waiting.pop(frame, None)

    def _look(self) -> None:
        loop = self._clock.loop
        now = loop.time()
        self._armed = bool(self._waiting)
        if self._armed:
            loop.call_later(TICK, self._look)
        starts = []
        for frame, since in self._waiting.items():
            if now - since < WAITED:
                break
            starts.append(frame)
        pauses = {}
        due = []
        for way, leaf in _exits(starts):
            name = _name(leaf)
            pauses[name] = self._pauses.get(name, (0.0, WAITED))
            if pauses[name][0] <= now:
                due.append((pauses[name], way, leaf))
        for (_, pause), way, leaf in sorted(due, key=lambda each: each[0])[:MOST_AT_ONCE]:
            pauses[_name(leaf)] = now + pause, min(2 * pause, LONGEST_PAUSE)
            self._asked += 1
            task = loop.create_task(self._follow(way, leaf, [], f"{_name(leaf)}/{self._asked}"))
            self._tasks.add(task)
            task.add_done_callback(self._asked_about)
        self._pauses = pauses

    def _asked_about(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("looking for calls that wait for each other failed", exc_info=error)

    async def chase(self, call: Call, trail: Sequence[Hop], round_: str) -> dict[str, Any] | None:
        """Say which ring a call of this process is part of, with the way that led to it; None if in none.

        What of the ring can be untied in this process is untied.
        """
        for way, leaf in list(_exits([call])):
            ring = await self._follow(way, leaf, trail, round_)
            if ring is not None:
                return ring
        return None

    async def _follow(
        self, way: Sequence[Call], leaf: Promise, trail: Sequence[Hop], round_: str
    ) -> dict[str, Any] | None:
        name = _name(leaf)
        steps = [_step(call, by) for call, by in zip(way, [*way[1:], leaf], strict=True)]
        ring = _closed(trail, steps, name)
        if ring is None and len(trail) < MOST_HOPS and self._is_new(round_, name):
            hop = {"call": name, "steps": steps[-MOST_STEPS:]}
            ring = await _ask(leaf, [*trail, hop], round_)
        if ring is not None:
            self._untie(ring, way, leaf)
        return ring

    def _is_new(self, round_: str, name: str) -> bool:
        asked = self._rounds.setdefault(round_, set())
        if len(self._rounds) > MOST_ROUNDS:
            self._rounds.popitem(last=False)
        if name in asked:
            return False
        asked.add(name)
        return True

    def _untie(self, ring: dict[str, Any], way: Sequence[Call], leaf: Promise) -> None:
        """Do what is this process's part."""
        pick = ring["pick"]
        if ring["queued"]:
            for call in way:
                if call.id == pick:
                    let_in(self._clock, call)
        elif _name(leaf) == pick:
            labels = [step["label"] for step in ring["steps"]]
            names = " -> ".join([*labels, *labels[:1]])
            failed = leaf if isinstance(leaf, Call) else way[-1]
            self._clock.end(failed, DeadlockError(f"these calls wait for each other: {names}"))


def _name(promise: Promise) -> str:
    return str(getattr(promise, "id", ""))


def _exits(starts: Iterable[Call]) -> Iterator[tuple[list[Call], Promise]]:
    """Yield what these calls wait for in the end that another process must do, and the way there."""
    stack: list[tuple[Call, Any]] = [(call, None) for call in starts]
    seen = {call for call, _ in stack}
    while stack:
        link = stack.pop()
        call, before = link
        if call.remote is not None:
            if not call.done and before is not None:
                yield _way(before), call
            continue
        for need in call.needs if call.state == QUEUED else ():
            if not isinstance(need, Call) and not need.done:
                yield _way(link), need
        for blocker in blockers(call):
            if blocker not in seen:
                seen.add(blocker)
                stack.append((blocker, link))


def _way(link: Any) -> list[Call]:
    found = []
    while link is not None:
        call, link = link
        found.append(call)
    return found[::-1]


def _step(call: Call, by: Promise) -> dict[str, Any]:
    owner = call.mailbox.owner if call.mailbox is not None else None
    queued = call.state == QUEUED and by is not owner and by not in call.needs
    return {
        "id": call.id,
        "label": call.label()[:200],
        "queued": queued,
        "place": [call.client, *call.path],
    }


def _closed(trail: Sequence[Hop], steps: list[dict[str, Any]], name: str) -> dict[str, Any] | None:
    """Return the ring that is closed where the way leads on to ``name``, if it is one."""
    for at, hop in enumerate(trail):
        inside = next((n for n, step in enumerate(hop["steps"]) if step["id"] == name), None)
        if hop["call"] != name and inside is None:
            continue
        # The call that leads to the next process begins that one's steps, or this one's own are part of it.
        ring = [] if hop["call"] == name else list(hop["steps"][inside:])
        for later in trail[at + 1 :]:
            ring += later["steps"]
        ring += steps
        queued = [step for step in ring if step["queued"]]
        if queued:
            pick = min(queued, key=lambda step: (step["place"][1:], step["place"][0], step["id"]))["id"]
        else:
            pick = max(later["call"] for later in trail[at:])
        return {"pick": pick, "queued": bool(queued), "steps": ring}
    return None


async def _ask(leaf: Promise, trail: list[Hop], round_: str) -> dict[str, Any] | None:
    """Ask the process that must do something what that waits for."""
    way: Any = leaf.remote if isinstance(leaf, Call) else getattr(leaf, "maker", None)
    if way is None:
        return None
    try:
        found: dict[str, Any] | None = await asyncio.wait_for(way.chase(_name(leaf), trail, round_), SECONDS)
    except (
        NbAgentsError,
        TimeoutError,
    ) as error:  # whoever waits for that process hears of it in its own way
        log.debug("nobody can say what %s waits for: %s", _name(leaf), error)
        return None
    return found
