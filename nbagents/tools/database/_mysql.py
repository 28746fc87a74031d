"""MySQL and MariaDB: a read-only session, statements that can be explained, no account with more powers."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ._gate import CONNECT, GRACE, Gate, RefusedError, Result, filled
from ._place import sqlalchemy

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

__all__ = ["MySQLGate"]

_RIGHTS = """
    ALTER, ALTER ROUTINE, BINLOG MONITOR, CREATE, CREATE ROUTINE, CREATE TEMPORARY TABLES, CREATE VIEW,
    DELETE, DELETE HISTORY, DROP, EVENT, EXECUTE, INDEX, INSERT, LOCK TABLES, PROCESS, REFERENCES,
    REPLICATION CLIENT, SELECT, SHOW CREATE ROUTINE, SHOW DATABASES, SHOW VIEW, SLAVE MONITOR, TRIGGER,
    UPDATE, USAGE
"""
HARMLESS = frozenset(right.strip() for right in _RIGHTS.split(","))
"""Rights over all databases that reach neither the machine (FILE) nor the server itself (SUPER …)."""
_GLOBAL = re.compile(r"GRANT (.+?) ON \*\.\* TO .*", re.DOTALL)
REFUSED = (
    "the account {user} is not used, since it has the right {right} over the whole server; make one of its"
    " own for this: CREATE USER reader IDENTIFIED BY '…'; GRANT SELECT, SHOW VIEW ON shop.* TO reader"
)
SYNTAX = 1064
UNREACHABLE = {
    1044: "it refuses the login",
    1045: "it refuses the login",
    1049: "it has no database of that name",
}


class MySQLGate(Gate):
    """A MySQL or MariaDB database, asked by PyMySQL, which lets no second statement through."""

    def engine(self) -> Engine:
        """Return an engine for the server."""
        sa = sqlalchemy()
        engine: Engine = sa.create_engine(
            self.place.url, connect_args=self._settings, poolclass=sa.pool.NullPool
        )
        return engine

    @property
    def _settings(self) -> dict[str, Any]:
        wait = self.seconds + 2 * GRACE
        return {
            "connect_timeout": CONNECT,
            "read_timeout": wait,
            "write_timeout": wait,
            "local_infile": False,
        }

    def guard(self, connection: Connection) -> Connection:
        """Make the whole session read-only: a transaction alone would end with the first DROP TABLE."""
        driver = _driver(connection)
        with driver.cursor() as cursor:
            if not self.changes:
                cursor.execute("SET SESSION TRANSACTION READ ONLY")
                cursor.execute("START TRANSACTION READ ONLY")
                cursor.execute("SET SESSION sql_select_limit = %s", (self.most + 1,))
            if getattr(connection.dialect, "is_mariadb", False):
                cursor.execute("SET SESSION max_statement_time = %s", (self.seconds,))
            else:
                cursor.execute("SET SESSION max_execution_time = %s", (max(int(self.seconds * 1000), 1),))
            for right in _rights(cursor):
                if right not in HARMLESS:
                    raise RefusedError(REFUSED.format(user=self.place.url.username or "", right=right))
        return connection

    def run(self, connection: Connection, sql: str, parameters: Mapping[str, Any] | None) -> Result:
        """Execute one statement; without the right to change data, one that the server can explain."""
        from pymysql.cursors import SSCursor

        driver = _driver(connection)
        with driver.cursor() as cursor:
            if parameters:
                sql = cursor.mogrify(*filled(connection, sql, parameters))
            if not self.changes:
                self._explain(cursor, sql)
        cursor = SSCursor(driver)
        cursor.execute(sql)
        self._cursor = cursor
        if cursor.description is None:
            return Result(changed=cursor.rowcount if cursor.rowcount >= 0 else None)
        return Result([column[0] for column in cursor.description], iter(cursor.fetchone, None))

    def _explain(self, cursor: Any, sql: str) -> None:
        """Have the server take it for a query: commands cannot be explained, and some end a transaction."""
        import pymysql

        try:
            cursor.execute(f"EXPLAIN FORMAT=JSON {sql}")
        except pymysql.err.ProgrammingError as error:
            if error.args[0] == SYNTAX:
                raise RefusedError(f"{self.said(error)} (only queries are taken here, no commands)") from None
            raise

    def leave(self, connection: Connection) -> None:
        """End the query before its cursor is closed, which would read all that is left of it."""
        import pymysql

        self.stop(connection)
        with contextlib.suppress(pymysql.Error):
            self._cursor.close()

    def stop(self, connection: Connection) -> None:
        """Kill what runs, over another connection."""
        number = _driver(connection).thread_id()
        dialect = connection.dialect
        args, more = dialect.create_connect_args(self.place.url)
        with contextlib.suppress(Exception):
            other: Any = dialect.connect(*args, **{**more, **self._settings})
            with contextlib.closing(other), other.cursor() as cursor:
                cursor.execute("KILL QUERY %s", (number,))

    def said(self, error: BaseException) -> str:
        """Return the server's words, without their number."""
        return str(error.args[1] if len(error.args) > 1 else error)

    def unreachable(self, error: BaseException) -> str:
        """Say why there is no connection."""
        return UNREACHABLE.get(error.args[0] if error.args else 0, "it does not answer")


def _rights(cursor: Any) -> set[str]:
    """Return what the account may do on the whole server, by itself or by any role that it can take."""
    import pymysql

    grants = _shown(cursor, "SHOW GRANTS")
    try:
        roles = _shown(cursor, "SELECT DISTINCT role_name FROM information_schema.applicable_roles")
    except pymysql.Error:  # a server without roles
        roles = []
    if roles:
        (own,) = _shown(cursor, "SELECT CURRENT_ROLE()")
        for role in roles:
            cursor.execute("SET ROLE %s", (role,))
            grants += _shown(cursor, "SHOW GRANTS")
        if own and "`" in own:  # MySQL, whose accounts may have several at a time
            cursor.execute("SET ROLE DEFAULT")
        elif own and own != "NONE":
            cursor.execute("SET ROLE %s", (own,))
        else:
            cursor.execute("SET ROLE NONE")
    found = [match[1] for grant in grants if (match := _GLOBAL.match(grant))]
    return {right.strip() for rights in found for right in rights.split(",")}


def _shown(cursor: Any, query: str) -> list[Any]:
    cursor.execute(query)
    return [row[0] for row in cursor.fetchall()]


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection
