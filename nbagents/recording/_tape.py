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

__all__ = ["Place", "Tape", "aside", "end_tape", "here", "only_recorded", "set_tape", "tape_of"]

REMEMBERED = 20_000
"""Runs whose tape is known."""


class Tape(Protocol):
    """One run's. Safe from any thread."""

    replays: bool

    async def answer(self, agent: str, asked: Asked) -> Mapping[str, Any]:
        """Return what was answered then; "recorded" in it is the day.

        Raises:
            ReplayMismatchError: this was not asked then.
        """

    def note(self, agent: str, asked: Asked, answer: Mapping[str, Any]) -> None:
        """Record what was answered. Returns at once."""

    def end(self, state: str) -> tuple[str, ...]:
        """The run is over; return what a person should know of the tape."""


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
_aside: ContextVar[bool] = ContextVar("nbagents_aside", default=False)


def set_tape(run_id: str, tape: Tape | None) -> None:
    """Say on what a run is recorded, or from what it is replayed; None: neither."""
    if tape is None:
        return
    with _lock:
        _tapes[run_id] = tape
        while len(_tapes) > REMEMBERED:
            _tapes.popitem(last=False)


def tape_of(run_id: str) -> Tape | None:
    """Return the tape of a run, None where it has none."""
    return _tapes.get(run_id)


def end_tape(run_id: str, state: str) -> tuple[str, ...]:
    """Say that a run is over; return what a person should know of its tape.

    Its tape stays known: what is still asked in a replay must not be asked of anybody else.
    """
    tape = _tapes.get(run_id)
    return () if tape is None else tape.end(state)


def here() -> Place | None:
    """Return the place of the running code; None where nothing is recorded or replayed. Costs little."""
    if not _tapes or _aside.get():
        return None
    frame = context.frame.get()
    run, agent = (context.run.get(), "") if frame is None else (frame.run, frame.agent_name)
    tape = _tapes.get(run)
    return None if tape is None else Place(tape, agent)


def only_recorded(what: str) -> None:
    """Refuse, in a replay, what no recording holds: ``what`` is asked somewhere else.

    Raises:
        ReplayMismatchError: the running code is in a replay.
    """
    place = here()
    if place is not None and place.replays:
        raise ReplayMismatchError(
            f"a replay asks nobody, and {what} cannot be recorded", hint="run it without --replay"
        )


@contextlib.contextmanager
def aside() -> Iterator[None]:
    """Leave out of the recording what is asked inside: it is part of something that is recorded whole."""
    token = _aside.set(True)
    try:
        yield
    finally:
        _aside.reset(token)
