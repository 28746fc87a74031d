"""SQLite: a file opened to be read, in a process for each question, which is ended when its time is up."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._gate import Gate, Result
from ._place import Place, sqlalchemy
from ._sqlite_driver import SQLiteDriver

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

__all__ = ["SQLiteGate"]


class SQLiteGate(Gate):
    """A SQLite file. Needs no server, so that nothing but the file can be reached.

    What is asked, of its schema too, runs in a process of its own, which is ended when its time is up.
    """

    def __init__(self, place: Place, *, changes: bool, seconds: float, most: int) -> None:
        super().__init__(place, changes=changes, seconds=seconds, most=most)
        path = Path(str(place.url.database)).absolute()
        self._path, self._address = path, f"{path.as_uri()}?mode={'rwc' if changes else 'ro'}"

    def engine(self) -> Engine:
        """Return an engine for the file, which must exist unless data may be changed."""
        sa = sqlalchemy()

        def connect() -> SQLiteDriver:
            if self._path.exists() and not self._path.is_file():  # a pipe would be waited for without end
                raise sqlite3.OperationalError
            return SQLiteDriver(self._address, changes=self.changes, seconds=self.seconds)

        engine: Engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.pool.NullPool)
        return engine

    def guard(self, connection: Connection) -> Connection:
        """Return the connection: the process has set authorizer, limits and clock before it answered."""
        return connection

    def run(self, connection: Connection, sql: str, parameters: Mapping[str, Any] | None) -> Result:
        """Execute one statement."""
        head, rows = _driver(connection).ask(sql, parameters or {})
        return Result(head["columns"], rows) if "columns" in head else Result(changed=head["changed"])

    def stop(self, connection: Connection) -> None:
        """End what runs."""
        _driver(connection).interrupt()

    def said(self, error: BaseException) -> str:
        """Return SQLite's words, or clearer ones where it only says that something is not authorized."""
        if str(error) in ("not authorized", "authorization denied"):
            text = "this statement is not allowed here"
            return text if self.changes else f"{text}: the database can only be read"
        return str(error)

    def unreachable(self, error: BaseException) -> str:
        """Say that there is no such file."""
        return "there is no SQLite database at that place, or it cannot be read"


def _driver(connection: Connection) -> SQLiteDriver:
    driver: Any = connection.connection.driver_connection
    assert isinstance(driver, SQLiteDriver)
    return driver
