"""`Replayer`: a tape that answers from a recording, and from nothing else."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ..exceptions import ReplayMismatchError
from ._asked import WHAT, Asked, difference, nearest
from ._entry import Entry, name_in
from ._file import Recording, read_recording

__all__ = ["Replayer", "label_of"]

NOT_AN_AI = ("demo", "demo-")
"""How the names of the offline models begin: a replay of them is no more an AI than they are."""


class Replayer:
    """Answers what a run asks as a file says. It is a `Tape`.

    What an agent asks is answered by the first entry of that agent that was asked the same and was not given
    yet: so parallel agents, and parallel questions of one, are answered right in whichever order they come.

    Raises:
        UsageError, RecordingError: the file cannot be read; see `read_recording`.
    """

    replays = True

    def __init__(self, path: str | os.PathLike[str]) -> None:
        recording = read_recording(path)
        self.name, self.date = recording.name, recording.date
        self.label = label_of(recording.models, recording.date)
        self._ended = _ended(recording)
        self._left: dict[tuple[str, str], list[Entry]] = {}
        for entry in recording.entries:
            self._left.setdefault((entry.agent, entry.asked.kind), []).append(entry)
        self._agents = tuple(dict.fromkeys(entry.agent for entry in recording.entries))
        self._asked: Counter[tuple[str, str]] = Counter()
        self.over = False
        self._lock = threading.Lock()

    async def answer(self, agent: str, asked: Asked) -> Mapping[str, Any]:
        agent = name_in(agent)
        with self._lock:
            who = (agent, asked.kind)
            self._asked[who] += 1
            left = self._left.get(who, [])
            found = next((n for n, entry in enumerate(left) if entry.asked.digest == asked.digest), None)
            if found is None:
                raise self._mismatch(agent, asked, left)
            return {**left.pop(found).answer, "recorded": self.date, "file": self.name}

    def note(self, agent: str, asked: Asked, answer: Mapping[str, Any]) -> None:
        return  # what a replay is answered is recorded already

    def miss(self, what: str) -> None:
        return

    def end(self, state: str) -> tuple[str, ...]:
        with self._lock:
            self._left, self.over = {}, True
        return ()

    def _mismatch(self, agent: str, asked: Asked, left: Sequence[Entry]) -> ReplayMismatchError:
        number = self._asked[agent, asked.kind]
        whose = f"{agent}'s" if agent else "the program's"
        which = f"{whose} {_nth(number)} {WHAT[asked.kind]}"
        if agent and agent not in self._agents:
            there = ", ".join(filter(None, self._agents[:10])) or "nobody"
            why = f"nothing of {agent} is recorded there, only of {there}"
        elif self.over:
            why = "its replay is over"
        elif not left:
            why = f"only {number - 1} {'is' if number == 2 else 'are'} recorded there{self._ended}"
        else:
            why = difference(asked, nearest(asked, [entry.asked for entry in left]))
        return ReplayMismatchError(
            f"{which} is not in {self.name}: {why}. Nobody else was asked.",
            hint=f"record it anew: -r {self.name} --overwrite",
        )


def label_of(models: Sequence[str], date: str) -> str:
    """Return what a replay is called.

    >>> label_of(["gpt-4o-mini"], "2026-11-02"), label_of([], "2026-11-02")
    ('replay of gpt-4o-mini, 2026-11-02', 'replay, 2026-11-02')
    """
    named = [_named(model) for model in models[:3]] + (["others"] if len(models) > 3 else [])
    return f"replay of {' and '.join(named)}, {date}" if named else f"replay, {date}"


def _named(model: str) -> str:
    model = " ".join(model.split())[:60]
    return f"{model} (not an AI)" if model == NOT_AN_AI[0] or model.startswith(NOT_AN_AI[1]) else model


def _ended(recording: Recording) -> str:
    if not recording.state:
        return "; the file breaks off before the end of its run"
    return "" if recording.state == "done" else f"; its run ended as {recording.state}"


def _nth(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number % 100 not in (11, 12, 13) else 0, "th")
    return f"{number}{ending}"
