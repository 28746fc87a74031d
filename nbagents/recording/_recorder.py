"""`Recorder`: a tape that writes what was answered."""

from __future__ import annotations

import logging
import os
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NoReturn

from ..exceptions import InternalError, UsageError
from ._asked import WHAT, Asked
from ._entry import Entry
from ._file import RecordingFile
from ._tape import current_tape

__all__ = ["Recorder"]

log = logging.getLogger(__name__)
MOST_MISSED = 20
"""Things that could not be recorded of which a person is told."""


class Recorder:
    """Writes what a run was answered to a file, as it goes. It is a `Tape`.

    Raises:
        UsageError, RecordingError: the file cannot be made, see `RecordingFile`; or a replay is on here.
    """

    replays = False
    over = False

    def __init__(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        around = current_tape()
        if around is not None and around.replays:
            raise UsageError(
                "what a replay answers is not recorded once more", hint="record it outside of the replay"
            )
        self._file = RecordingFile(path, overwrite=overwrite)
        self.name = self._file.name
        self._counts: Counter[tuple[str, str]] = Counter()
        self._missed: dict[str, None] = {}
        self._lock = threading.Lock()

    async def answer(self, agent: str, asked: Asked) -> NoReturn:
        raise InternalError("a run that is recorded was asked for a recording")

    def note(self, agent: str, asked: Asked, answer: Mapping[str, Any]) -> None:
        try:
            entry = Entry.of(agent, 1, asked, answer)
        except ValueError as error:  # the call itself was good
            self.miss(f"the answer to a {WHAT[asked.kind]} by {agent or 'the program'}: {error}")
            return
        with self._lock:
            who = (entry.agent, asked.kind)
            self._counts[who] += 1
            self._file.write(replace(entry, number=self._counts[who]))

    def miss(self, what: str) -> None:
        with self._lock:
            if what in self._missed or len(self._missed) >= MOST_MISSED:
                return
            self._missed[what] = None
        log.warning("%s: not recorded: %s", self.name, what)

    def end(self, state: str) -> tuple[str, ...]:
        self.over = True
        self._file.end(state)
        with self._lock:
            missed, self._missed = [*self._missed, *filter(None, [self._file.problem])], {}
        return tuple(f"not all of it is recorded: {what}" for what in missed)
