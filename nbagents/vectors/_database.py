"""`Database`: one SQLite file of ours, for its user's eyes only, which several processes may share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from ..store import Kind, claim, opened, told, transaction

__all__ = ["Database"]

BUSY_SECONDS = 10.0
"""How long one process waits until another has written."""


class Database:
    """The file, or memory. Blocking, for one thread at a time; each write is one transaction.

    ``what`` it holds is said in errors; ``mark`` is in its header; ``tables`` are the statements that make
    it.

    Raises:
        StorageError: it cannot be opened, read or written; `StorageFullError`: there is no room;
            `StateCorruptError`: it is damaged, or no such file; `StateVersionError`: a newer one wrote it.
    """

    def __init__(self, path: Path | None, what: str, mark: int, tables: str) -> None:
        self.path = path
        self.where = "memory" if path is None else str(path)
        unusable = f"the {what} in {{path}} cannot be read or written: {{error}}"
        self._kind = Kind(
            mark=mark,
            tables=(tables,),
            alien=f"{{path}} is not a file of {what}",
            newer="{path} has version {version}, and this nbagents knows {known}: update it",
            full="storage full: {path}. Make room there",
            damaged=f"the {what} in {{path}} are damaged ({{error}}): move the file away",
            busy=f"{{path}} was in use by another process for {BUSY_SECONDS:.0f} s; try again",
            unusable=unusable,
            read_only=unusable,
            closed=unusable,
            pragmas=("PRAGMA synchronous = NORMAL",),
        )
        with self.told():
            if path is not None:
                # Others may read it, as they do all of a shared project.
                refused = f"{path} is not a file that only you can write; it is not used"
                claim(path, refused, others_read=True)
            self.connection = opened(path, self._kind, BUSY_SECONDS)

    def close(self) -> None:
        """Close the file. Twice is fine."""
        self.connection.close()

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Write what is done meanwhile, whole or not at all."""
        with self.told(), transaction(self.connection):
            yield

    def told(self) -> AbstractContextManager[None]:
        """Say what fails in our words."""
        return told(self.where, self._kind)
