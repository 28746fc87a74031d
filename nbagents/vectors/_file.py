"""`VectorFile`: vectors with their names and data in one SQLite file, which several processes may share."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..exceptions import StateCorruptError, UsageError
from ..store import transaction
from ._database import Database
from ._packed import packed, unpacked

__all__ = ["Known", "News", "VectorFile"]

MARK = 0x6E627663
"""Marks the file as ours, in its header: "nbvc"."""
TABLES = """
CREATE TABLE about (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE vectors (n INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, vector BLOB NOT NULL,
    data TEXT NOT NULL);
CREATE TABLE removed (n INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL);
INSERT INTO about VALUES ('dimensions', 0), ('epoch', 0);
"""
# Numbers are never used twice, so that whoever knows the file up to some reads on from there. A new epoch
# says that all must be read anew.
REMEMBERED = 10_000
"""How many removals are remembered for those who read on."""


@dataclass(frozen=True, slots=True)
class Known:
    """Up to where somebody knows a file: its epoch, and the last numbers of what was added and removed."""

    epoch: int = -1
    added: int = 0
    removed: int = 0


@dataclass(frozen=True, slots=True)
class News:
    """What has changed, up to ``known``; with ``anew`` all that there is."""

    known: Known
    anew: bool
    dimensions: int
    removed: list[str]
    added: list[tuple[str, array[float]]]


class VectorFile:
    """The file. Blocking, for one thread at a time; each write is one transaction, whole or not at all.

    Raises:
        StorageError: it cannot be opened, read or written; `StorageFullError`: there is no room;
            `StateCorruptError`: it is damaged, or no such file; `StateVersionError`: a newer one wrote it.
    """

    def __init__(self, path: Path | None) -> None:
        self._database = Database(path, "vectors", MARK, TABLES)
        self._connection = self._database.connection
        self.path, self.where = path, self._database.where

    def put(self, entries: Sequence[tuple[str, Sequence[float], str]]) -> None:
        """Write vectors with their names and data; one of the same name is replaced.

        Raises:
            UsageError: they have another number of dimensions than those that are there.
        """
        with self._database.writing():
            dimensions = self._about("dimensions")
            for name, vector, data in entries:
                dimensions = dimensions or len(vector)
                if len(vector) != dimensions:
                    raise UsageError(
                        f"the vectors in {self.where} have {dimensions} dimensions, and {name[:60]!r} has"
                        f" {len(vector)}: each file is for one embedding model"
                    )
                self._remove([name])
                self._connection.execute(
                    "INSERT INTO vectors (name, vector, data) VALUES (?, ?, ?)", (name, packed(vector), data)
                )
            self._connection.execute("UPDATE about SET value = ? WHERE name = 'dimensions'", (dimensions,))

    def remove(self, names: Iterable[str]) -> int:
        """Remove vectors by name; return how many there were."""
        with self._database.writing():
            return self._remove(names)

    def clear(self) -> None:
        """Remove all, and forget how many dimensions they had."""
        with self._database.writing():
            for table in ("vectors", "removed"):
                self._connection.execute(f"DELETE FROM {table}")  # noqa: S608  # one of these two
            self._connection.execute("UPDATE about SET value = value + 1 WHERE name = 'epoch'")
            self._connection.execute("UPDATE about SET value = 0 WHERE name = 'dimensions'")

    def news(self, known: Known) -> News:
        """Return what has been removed and then added since somebody knew the file up to there."""
        with self._database.told(), transaction(self._connection, "BEGIN"):
            epoch, dimensions = self._about("epoch"), self._about("dimensions")
            added, removed = (known.added, known.removed) if epoch == known.epoch else (0, 0)
            gone = self._connection.execute(
                "SELECT n, name FROM removed WHERE n > ? ORDER BY n", (removed,)
            ).fetchall()
            rows = self._connection.execute(
                "SELECT n, name, vector FROM vectors WHERE n > ? ORDER BY n", (added,)
            ).fetchall()
        upto = Known(epoch, rows[-1][0] if rows else added, gone[-1][0] if gone else removed)
        vectors = [(str(name), self._vector(blob, dimensions)) for _, name, blob in rows]
        return News(upto, epoch != known.epoch, dimensions, [str(name) for _, name in gone], vectors)

    def data(self, names: Sequence[str]) -> dict[str, str]:
        """Return the data of vectors by name."""
        marks = ",".join("?" * len(names))
        with self._database.told():
            found = self._connection.execute(
                f"SELECT name, data FROM vectors WHERE name IN ({marks})",  # noqa: S608  # question marks
                list(names),
            )
            return {str(name): str(data) for name, data in found}

    def close(self) -> None:
        """Close the file. Twice is fine."""
        self._database.close()

    def _about(self, name: str) -> int:
        found = self._connection.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
        if found is None or not isinstance(found[0], int):
            raise StateCorruptError(f"{self.where} is damaged: it does not say its {name}")
        return found[0]

    def _remove(self, names: Iterable[str]) -> int:
        execute, count = self._connection.execute, 0
        for name in names:
            if execute("DELETE FROM vectors WHERE name = ?", (name,)).rowcount:
                execute("INSERT INTO removed (name) VALUES (?)", (name,))
                count += 1
        (kept,) = execute("SELECT count(*) FROM removed").fetchone() if count else (0,)
        if kept > REMEMBERED:
            execute("DELETE FROM removed")
            execute("UPDATE about SET value = value + 1 WHERE name = 'epoch'")
        return count

    def _vector(self, blob: object, dimensions: int) -> array[float]:
        if not isinstance(blob, bytes) or len(blob) != 4 * dimensions:
            raise StateCorruptError(f"{self.where} is damaged: one of its vectors is no vector")
        return unpacked(blob)
