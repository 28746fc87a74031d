"""PostgreSQL: a read-only transaction that has begun, one statement, no role that reaches the machine."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ._gate import CONNECT, Gate, RefusedError, Result, filled
from ._place import sqlalchemy

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

__all__ = ["PostgreSQLGate"]

POWERS = """
    SELECT rolname FROM pg_roles
    WHERE (rolsuper OR rolname IN
           ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program'))
      AND pg_has_role(session_user, oid, 'MEMBER')
    ORDER BY NOT rolsuper
"""
SETTINGS = """
    SELECT set_config('statement_timeout', %s, false), set_config('lock_timeout', %s, false),
           set_config('idle_in_transaction_session_timeout', %s, false),
           set_config('default_transaction_read_only', %s, false)
"""
REFUSED = (
    "the role {user} is not used, since it can read files and run programs on the machine of the database"
    " ({power}), and a query could take that back from any lesser role; make a role of its own for this:"
    " CREATE ROLE reader LOGIN PASSWORD '…'; GRANT pg_read_all_data TO reader"
)


class PostgreSQLGate(Gate):
    """A PostgreSQL database, asked by psycopg."""

    def engine(self) -> Engine:
        """Return an engine for the server."""
        sa = sqlalchemy()
        settings = {"connect_timeout": CONNECT, "application_name": "nbagents"}
        engine: Engine = sa.create_engine(self.place.url, connect_args=settings, poolclass=sa.pool.NullPool)
        return engine

    def guard(self, connection: Connection) -> Connection:
        """Begin a transaction that only reads. Its first query has been asked, so nothing can change that."""
        connection = connection.execution_options(postgresql_readonly=not self.changes)
        limit = str(max(int(self.seconds * 1000), 1))
        idle = str(int(self.seconds * 4000))
        only = "off" if self.changes else "on"
        connection.exec_driver_sql(SETTINGS, (limit, limit, idle, only))
        powers = connection.exec_driver_sql(POWERS).scalars().all()
        if powers:
            user = connection.exec_driver_sql("SELECT session_user").scalar()
            power = "a superuser" if user in powers else f"by {powers[0]}"
            raise RefusedError(REFUSED.format(user=user, power=power))
        return connection

    def run(self, connection: Connection, sql: str, parameters: Mapping[str, Any] | None) -> Result:
        """Execute one statement by the extended protocol, which takes no second one."""
        cursor = _driver(connection).cursor()
        query, values = filled(connection, sql, parameters) if parameters else (sql, None)
        if self.changes:  # all of a result is read at once, so that it is known how much was changed
            cursor.execute(query.encode(), values, prepare=True)
            if cursor.description is None:
                return Result(changed=cursor.rowcount if cursor.rowcount >= 0 else None)
            return Result([column.name for column in cursor.description], iter(cursor))
        self._rows = _Rows(cursor, query, values)
        return Result(self._rows.columns, self._rows)

    def leave(self, connection: Connection) -> None:
        """Have psycopg cancel the query, of which nobody reads more."""
        if not self.changes:
            self._rows.stream.close()

    def stop(self, connection: Connection) -> None:
        """Ask the server to cancel what runs."""
        with contextlib.suppress(Exception):
            _driver(connection).cancel_safe(timeout=CONNECT)

    def said(self, error: BaseException) -> str:
        """Return the server's words, with where in the query it is."""
        return str(error).strip()

    def unreachable(self, error: BaseException) -> str:
        """Say why there is no connection; the server's reason comes after its address."""
        text = str(error)
        _, refused, why = text.partition("FATAL:")
        return why.strip().partition("\n")[0] if refused else "it does not answer"


class _Rows:
    """The rows as they come, one at a time; the query is cancelled when nobody reads them any more."""

    def __init__(self, cursor: Any, query: str, values: Mapping[str, Any] | None) -> None:
        import psycopg

        self.stream: Any = cursor.stream(query.encode(), values)
        self._first: list[Sequence[Any]] = []
        try:
            self._first = [next(self.stream)]
        except StopIteration:
            pass
        except psycopg.ProgrammingError as error:
            if error.sqlstate is not None:  # else it is no error: the statement has no rows
                raise
        self.columns = [column.name for column in cursor.description or ()]

    def __iter__(self) -> Iterator[Sequence[Any]]:
        return self

    def __next__(self) -> Sequence[Any]:
        return self._first.pop() if self._first else next(self.stream)


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection
