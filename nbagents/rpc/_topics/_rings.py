"""`Rings`: finds messages of several workers of which each waits, in the end, for the others' turns.

Only agents that take so many messages at a time can be in such a ring. A worker tells, for a message that has
waited for its turn for a second, which turns wait for it and behind which it waits. Each turn has a name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .._fields import Fields
from .._limits import LONGEST_ID

__all__ = ["Rings"]

MOST = 10_000
"""Messages of which it is known that they wait; what was told first is forgotten, until it is told again."""
MOST_TURNS = 10_000
"""Turns that one message may wait behind, or that wait for it."""
LONGEST = 200
"""Turns of a ring that is found; longer ones end with their deadlines."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    agents: dict[str, str]
    """The turns that wait for it, by their names, and whose they are."""
    behind: frozenset[str]
    """The turns of which one must end before it has its own."""


class Rings:
    """Which messages wait for which turns. On the loop only."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[Any, int], _Waiting] = {}
        self._by_turn: dict[str, dict[tuple[Any, int], _Waiting]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def look(self, desk: Any, asked: Fields) -> list[str]:
        """Note that a message of this session waits, or with nothing ``behind`` that it does not any more.

        Return the agents of the ring that it closes, none if it closes none. Whoever is told of a ring ends
        its message, which counts as ended from now on.

        Raises:
            ProtocolError: it is malformed.
        """
        place = desk, asked.count("message", 2**64 - 1) or 0
        agents = {_text(row[0]): _text(row[1]) for row in asked.rows("waits", MOST_TURNS) if len(row) == 2}
        behind = frozenset(_text(row[0]) for row in asked.rows("behind", MOST_TURNS) if row)
        self._drop(place)
        if not behind or not agents:
            return []
        ring = dict.fromkeys(agents.values())
        if self._stuck(behind, agents.keys(), {}, ring):
            return list(ring)
        if len(self._waiting) >= MOST:
            self._drop(next(iter(self._waiting)))
        waiting = self._waiting[place] = _Waiting(agents, behind)
        for turn in agents:
            self._by_turn.setdefault(turn, {})[place] = waiting
        return []

    def left(self, desk: Any) -> None:
        """A session is over: none of its messages waits."""
        for place in [place for place in self._waiting if place[0] is desk]:
            self._drop(place)

    def _drop(self, place: tuple[Any, int]) -> None:
        waiting = self._waiting.pop(place, None)
        for turn in waiting.agents if waiting is not None else ():
            places = self._by_turn[turn]
            del places[place]
            if not places:
                del self._by_turn[turn]

    def _stuck(
        self, behind: Iterable[str], mine: Iterable[str], known: dict[str, bool], ring: dict[str, None]
    ) -> bool:
        """Do all these turns wait, in the end, for one of mine? Whose they are is noted in the ring."""
        for turn in behind:
            if turn in mine or known.get(turn):
                continue
            if turn in known or len(known) >= LONGEST:  # it waits for itself: that is another ring
                return False
            known[turn] = False
            for waiting in self._by_turn.get(turn, {}).values():
                if self._stuck(waiting.behind, mine, known, ring):
                    ring.update(dict.fromkeys(waiting.agents.values()))
                    known[turn] = True
                    break
            else:
                return False
        return True


def _text(value: Any) -> str:
    return value[:LONGEST_ID] if isinstance(value, str) else ""
