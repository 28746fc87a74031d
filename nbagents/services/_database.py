"""`Database`: one database over SQLAlchemy, asked on one thread. Knows no services."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError, SQLAlchemyError

from ..exceptions import ServiceNotStartedError, StateCorruptError, StorageError, StorageFullError, UsageError
from ..store import claim
from ._address import check_far
from ._plain_sql import Plain
from ._tables import migrate
from ._worker import Worker

__all__ = ["Database"]

P = ParamSpec("P")
T = TypeVar("T")
BUSY_SECONDS = 30
FULL, CORRUPT, NO_DATABASE, BUSY = 13, 11, 26, 5
PROVED = frozenset({"verify-ca", "verify-full"})
HINT = "add ?sslmode=verify-full to the address"


class Database:
    """A SQLite file or a PostgreSQL database. Each `run` is one transaction on its one thread.

    SQLite writes ahead: what a transaction has returned from survives the end of the process by any
    means, and the end of the machine but for its last moments. PostgreSQL forces each to its disk.

    Raises:
        UsageError: the address is none of these, or leads to another machine without TLS.
    """

    def __init__(self, url: str | Path, *, insecure: bool) -> None:
        self.url = _checked(url)
        if self.url.drivername == "postgresql+psycopg":
            hosts, mode = _postgresql(self.url)
            check_far(hosts, proved=mode in PROVED, insecure=insecure, hint=HINT)
        self.name = _name(self.url)
        self._worker = Worker(self.name)
        self._engine: Engine | None = None
        self._kept: Connection | None = None
        self._plain: Plain | None = None
        """The one connection to a file; those to a server are looked at before each use."""

    async def open(self) -> None:
        """Connect, and make the tables or bring them up to date. Twice is fine."""
        self._worker.open()
        try:
            await self._worker.do(self._open)
        except BaseException:
            self._worker.close()
            raise

    async def close(self) -> None:
        """Let go of the database, after what was asked before."""
        await self._worker.do(self._dispose)
        self._worker.close()

    async def run(self, work: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call ``work`` with a connection and the arguments, in one transaction: all of it, or nothing.

        Raises:
            StorageError: the database cannot be reached or written, or is damaged.
            ServiceNotStartedError: it is not open.
        """
        is_alone = getattr(work, "is_alone", False)

        def transaction() -> T:
            if self._engine is None:
                raise ServiceNotStartedError(f"Service not started: {self.name}")
            plain = self._plain
            if plain is not None:
                with self._told(), nullcontext() if is_alone else plain.begin():
                    return work(plain, *args, **kwargs)
            with self._told(), self._engine.begin() as connection:
                return work(connection, *args, **kwargs)

        return await self._worker.do(transaction)

    def _open(self) -> None:
        if self._engine is not None:
            return
        with self._told():
            engine = _engine(self.url)
        try:
            with self._told(), engine.begin() as connection:
                migrate(connection, self.name)
            if engine.dialect.name == "sqlite":
                self._kept = engine.connect()
                driver: Any = self._kept.connection.dbapi_connection
                self._plain = Plain(driver, engine.dialect)
        except BaseException:
            engine.dispose()
            raise
        self._engine = engine

    def _dispose(self) -> None:
        engine, self._engine = self._engine, None
        kept, self._kept, self._plain = self._kept, None, None
        if kept is not None:
            kept.close()
        if engine is not None:
            engine.dispose()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise _explained(error, self.name) from None
        except OSError as error:
            raise StorageError(f"{self.name} cannot be opened: {error.strerror}") from None


def _checked(url: str | Path) -> URL:
    if isinstance(url, Path) or "://" not in url:
        return URL.create("sqlite", database=os.fspath(url))
    try:
        found = make_url(url)
    except (ArgumentError, ValueError):
        raise UsageError(
            "the address of a database is none: it is not shown, since it may hold a password"
        ) from None
    kind = found.drivername.partition("+")[0]
    if kind == "sqlite":
        return found.set(drivername="sqlite")
    if kind in ("postgresql", "postgres"):
        return found.set(drivername="postgresql+psycopg")
    raise UsageError(
        f"services keep things in SQLite or PostgreSQL, not in {found.drivername[:40]!r}",
        hint="sqlite:///agents.db, or postgresql://user:password@host/database",
    )


def _postgresql(url: URL) -> tuple[list[str], str]:
    """Return the hosts that an address leads to, and how they are to be proved, as libpq will see it."""
    given = {key: value if isinstance(value, str) else ",".join(value) for key, value in url.query.items()}
    named = [url.host or "", given.get("host", ""), given.get("hostaddr", "")]
    hosts = [host for part in named for host in part.split(",") if host]
    hosts = hosts or [host for key in ("PGHOST", "PGHOSTADDR") for host in os.environ.get(key, "").split(",")]
    if "service" in given or os.environ.get("PGSERVICE"):
        hosts.append("a service of pg_service.conf")  # which may name any host
    return hosts, given.get("sslmode") or os.environ.get("PGSSLMODE", "")


def _name(url: URL) -> str:
    """Name a database for people: no user's password, nor anything else that an address may hold."""
    where = f"{url.host or ''}:{url.port}" if url.port else url.host or ""
    return f"{url.drivername.partition('+')[0]}://{where}/{url.database or ''}"


def _engine(url: URL) -> Engine:
    if url.drivername != "sqlite":
        options = f"-c statement_timeout={BUSY_SECONDS * 1000}"
        return create_engine(
            url,
            hide_parameters=True,
            pool_size=1,
            pool_pre_ping=True,
            connect_args={"connect_timeout": 10, "options": options},
        )
    if url.database and url.database != ":memory:":
        refused = f"{url.database} is not a file that only you can write; it is not used"
        claim(Path(url.database), refused, others_read=True)
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None  # a transaction begins where we say
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA wal_autocheckpoint = 4000")  # pages; each time the disk is waited for

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # At once as a writer: whoever has read first may not become one later.
        connection.connection.dbapi_connection.execute("BEGIN IMMEDIATE")  # type: ignore[union-attr]

    return engine


def _explained(error: SQLAlchemyError | sqlite3.Error, name: str) -> StorageError:
    """Say in our own words what went wrong: theirs may hold what was to be kept."""
    cause = error if isinstance(error, sqlite3.Error) else getattr(error, "orig", None)
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    state = getattr(cause, "sqlstate", None) or ""
    if code == FULL or state.startswith("53"):
        return StorageFullError(f"storage full: {name}. Make room there")
    if code in (CORRUPT, NO_DATABASE) or "UTF-8" in str(cause):
        return StateCorruptError(f"{name} is damaged, or no database")
    if code == BUSY or state in ("57014", "55P03"):
        return StorageError(f"{name} was busy for more than {BUSY_SECONDS} seconds")
    failed = (OperationalError, InterfaceError, sqlite3.OperationalError, sqlite3.InterfaceError)
    if isinstance(error, failed) and not code and not state:
        return StorageError(f"{name} cannot be reached: {_first_line(cause)}")
    if isinstance(error, DBAPIError | sqlite3.Error):
        return StorageError(f"{name} cannot be read or written: {_first_line(cause)}")
    return StorageError(f"{name} cannot be read or written: {type(error).__name__}")


def _first_line(cause: BaseException | None) -> str:
    return str(cause).strip().partition("\n")[0][:200]
