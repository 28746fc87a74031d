"""SQLite: a file opened to be read, and a process for each query, which is ended when its time is up."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import _sqlite_process
from ._gate import Gate, RefusedError, Result
from ._place import Place, sqlalchemy

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

__all__ = ["SQLiteGate"]


class SQLiteGate(Gate):
    """A SQLite file. Needs no server, so that nothing but the file can be reached.

    What is asked runs in a process of its own, which is ended when its time is up: one call of a function of
    SQLite can take as long as it likes, and cannot be interrupted.
    """

    def __init__(self, place: Place, *, changes: bool, seconds: float, most: int) -> None:
        super().__init__(place, changes=changes, seconds=seconds, most=most)
        path = Path(str(place.url.database)).absolute()
        self._path, self._address = path, f"{path.as_uri()}?mode={'rwc' if changes else 'ro'}"
        self._process: subprocess.Popen[str] | None = None
        self._lock, self._over = threading.Lock(), False

    def engine(self) -> Engine:
        """Return an engine for the file, which must exist unless data may be changed."""
        sa = sqlalchemy()

        def connect() -> sqlite3.Connection:
            if self._path.exists() and not self._path.is_file():  # a pipe would be waited for without end
                raise sqlite3.OperationalError
            return _sqlite_process.opened(self._address, self.seconds)

        engine: Engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.pool.NullPool)
        return engine

    def guard(self, connection: Connection) -> Connection:
        """Set the authorizer, the limits and the clock, for what is asked here: the schema."""
        _sqlite_process.guarded(_driver(connection), changes=self.changes, seconds=self.seconds)
        return connection

    def run(self, connection: Connection, sql: str, parameters: Mapping[str, Any] | None) -> Result:
        """Execute one statement, in a process of its own."""
        asked = {
            "address": self._address,
            "sql": sql,
            "parameters": {name: _given(name, value) for name, value in (parameters or {}).items()},
            "changes": self.changes,
            "seconds": self.seconds,
        }
        process = self._started()
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(asked) + "\n")
            process.stdin.flush()
        except OSError:
            raise _ended() from None
        head = self._next(process)
        if "columns" in head:
            return Result(head["columns"], self._rows(process))
        self._next(process)
        return Result(changed=head["changed"])

    def _started(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-I", "-S", str(Path(_sqlite_process.__file__).resolve())]
        with self._lock:
            if self._over:
                raise _ended()
            try:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    encoding="utf-8",
                )
            except OSError as error:
                raise RefusedError(
                    f"no process can be started to ask the database: {error.strerror}"
                ) from None
            return self._process

    def _rows(self, process: subprocess.Popen[str]) -> Iterator[Sequence[Any]]:
        while isinstance(row := self._next(process), list):
            yield [_sqlite_process.unpacked(value) for value in row]

    def _next(self, process: subprocess.Popen[str]) -> Any:
        """Return what the process says next."""
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.endswith("\n"):
            raise _ended()
        told = json.loads(line)
        if isinstance(told, dict) and "error" in told:
            error = sqlite3.OperationalError(told["error"])
            error.sqlite_errorname = told.get("name") or ""
            raise error
        return told

    def stop(self, connection: Connection) -> None:
        """End what runs."""
        with self._lock:
            self._over = True
            if self._process is not None:
                self._process.kill()
        _driver(connection).interrupt()

    def close(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            self._process.kill()
            with self._process:  # closes the pipes and waits
                pass

    def said(self, error: BaseException) -> str:
        """Return SQLite's words, or clearer ones where it only says that something is not authorized."""
        if str(error) in ("not authorized", "authorization denied"):
            text = "this statement is not allowed here"
            return text if self.changes else f"{text}: the database can only be read"
        return str(error)

    def unreachable(self, error: BaseException) -> str:
        """Say that there is no such file."""
        return "there is no SQLite database at that place, or it cannot be read"


def _given(name: str, value: Any) -> Any:
    if not isinstance(value, str | int | float | bytes | None):
        raise sqlite3.OperationalError(f"the value of {name}, {type(value).__name__}, is not supported")
    return _sqlite_process.packed(value)


def _ended() -> sqlite3.OperationalError:
    return sqlite3.OperationalError("the query was ended")


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver
