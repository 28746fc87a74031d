"""`Tape`: what a run is recorded on or replayed from; which run has which; and where the running code is."""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

from .. import context
from ..exceptions import ReplayMismatchError
from ._asked import Asked

__all__ = [
    "Place",
    "Tape",
    "aside",
    "current_tape",
    "here",
    "only_recorded",
    "set_tape",
    "tape_of",
]

REMEMBERED = 20_000
"""Runs whose tape is known. Those that are over are forgotten first, and a replay that is not, never."""


class Tape(Protocol):
    """One run's. Safe from any thread."""

    replays: bool
    over: bool
    """Has its run ended?"""

    async def answer(self, agent: str, asked: Asked) -> Mapping[str, Any]:
        """Return what was answered then; "recorded" in it is the day.

        Raises:
            ReplayMismatchError: this was not asked then.
        """

    def note(self, agent: str, asked: Asked, answer: Mapping[str, Any]) -> None:
        """Record what was answered. Returns at once."""

    def miss(self, what: str) -> None:
        """Keep in mind that something cannot be recorded, to be told at the end of the run."""

    def end(self, state: str) -> tuple[str, ...]:
        """The run is over; return what a person should know of the tape.

        Its run keeps it: what is still asked in a replay must not be asked of anybody else.
        """


@dataclass(frozen=True, slots=True)
class Place:
    """Where the running code is: in a run that has a tape, in a turn of an agent ("" in none)."""

    tape: Tape
    agent: str

    @property
    def replays(self) -> bool:
        """Is what is asked here answered from a file?"""
        return self.tape.replays

    async def answer(self, asked: Asked) -> Mapping[str, Any]:
        """Return what was answered then; see `Tape.answer`."""
        return await self.tape.answer(self.agent, asked)

    def note(self, asked: Asked, answer: Mapping[str, Any]) -> None:
        """Record what was answered."""
        self.tape.note(self.agent, asked, answer)


_tapes: OrderedDict[str, Tape] = OrderedDict()
_lock = threading.Lock()
_aside: ContextVar[Tape | None] = ContextVar("nbagents_aside", default=None)
"""The tape that what is asked here is not recorded on. A replay that is opened here has another."""


def set_tape(run_id: str, tape: Tape | None) -> None:
    """Say on what a run is recorded, or from what it is replayed, for good; None: neither."""
    if tape is None:
        return
    with _lock:
        _tapes[run_id] = tape
        if len(_tapes) > REMEMBERED:
            found = (run for run, known in _tapes.items() if known.over)
            gone = next(found, None) or next(
                (run for run, known in _tapes.items() if not known.replays), None
            )
            if gone is not None:
                del _tapes[gone]


def tape_of(run_id: str) -> Tape | None:
    """Return the tape of a run, None where it has none."""
    return _tapes.get(run_id)


def current_tape() -> Tape | None:
    """Return the tape of the run that the running code is in, None where it has none."""
    if not _tapes:
        return None
    run = context.run.get()
    frame = context.frame.get()
    return _tapes.get(run or (frame.run if frame is not None else ""))


def here() -> Place | None:
    """Return the place of the running code; None where nothing is recorded or replayed. Costs little."""
    tape = current_tape()
    if tape is None or tape is _aside.get():
        return None
    # A tape that the body of a call has opened knows nothing of that call, nor of its agent.
    frame = context.frame.get()
    agent = frame.agent_name if frame is not None and _tapes.get(frame.run) is tape else ""
    return Place(tape, agent)


def only_recorded(what: str) -> None:
    """Refuse, in a replay, what no recording holds: ``what`` is asked somewhere else.

    Where a run is recorded, its end says that this is not in the recording.

    Raises:
        ReplayMismatchError: the running code is in a replay.
    """
    place = here()
    if place is None:
        return
    if place.replays:
        raise ReplayMismatchError(
            f"a replay asks nobody, and {what} cannot be recorded", hint="run it without --replay"
        )
    place.tape.miss(f"{what} cannot be recorded, and a replay will refuse it")


@contextlib.contextmanager
def aside() -> Iterator[None]:
    """Leave out of the recording what is asked inside: it is part of something that is recorded whole."""
    token = _aside.set(current_tape())
    try:
        yield
    finally:
        _aside.reset(token)
