"""`query_sqlite`, `query_postgresql`, `query_mysql`: one query each, as functions that a model may call."""

from __future__ import annotations

from typing import Any

from ...exceptions import UsageError
from .._effects import effects
from .._reserved import reserved
from .._service import ServiceExecStatus, ServiceResponse
from ._ask import ask
from ._place import place_of

__all__ = ["query_mysql", "query_postgresql", "query_sqlite"]


@effects("read")
@reserved("database", allow_change_data="write")
def query_sqlite(
    database: str,
    query: str,
    allow_change_data: bool = False,
    maxcount_results: int | None = None,
    parameters: dict[str, Any] | None = None,
) -> ServiceResponse:
    """Ask a SQLite database by one SQL statement.

    The content is a list of rows, each a dictionary; `note` says if some are left out. Without
    ``allow_change_data``, which a model cannot give, SQLite refuses whatever would change anything.

    Args:
        database: The path of the file, or its address, sqlite:///shop.db.
        query: One SQL statement.
        allow_change_data: May data be changed? Also makes the file if there is none.
        maxcount_results: How many rows at most; 1000 if not given. All of them take at most 50 kB.
        parameters: Values for the names in the query, such as :city.
    """
    return _asked("sqlite", database, query, allow_change_data, maxcount_results, parameters)


@effects("read", "network")
@reserved("database", "host", "user", "password", "port", allow_change_data="write")
def query_postgresql(
    database: str,
    query: str,
    host: str = "localhost",
    user: str | None = None,
    password: str | None = None,
    port: int = 5432,
    allow_change_data: bool = False,
    maxcount_results: int | None = None,
    parameters: dict[str, Any] | None = None,
) -> ServiceResponse:
    """Ask a PostgreSQL database by one SQL statement.

    The content is a list of rows, each a dictionary; `note` says if some are left out. Without
    ``allow_change_data``, which a model cannot give, the transaction is read-only. A superuser's role, or
    one that may read files of the server, is refused.

    Args:
        database: The name of the database, or an address, postgresql://user:password@host/name.
        query: One SQL statement.
        host: The machine of the server, or the folder of its socket.
        user: Who asks.
        password: The password.
        port: The port of the server.
        allow_change_data: May data be changed?
        maxcount_results: How many rows at most; 1000 if not given. All of them take at most 50 kB.
        parameters: Values for the names in the query, such as :city.
    """
    parts = {"host": host, "user": user, "password": password, "port": port}
    return _asked("postgresql", database, query, allow_change_data, maxcount_results, parameters, **parts)


@effects("read", "network")
@reserved("database", "host", "user", "password", "port", allow_change_data="write")
def query_mysql(
    database: str,
    query: str,
    host: str = "localhost",
    user: str | None = None,
    password: str | None = None,
    port: int = 3306,
    allow_change_data: bool = False,
    maxcount_results: int | None = None,
    parameters: dict[str, Any] | None = None,
) -> ServiceResponse:
    """Ask a MySQL or MariaDB database by one SQL statement.

    The content is a list of rows, each a dictionary; `note` says if some are left out. Without
    ``allow_change_data``, which a model cannot give, the session is read-only and takes queries alone. An
    account with rights over the server (FILE, SUPER and others) is refused.

    Args:
        database: The name of the database, or an address, mysql://user:password@host/name.
        query: One SQL statement.
        host: The machine of the server, or the path of its socket.
        user: Who asks.
        password: The password.
        port: The port of the server.
        allow_change_data: May data be changed?
        maxcount_results: How many rows at most; 1000 if not given. All of them take at most 50 kB.
        parameters: Values for the names in the query, such as :city.
    """
    parts = {"host": host, "user": user, "password": password, "port": port}
    return _asked("mysql", database, query, allow_change_data, maxcount_results, parameters, **parts)


def _asked(
    kind: str,
    database: str,
    query: str,
    changes: bool,
    most: int | None,
    parameters: dict[str, Any] | None,
    **parts: Any,
) -> ServiceResponse:
    try:
        place = place_of(database, kind, **parts)
    except UsageError as error:
        if error.hint and error.hint.startswith("pip "):
            raise
        return ServiceResponse(ServiceExecStatus.ERROR, str(error))
    return ask(place, query, parameters, changes=changes, most=most)
