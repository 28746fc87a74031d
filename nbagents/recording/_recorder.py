"""`Recorder`: a tape that writes what was answered."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any, NoReturn

from ..exceptions import InternalError
from ._asked import Asked
from ._entry import Entry
from ._file import RecordingFile

__all__ = ["Recorder"]


class Recorder:
    """Writes what a run was answered to a file, as it goes. It is a `Tape`.

    Raises:
        UsageError, RecordingError: the file cannot be made; see `RecordingFile`.
    """

    replays = False

    def __init__(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        self._file = RecordingFile(path, overwrite=overwrite)
        self.name = self._file.name
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    async def answer(self, agent: str, asked: Asked) -> NoReturn:
        raise InternalError("a run that is recorded was asked for a recording")

    def note(self, agent: str, asked: Asked, answer: Mapping[str, Any]) -> None:
        with self._lock:
            self._counts[agent, asked.kind] += 1
            entry = Entry(agent, self._counts[agent, asked.kind], asked, answer)
            self._file.write(entry)

    def end(self, state: str) -> tuple[str, ...]:
        self._file.end(state)
        problem = self._file.problem
        return (f"not all of it is recorded: {problem}",) if problem else ()
