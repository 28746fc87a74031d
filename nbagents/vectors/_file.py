"""`VectorFile`: vectors with their names and data in one SQLite file, which several processes may share."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..exceptions import StateCorruptError, StateVersionError, StorageError, StorageFullError, UsageError

__all__ = ["Known", "News", "VectorFile"]

VERSION = 1
APPLICATION = 0x6E627663
"""Marks the file as ours, in its header: "nbvc"."""
BUSY_SECONDS = 10.0
"""How long one process waits until another has written."""
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
_FULL, _CORRUPT, _NO_DATABASE, _BUSY = 13, 11, 26, 5


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
        self.path = path
        self.where = "memory" if path is None else str(path)
        with self._told():
            if path is not None:
                _claim(path)
            self._connection = sqlite3.connect(
                ":memory:" if path is None else path,
                timeout=BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
        try:
            with self._told():
                self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def put(self, entries: Sequence[tuple[str, Sequence[float], str]]) -> None:
        """Write vectors with their names and data; one of the same name is replaced.

        Raises:
            UsageError: they have another number of dimensions than those that are there.
        """
        with self._writing():
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
                    "INSERT INTO vectors (name, vector, data) VALUES (?, ?, ?)", (name, _blob(vector), data)
                )
            self._connection.execute("UPDATE about SET value = ? WHERE name = 'dimensions'", (dimensions,))

    def remove(self, names: Iterable[str]) -> int:
        """Remove vectors by name; return how many there were."""
        with self._writing():
            return self._remove(names)

    def clear(self) -> None:
        """Remove all, and forget how many dimensions they had."""
        with self._writing():
            for table in ("vectors", "removed"):
                self._connection.execute(f"DELETE FROM {table}")  # noqa: S608  # one of these two
            self._connection.execute("UPDATE about SET value = value + 1 WHERE name = 'epoch'")
            self._connection.execute("UPDATE about SET value = 0 WHERE name = 'dimensions'")

    def news(self, known: Known) -> News:
        """Return what has been removed and then added since somebody knew the file up to there."""
        with self._told():
            self._connection.execute("BEGIN")
            try:
                epoch, dimensions = self._about("epoch"), self._about("dimensions")
                added, removed = (known.added, known.removed) if epoch == known.epoch else (0, 0)
                gone = self._connection.execute(
                    "SELECT n, name FROM removed WHERE n > ? ORDER BY n", (removed,)
                ).fetchall()
                rows = self._connection.execute(
                    "SELECT n, name, vector FROM vectors WHERE n > ? ORDER BY n", (added,)
                ).fetchall()
            finally:
                self._connection.execute("COMMIT")
        upto = Known(epoch, rows[-1][0] if rows else added, gone[-1][0] if gone else removed)
        vectors = [(str(name), self._vector(blob, dimensions)) for _, name, blob in rows]
        return News(upto, epoch != known.epoch, dimensions, [str(name) for _, name in gone], vectors)

    def data(self, names: Sequence[str]) -> dict[str, str]:
        """Return the data of vectors by name."""
        marks = ",".join("?" * len(names))
        with self._told():
            found = self._connection.execute(
                f"SELECT name, data FROM vectors WHERE name IN ({marks})",  # noqa: S608  # question marks
                list(names),
            )
            return {str(name): str(data) for name, data in found}

    def close(self) -> None:
        """Close the file. Twice is fine."""
        self._connection.close()

    def _prepare(self) -> None:
        connection = self._connection
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("BEGIN IMMEDIATE")
        try:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if tables and application != APPLICATION:
                raise StateCorruptError(f"{self.where} is not a file of vectors")
            if version > VERSION:
                raise StateVersionError(
                    f"{self.where} has version {version}, and this nbagents knows {VERSION}: update it"
                )
            if not tables:
                for statement in TABLES.split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {APPLICATION}")
                connection.execute(f"PRAGMA user_version = {VERSION}")
        finally:
            connection.execute("COMMIT")

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
        numbers = array("f", blob)
        if sys.byteorder == "big":
            numbers.byteswap()
        return numbers

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        with self._told():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise _explained(error, self.where) from None


def _claim(path: Path) -> None:
    """Make the file, empty and for its user's eyes only, or see that nobody else can write it."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
    try:
        os.close(os.open(path, flags, 0o600))
    except FileExistsError:
        about = path.stat()
        mine = os.name != "posix" or (about.st_uid == os.getuid() and not stat.S_IMODE(about.st_mode) & 0o022)
        if not stat.S_ISREG(about.st_mode) or not mine:
            raise StorageError(f"{path} is not a file that only you can write; it is not used") from None


def _blob(vector: Sequence[float]) -> bytes:
    numbers = array("f", vector)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def _explained(error: Exception, where: str) -> StorageError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == _FULL or getattr(error, "errno", None) in (28, 122):
        return StorageFullError(f"storage full: {where}. Make room there")
    if code in (_CORRUPT, _NO_DATABASE):
        return StateCorruptError(f"the vectors in {where} are damaged ({error}): move the file away")
    if code == _BUSY:
        return StorageError(f"{where} was in use by another process for {BUSY_SECONDS:.0f} s; try again")
    return StorageError(f"the vectors in {where} cannot be read or written: {error}")
