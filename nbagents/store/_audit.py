"""`AuditLog`: what tools were called for models, who allowed it, and what came of it. It only grows.

One SQLite file of the user, into which several processes write. Each row has the hash of the one before,
so a row that was changed, taken out or put in shows.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from ..exceptions import StorageError
from ._file import Kind, claim, opened, told, transaction
from ._schema import texts_of
from ._text import write_text

__all__ = ["AuditLog", "AuditRow", "audit_path"]

BUSY_SECONDS = 5.0
TABLES = """
CREATE TABLE calls (n INTEGER PRIMARY KEY AUTOINCREMENT, {columns}, hash TEXT NOT NULL);
CREATE TABLE pins (name TEXT PRIMARY KEY, pin TEXT NOT NULL);
CREATE TRIGGER calls_stay BEFORE UPDATE ON calls BEGIN SELECT RAISE(ABORT, 'it only grows'); END;
CREATE TRIGGER calls_are_kept BEFORE DELETE ON calls BEGIN SELECT RAISE(ABORT, 'it only grows'); END;
"""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One row. A call has one when it is decided, ``what`` "call", and one when it is over, "result".

    ``id`` is the call's own; ``arguments`` the hash of what it is called with, ``short`` a few words of
    that, keys masked; ``decision`` is "policy", "person", "edited", "run" (allowed for all of a run),
    "denied", "expired", "headless" or "refused"; ``state`` how it ended, and ``size`` how many characters it
    answered.
    """

    at: float = 0.0
    what: str = "call"
    id: str = ""
    run: str = ""
    agent: str = ""
    tool: str = ""
    arguments: str = ""
    short: str = ""
    effects: str = ""
    decision: str = ""
    state: str = ""
    size: int = 0


COLUMNS = tuple(each.name for each in fields(AuditRow))
TYPES = {"float": "REAL", "int": "INTEGER", "str": "TEXT"}
TYPED = ", ".join(f"{each.name} {TYPES[str(each.type)]} NOT NULL" for each in fields(AuditRow))
REFUSED = "{path} is not a file that only you can read, and is not taken for the audit of tools: move it away"
AUDIT = Kind(
    mark=0x6E626175,  # "nbau"
    tables=(TABLES.format(columns=TYPED),),
    alien="{path} is not an audit of tools: move it away",
    newer="the audit {path} has version {version}, and this nbagents knows {known}: move it away",
    **texts_of("the audit", "what tools do cannot be written down"),
    pragmas=("PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL"),
)


def audit_path() -> Path:
    """Return where this user's log lies, in the data folder of Jupyter; the folder is made if missing.

    Raises:
        StorageError: it cannot be made.
    """
    from jupyter_core.paths import jupyter_data_dir  # slow to import

    path = Path(jupyter_data_dir()) / "nbagents" / "audit.sqlite"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StorageError(f"{path.parent} cannot be made: {error.strerror or error}") from None
    return path


class AuditLog:
    """The file. Safe from any thread; blocking, for about a millisecond, or while others write.

    It is its user's alone (0600). Rows are numbered without gaps, and can neither be changed nor deleted
    by the file's own rules; whoever gets around these is found out by `verify`, unless he writes all of
    it anew.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._process = 0

    def append(self, row: AuditRow) -> None:
        """Write a row down; once this returns it is kept.

        Raises:
            StorageError: it cannot be written; `StorageFullError` where there is no room.
        """
        values = list(asdict(row).values())
        marks = ", ".join("?" * (len(COLUMNS) + 1))
        with self._transaction() as connection:
            last = connection.execute("SELECT hash FROM calls ORDER BY n DESC LIMIT 1").fetchone()
            values.append(_chained(last[0] if last else "", values))
            connection.execute(f"INSERT INTO calls ({', '.join(COLUMNS)}, hash) VALUES ({marks})", values)  # noqa: S608  # constants of ours

    def rows(self, most: int = 1000, run: str = "") -> list[AuditRow]:
        """Return the last rows, of one run or of all, the newest first.

        Raises:
            StorageError: it cannot be read.
        """
        if not self.path.exists():
            return []
        with self._told() as connection:
            query = f"SELECT {', '.join(COLUMNS)} FROM calls WHERE ? IN ('', run) ORDER BY n DESC LIMIT ?"  # noqa: S608
            return [AuditRow(*row) for row in connection.execute(query, (run, most))]

    def verify(self) -> str:
        """Return what is wrong with the chain, "" if nothing is. Raises `StorageError` as `rows` does."""
        if not self.path.exists():
            return ""
        before, number = "", 0
        # All of it as it is at one moment.
        with self._told() as connection, transaction(connection, "BEGIN"):
            query = f"SELECT n, {', '.join(COLUMNS)}, hash FROM calls ORDER BY n"  # noqa: S608
            for n, *values, kept in connection.execute(query):
                number += 1
                if n != number:
                    return f"row {number} is missing"
                if _chained(before, values) != kept:
                    return f"row {n} is not what was written, or the one before it is not"
                before = kept
            last = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'calls'").fetchone()
            if last and last[0] != number:
                return f"the last {last[0] - number} rows are missing"
        return ""

    # ---- tools whose descriptions somebody has seen

    def pin(self, name: str) -> str:
        """Return the hash of a tool's description as it was when it was allowed last; "" if never."""
        with self._told() as connection:
            found = connection.execute("SELECT pin FROM pins WHERE name = ?", (name,)).fetchone()
        return str(found[0]) if found else ""

    def set_pin(self, name: str, pin: str) -> None:
        """Keep the hash of a tool's description that was allowed. Raises as `append` does."""
        with self._transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO pins (name, pin) VALUES (?, ?)", (name, pin))

    # ---- the file

    def close(self) -> None:
        """Close the file. Twice is fine, and it opens again by itself."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._told() as connection, transaction(connection):
            yield connection

    @contextlib.contextmanager
    def _told(self) -> Iterator[sqlite3.Connection]:
        with self._lock, told(self.path, AUDIT):
            yield self._opened()

    def _opened(self) -> sqlite3.Connection:
        if self._connection is not None and self._process == os.getpid() and self.path.exists():
            return self._connection
        if self._connection is not None and self._process == os.getpid():
            self._connection.close()  # the file was taken away
        self._connection, self._process = None, os.getpid()
        claim(self.path, REFUSED.format(path=self.path))
        self._connection = opened(self.path, AUDIT, BUSY_SECONDS)
        return self._connection


def _chained(before: str, values: list[object]) -> str:
    return hashlib.sha256(f"{before}\n{write_text(values)}".encode()).hexdigest()
