"""`SQLiteDriver`: a SQLite file that is open in a process of its own, as SQLAlchemy knows connections.

Nothing of SQLite is asked in this process: one call of a function of SQLite can take as long as it likes, and
cannot be interrupted, but a process can be ended.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import _sqlite_process
from ._gate import RefusedError

__all__ = ["SQLiteDriver"]


class SQLiteDriver:
    """One open file; a connection of the DB API, as far as reading a schema takes it.

    Raises:
        RefusedError: no process can be started.
        sqlite3.OperationalError: the file cannot be opened.
    """

    def __init__(self, address: str, *, changes: bool, seconds: float) -> None:
        self._lock, self._over = threading.Lock(), False
        command = [sys.executable, "-I", "-S", str(Path(_sqlite_process.__file__).resolve())]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                encoding="utf-8",
            )
        except OSError as error:
            raise RefusedError(f"no process can be started to ask the database: {error.strerror}") from None
        try:
            self._tell({"address": address, "changes": changes, "seconds": seconds})
            self._next()
        except BaseException:
            self.close()
            raise

    def ask(
        self, sql: str, parameters: Mapping[str, Any] | Sequence[Any]
    ) -> tuple[dict[str, Any], Iterator[Sequence[Any]]]:
        """Execute one statement; return what comes before its rows, and these, to be read to their end."""
        given: Any
        if isinstance(parameters, Mapping):
            given = {name: _given(name, value) for name, value in parameters.items()}
        else:
            given = [_given(str(place), value) for place, value in enumerate(parameters, 1)]
        self._tell({"sql": sql, "parameters": given})
        head = self._next()
        if "columns" not in head:
            self._next()
            return head, iter(())
        return head, self._rows()

    def _rows(self) -> Iterator[Sequence[Any]]:
        while isinstance(row := self._next(), list):
            yield [_sqlite_process.unpacked(value) for value in row]

    def _tell(self, asked: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
        except (OSError, ValueError):
            raise _ended() from None

    def _next(self) -> Any:
        """Return what the process says next."""
        assert self._process.stdout is not None
        try:
            line = self._process.stdout.readline()
        except ValueError:  # it is closed
            raise _ended() from None
        if not line.endswith("\n"):
            raise _ended()
        told = json.loads(line)
        if isinstance(told, dict) and "error" in told:
            error = sqlite3.OperationalError(told["error"])
            error.sqlite_errorname = told.get("name") or ""
            raise error
        return told

    # ---- as SQLAlchemy knows connections

    def interrupt(self) -> None:
        """End what runs. From any thread."""
        with self._lock:
            if not self._over:
                self._process.kill()

    def close(self) -> None:
        """End the process. Twice is fine."""
        with self._lock:
            if self._over:
                return
            self._over = True
            self._process.kill()
        with self._process:  # closes the pipes and waits
            pass

    def cursor(self) -> _Cursor:
        """Return a new cursor."""
        return _Cursor(self)

    def commit(self) -> None:
        """Do nothing: each statement is a transaction of its own."""

    rollback = commit

    def create_function(self, *_: Any, **__: Any) -> None:
        """Do nothing: functions of this process are not there."""


class _Cursor:
    """What SQLAlchemy reads rows by; they are all here once a statement was executed."""

    arraysize, rowcount, lastrowid = 1, -1, None

    def __init__(self, driver: SQLiteDriver) -> None:
        self._driver = driver
        self._left: list[tuple[Any, ...]] = []
        self.description: list[tuple[Any, ...]] | None = None

    def execute(self, sql: str, parameters: Any = ()) -> _Cursor:
        head, rows = self._driver.ask(sql, parameters)
        self._left = [tuple(row) for row in rows]
        columns = head.get("columns")
        self.description = None if columns is None else [(name, *[None] * 6) for name in columns]
        return self

    def fetchall(self) -> list[tuple[Any, ...]]:
        found, self._left = self._left, []
        return found

    def fetchmany(self, size: int = 1) -> list[tuple[Any, ...]]:
        found, self._left = self._left[:size], self._left[size:]
        return found

    def fetchone(self) -> tuple[Any, ...] | None:
        return self._left.pop(0) if self._left else None

    def close(self) -> None:
        self._left = []


def _given(name: str, value: Any) -> Any:
    if not isinstance(value, str | int | float | bytes | None):
        raise sqlite3.OperationalError(f"the value of {name}, {type(value).__name__}, is not supported")
    return _sqlite_process.packed(value)


def _ended() -> sqlite3.OperationalError:
    return sqlite3.OperationalError("the query was ended")
