"""`Passages`: passages with their sources, their words and their vectors, in one SQLite file."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from ...exceptions import UsageError
from ...vectors import Database, Matrix, packed, unpacked
from ._passage import Passage
from ._words import asked, spaced, words_of

__all__ = ["Passages", "Source"]

MARK = 0x6E626B69
"""Marks the file as ours, in its header: "nbki"."""
HEADING = 2.0
"""How much more a word in a heading or a file's name counts."""
COMMON = 2000
"""A word in so many passages is left out of a question that has rarer ones."""
TABLES = """
CREATE TABLE about (name TEXT PRIMARY KEY, value NOT NULL);
CREATE TABLE sources (n INTEGER PRIMARY KEY AUTOINCREMENT, root TEXT NOT NULL, name TEXT NOT NULL,
    digest TEXT NOT NULL, size INTEGER NOT NULL, changed INTEGER NOT NULL, UNIQUE (root, name));
CREATE TABLE passages (n INTEGER PRIMARY KEY AUTOINCREMENT, source INTEGER NOT NULL, text TEXT NOT NULL,
    heading TEXT NOT NULL, page INTEGER, cell INTEGER, first INTEGER, last INTEGER);
CREATE INDEX passages_of ON passages (source);
CREATE VIRTUAL TABLE words USING fts5 (text, heading, content='',
    tokenize='porter unicode61 remove_diacritics 2');
CREATE TABLE vectors (n INTEGER PRIMARY KEY AUTOINCREMENT, passage INTEGER NOT NULL UNIQUE,
    vector BLOB NOT NULL);
INSERT INTO about VALUES ('removals', 0), ('dimensions', 0), ('model', '')
"""
# Numbers are never used twice, so that whoever knows the vectors up to some reads on from there.
_FOUND = "p.text, s.name, p.heading, p.page, p.cell, p.first, p.last"
_JOINED = "passages p JOIN sources s ON s.n = p.source"

P = ParamSpec("P")
R = TypeVar("R")
Source = tuple[str, str, str, int, int]
"""Root, name, digest, size and when it was changed."""


def _alone(method: Callable[Concatenate[Passages, P], R]) -> Callable[Concatenate[Passages, P], R]:
    """Let one thread at a time do this with the file."""

    @functools.wraps(method)
    def locked(self: Passages, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self.lock:
            return method(self, *args, **kwargs)

    return locked


class Passages:
    """The file, or memory. Blocking, safe from any thread; other processes may read and write it too.

    Raises:
        StorageError: as `Database` says; so do the methods.
    """

    def __init__(self, path: Path | None) -> None:
        self.path, self.lock = path, threading.RLock()
        self._database = Database(path, "passages", MARK, TABLES)
        self._connection = self._database.connection
        self._matrix, self._added, self._removals = Matrix(), 0, 0
        if path is not None:
            with self._database.told():  # so that others read while one writes
                self._connection.execute("PRAGMA journal_mode = WAL")

    @_alone
    def close(self) -> None:
        """Close the file. Twice is fine."""
        self._database.close()

    # ---- what is there

    @_alone
    def sources(self, root: str | None = None) -> dict[tuple[str, str], tuple[str, int, int]]:
        """Return digest, size and time of change of all sources, or of those of a root, by root and name."""
        rows = self._read(
            "SELECT root, name, digest, size, changed FROM sources WHERE root = ? OR ? IS NULL ORDER BY n",
            (root, root),
        )
        return {(row[0], row[1]): (row[2], row[3], row[4]) for row in rows}

    @_alone
    def count(self) -> int:
        """Return how many passages there are."""
        return int(self._read("SELECT count(*) FROM passages")[0][0])

    @_alone
    def about(self, name: str) -> str:
        """Return a fact about the file."""
        return str(self._read("SELECT value FROM about WHERE name = ?", (name,))[0][0])

    # ---- changing

    @_alone
    def put(self, entries: Iterable[tuple[Source, Iterable[Passage]]]) -> None:
        """Write the passages of sources, in place of those that they had: all of them or none."""
        with self._database.writing():
            for source, passages in entries:
                self._put(source, passages)

    def _put(self, source: Source, passages: Iterable[Passage]) -> None:
        execute = self._connection.execute
        root, name, *_ = source
        self._remove(root, name)
        number = execute(
            "INSERT INTO sources (root, name, digest, size, changed) VALUES (?, ?, ?, ?, ?)", source
        ).lastrowid
        for one in passages:
            row = execute(
                "INSERT INTO passages (source, text, heading, page, cell, first, last)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (number, one.text, one.heading, one.page, one.cell, one.first, one.last),
            ).lastrowid
            execute(
                "INSERT INTO words (rowid, text, heading) VALUES (?, ?, ?)",
                (row, *_words(one.text, one.heading, name)),
            )

    @_alone
    def touch(self, source: Source) -> None:
        """Note that a source has been looked at and says what it said."""
        root, name, digest, size, changed = source
        with self._database.writing():
            self._connection.execute(
                "UPDATE sources SET size = ?, changed = ? WHERE root = ? AND name = ? AND digest = ?",
                (size, changed, root, name, digest),
            )

    @_alone
    def remove(self, named: Iterable[tuple[str | None, str]]) -> int:
        """Remove sources by root (None: any) and name; return how many there were."""
        with self._database.writing():
            return sum(self._remove(root, name) for root, name in named)

    @_alone
    def clear(self) -> None:
        """Remove all."""
        with self._database.writing():
            for root, name in self._connection.execute("SELECT root, name FROM sources").fetchall():
                self._remove(root, name)
            self._forget_vectors("")

    def _remove(self, root: str | None, name: str) -> int:
        execute = self._connection.execute
        found = execute(
            "SELECT n, name FROM sources WHERE name = ? AND (root = ? OR ? IS NULL)", (name, root, root)
        ).fetchall()
        for number, known_as in found:
            rows = execute("SELECT n, text, heading FROM passages WHERE source = ?", (number,)).fetchall()
            for row, text, heading in rows:
                execute(
                    "INSERT INTO words (words, rowid, text, heading) VALUES ('delete', ?, ?, ?)",
                    (row, *_words(text, heading, known_as)),
                )
            execute(
                "DELETE FROM vectors WHERE passage IN (SELECT n FROM passages WHERE source = ?)", (number,)
            )
            execute("DELETE FROM passages WHERE source = ?", (number,))
            execute("DELETE FROM sources WHERE n = ?", (number,))
        if found:
            execute("UPDATE about SET value = value + 1 WHERE name = 'removals'")
        return len(found)

    # ---- vectors

    @_alone
    def use_model(self, label: str) -> None:
        """Say which model makes the vectors; those that another one has made are forgotten."""
        if self.about("model") != label:
            with self._database.writing():
                self._forget_vectors(label)

    def _forget_vectors(self, label: str) -> None:
        execute = self._connection.execute
        execute("DELETE FROM vectors")
        execute("UPDATE about SET value = value + 1 WHERE name = 'removals'")
        execute("UPDATE about SET value = 0 WHERE name = 'dimensions'")
        execute("UPDATE about SET value = ? WHERE name = 'model'", (label,))

    @_alone
    def without_vector(self) -> list[int]:
        """Return the numbers of passages that have no vector yet."""
        return [
            row[0]
            for row in self._read(
                "SELECT p.n FROM passages p LEFT JOIN vectors v ON v.passage = p.n"
                " WHERE v.n IS NULL ORDER BY p.n"
            )
        ]

    @_alone
    def texts(self, numbers: Sequence[int]) -> dict[int, str]:
        """Return what of these passages is embedded: heading and text."""
        marks = ",".join("?" * len(numbers))
        rows = self._read(
            f"SELECT p.n, s.name, p.heading, p.text FROM {_JOINED} WHERE p.n IN ({marks})",  # noqa: S608
            tuple(numbers),
        )
        return {n: f"{heading or name}\n{text}" for n, name, heading, text in rows}

    @_alone
    def put_vectors(self, vectors: Sequence[tuple[int, Sequence[float]]]) -> None:
        """Write the vectors of passages; those of passages that are gone are left out.

        Raises:
            UsageError: they have another number of dimensions than those that are there.
        """
        with self._database.writing():
            execute = self._connection.execute
            known = int(execute("SELECT value FROM about WHERE name = 'dimensions'").fetchone()[0])
            for number, vector in vectors:
                known = known or len(vector)
                if len(vector) != known:
                    raise UsageError(
                        f"the vectors in {self._database.where} have {known} dimensions, and the embedding"
                        f" model made one of {len(vector)}: it is another one; clear() forgets the old ones"
                    )
                execute(
                    "INSERT OR IGNORE INTO vectors (passage, vector) SELECT n, ? FROM passages WHERE n = ?",
                    (packed(vector), number),
                )
            execute("UPDATE about SET value = ? WHERE name = 'dimensions'", (known,))

    # ---- searching

    @_alone
    def by_words(self, query: str, count: int) -> list[int]:
        """Return the numbers of the passages that have a question's words, the best first."""
        words = words_of(query)
        if len(words) > 1 and self.count() > COMMON:
            words = [word for word in words if self._is_rare(word)] or words
        if not words:
            return []
        rows = self._read(
            "SELECT rowid FROM words WHERE words MATCH ? ORDER BY bm25(words, 1.0, ?) LIMIT ?",
            (asked(words), HEADING, count),
        )
        return [row[0] for row in rows]

    def _is_rare(self, word: str) -> bool:
        """Is a word in few enough passages to tell something, and to be cheap?"""
        rows = self._read(
            "SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT ?)", (asked([word]), COMMON)
        )
        return int(rows[0][0]) < COMMON

    @_alone
    def by_vector(self, vector: Sequence[float], count: int) -> list[tuple[int, float]]:
        """Return the numbers of the passages that are most like a vector, with the cosine, the best first.

        Raises:
            UsageError: it has another number of dimensions.
        """
        self._catch_up()
        dimensions = int(self.about("dimensions"))
        if len(self._matrix) and len(vector) != dimensions:
            raise UsageError(
                f"the embedding model made {len(vector)} dimensions, and the vectors in"
                f" {self._database.where} have {dimensions}: use the model that made them, or update()"
            )
        return [(int(name), score) for name, score in self._matrix.best(vector, count)]

    @_alone
    def passages(self, numbers: Sequence[int]) -> dict[int, Passage]:
        """Return passages by their numbers; those that are gone are left out."""
        marks = ",".join("?" * len(numbers))
        rows = self._read(
            f"SELECT p.n, {_FOUND} FROM {_JOINED} WHERE p.n IN ({marks})",  # noqa: S608  # question marks
            tuple(numbers),
        )
        return {row[0]: Passage(*row[1:]) for row in rows}

    def _catch_up(self) -> None:
        """Take in the vectors that have been written since, here or by another process."""
        removals = int(self.about("removals"))
        if removals != self._removals:
            there = {
                str(row[0]) for row in self._read("SELECT passage FROM vectors WHERE n <= ?", (self._added,))
            }
            if not there:  # perhaps another model's now, of another length
                self._matrix = Matrix()
            for name in self._matrix.names - there:
                self._matrix.drop(name)
            self._removals = removals
        rows = self._read("SELECT n, passage, vector FROM vectors WHERE n > ? ORDER BY n", (self._added,))
        for n, passage, blob in rows:
            self._matrix.put(str(passage), unpacked(blob))
            self._added = n

    def _read(self, statement: str, values: Sequence[object] = ()) -> list[tuple]:  # type: ignore[type-arg]
        with self._database.told():
            return self._connection.execute(statement, values).fetchall()


def _words(text: str, heading: str, name: str) -> tuple[str, str]:
    return spaced(text), spaced(f"{heading} {name}")
