"""`Place`: where a database is and who asks it, checked; and which of that must not be told."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...exceptions import UsageError

if TYPE_CHECKING:
    from sqlalchemy import URL

__all__ = ["Place", "place_of", "sqlalchemy"]

NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mysql": "MySQL"}
DRIVERS = {"postgresql": ("psycopg", "postgresql+psycopg"), "mysql": ("pymysql", "mysql+pymysql")}
OPTIONS = frozenset({"host", "unix_socket", "sslmode", "sslrootcert", "ssl_ca", "charset"})
"""What may stand after the ``?`` of an address; others could undo what keeps a query harmless."""
HINT = "pip install 'jupyter-nbagents[database]'"


@dataclass(frozen=True, slots=True)
class Place:
    """One database; ``kind`` is "sqlite", "postgresql" or "mysql"."""

    kind: str
    url: URL

    @property
    def name(self) -> str:
        """The product, as people call it."""
        return NAMES[self.kind]

    @property
    def hidden(self) -> list[str]:
        """What no answer may tell: password, machine, file; the longest first."""
        told = [self.url.password, self.url.host, *self.url.query.values()]
        told += [self.url.database] if self.kind == "sqlite" else []
        return sorted(
            (each for each in told if isinstance(each, str) and len(each) > 2), key=len, reverse=True
        )

    def settled(self) -> Place:
        """Return it with the whole path of a file, so that it means the same elsewhere."""
        if self.kind != "sqlite":
            return self
        return Place(self.kind, self.url.set(database=str(Path(str(self.url.database)).absolute())))

    def __repr__(self) -> str:
        return f"<{self.name} database>"


def sqlalchemy() -> Any:
    """Return the library, which is only loaded where a database is asked.

    Raises:
        UsageError: it is not installed.
    """
    try:
        import sqlalchemy
    except ImportError:
        raise UsageError("databases are asked by SQLAlchemy, which is not installed", hint=HINT) from None
    return sqlalchemy


def place_of(database: str, kind: str = "", **parts: Any) -> Place:
    """Return the place of a database: an address such as ``postgresql://user@host/name``, or name and parts.

    >>> place_of("sqlite:///shop.db").kind
    'sqlite'

    Raises:
        UsageError: it is no address, of a kind that is not known, or its driver is not installed.
    """
    sa = sqlalchemy()
    if "://" in database:
        try:
            url = sa.make_url(database)
        except (sa.exc.ArgumentError, ValueError):
            raise UsageError("that is no address of a database", hint="sqlite:///shop.db") from None
        found = url.get_backend_name().replace("mariadb", "mysql")
        if found not in NAMES or kind not in ("", found):
            wanted = NAMES.get(kind) or "SQLite, PostgreSQL or MySQL"
            raise UsageError(f"the address is of a database of {found[:40]!r}, not of {wanted}")
        kind = found
    elif kind == "":
        raise UsageError(
            "a database is named by its address",
            hint="Database('sqlite:///shop.db'), or 'postgresql://user:password@host/name'",
        )
    else:
        url = _url(sa, kind, database, **parts)
    odd = sorted(set(url.query) - OPTIONS)
    if odd:
        raise UsageError(f"an address of a database cannot have the option {odd[0][:40]!r}")
    if kind == "sqlite" and url.database in (None, "", ":memory:"):
        raise UsageError("a database in memory is empty whenever it is opened: name a file")
    if kind in DRIVERS:
        module, name = DRIVERS[kind]
        if find_spec(module) is None:
            raise UsageError(f"{NAMES[kind]} is asked by {module}, which is not installed", hint=HINT)
        url = url.set(drivername=name)
    return Place(kind, url)


def _url(
    sa: Any,
    kind: str,
    database: str,
    host: str = "",
    user: str | None = None,
    password: str | None = None,
    port: int | None = None,
) -> URL:
    query = {}
    if host.startswith("/"):  # the folder, or the file, of a socket
        query = {"host" if kind == "postgresql" else "unix_socket": host}
        host = ""
    url: URL = sa.URL.create(
        kind,
        username=user or None,
        password=password or None,
        host=host or None,
        port=port if host else None,
        database=database,
        query=query,
    )
    return url
