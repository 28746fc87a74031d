"""SQLite: a file opened to be read, an authorizer that says what a statement may do, and a clock."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._gate import Gate, Result
from ._place import sqlalchemy

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

__all__ = ["SQLiteGate"]

READS = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)
NEVER = frozenset(
    {sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_TRANSACTION, sqlite3.SQLITE_SAVEPOINT}
)
"""Not even where data may be changed: another file, or a transaction that outlives its statement."""
PRAGMAS = frozenset(
    {"foreign_key_list", "index_info", "index_list", "index_xinfo", "table_info", "table_list", "table_xinfo"}
)
FUNCTIONS = frozenset({"fts3_tokenizer", "load_extension", "regexp"})
"""Not to be used; `regexp` is SQLAlchemy's, by Python's `re`: a pattern could hold the process."""
LARGEST = 1_000_000
"""Bytes of one value, so that no function of SQLite, which cannot be interrupted, takes long."""
STEPS = 5000
"""Steps of SQLite's machine between two looks at the clock."""


class SQLiteGate(Gate):
    """A SQLite file. Needs no server, so that nothing but the file can be reached."""

    def engine(self) -> Engine:
        """Return an engine for the file, which must exist unless data may be changed."""
        sa = sqlalchemy()
        mode = "rwc" if self.changes else "ro"
        path = Path(str(self.place.url.database)).absolute()
        address = f"{path.as_uri()}?mode={mode}"

        def connect() -> sqlite3.Connection:
            if path.exists() and not path.is_file():  # a pipe would be waited for without end
                raise sqlite3.OperationalError
            return sqlite3.connect(
                address, uri=True, timeout=self.seconds, isolation_level=None, check_same_thread=False
            )

        engine: Engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.pool.NullPool)
        return engine

    def guard(self, connection: Connection) -> Connection:
        """Set the authorizer, the limits and the clock."""
        driver = _driver(connection)
        driver.text_factory = lambda data: data.decode("utf-8", "replace")
        driver.execute("PRAGMA trusted_schema = OFF")  # the file may be anybody's
        driver.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST)
        driver.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, 100_000)
        driver.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000)
        driver.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        driver.set_authorizer(self._allows)
        end = time.monotonic() + self.seconds
        driver.set_progress_handler(lambda: time.monotonic() > end, STEPS)
        return connection

    def _allows(self, action: int, first: str | None, second: str | None, *_: str | None) -> int:
        if action == sqlite3.SQLITE_PRAGMA:
            allowed = (first or "").lower() in PRAGMAS
        elif action == sqlite3.SQLITE_FUNCTION:
            allowed = (second or "").lower() not in FUNCTIONS
        else:
            allowed = action in READS or (self.changes and action not in NEVER)
        return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY

    def run(self, connection: Connection, sql: str, parameters: Mapping[str, Any] | None) -> Result:
        """Execute one statement."""
        cursor = _driver(connection).execute(sql, dict(parameters or {}))
        if cursor.description is None:
            return Result(changed=cursor.rowcount if cursor.rowcount >= 0 else None)
        return Result([column[0] for column in cursor.description], iter(cursor))

    def stop(self, connection: Connection) -> None:
        """Interrupt what runs."""
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


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver
