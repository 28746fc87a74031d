"""The tables of services in a database, and how a newer version of nbagents changes older ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Double,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    inspect,
    select,
    text,
)

from ..exceptions import StateCorruptError, StateVersionError

__all__ = ["VERSION", "locks", "messages", "migrate", "sessions", "states"]

VERSION = 1
NEEDS = "0.1"
"""The oldest version of nbagents that knows these tables."""
OURS = 0x6E627376
"""The lock that PostgreSQL knows us by while tables are made: "nbsv"."""

_all = MetaData()
_long = BigInteger().with_variant(Integer, "sqlite")


def _owner() -> list[Column[str]]:
    return [
        Column("user_id", String(128), primary_key=True),
        Column("session_id", String(128), primary_key=True),
    ]


states = Table(
    "nbagents_states",
    _all,
    *_owner(),
    Column("round_id", _long, primary_key=True),
    Column("state", Text, nullable=False),
    sqlite_with_rowid=False,
)
sessions = Table(
    "nbagents_sessions",
    _all,
    Column("n", _long, primary_key=True),
    Column("user_id", String(128), nullable=False),
    Column("session_id", String(128), nullable=False),
    Column("latest", _long, nullable=False),
    UniqueConstraint("user_id", "session_id"),
)
messages = Table(
    "nbagents_messages",
    _all,
    *_owner(),
    Column("n", _long, primary_key=True),
    Column("body", Text, nullable=False),
    sqlite_with_rowid=False,
)
locks = Table(
    "nbagents_locks",
    _all,
    *_owner(),
    Column("holder", String(32), nullable=False),
    Column("until", Double, nullable=False),
)
_schema = Table(
    "nbagents_schema",
    _all,
    Column("part", String(32), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("needs", String(32), nullable=False),
)

Step = Callable[[Connection], object]
STEPS: dict[int, Step] = {}
"""What makes tables of the next version out of those of a version, in the transaction that opens them."""


def migrate(connection: Connection, where: str) -> None:
    """Make the tables where there are none, and new ones of old ones. One process at a time.

    Raises:
        StateVersionError: a newer version of nbagents wrote them.
        StateCorruptError: what they say of themselves cannot be.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": OURS})
    if not inspect(connection).has_table(_schema.name):
        _all.create_all(connection)
        connection.execute(_schema.insert().values(part="services", version=VERSION, needs=NEEDS))
        return
    row = connection.execute(select(_schema.c.version, _schema.c.needs)).one_or_none()
    version: Any = row.version if row is not None else None
    if not isinstance(version, int) or version < 1:
        raise StateCorruptError(f"{where} is damaged: nbagents_schema does not tell a version")
    if row is not None and version > VERSION:
        needs = str(row.needs)[:32]
        raise StateVersionError(
            f"{where} has version {version} of the tables of services, and this nbagents knows {VERSION}:"
            f" it needs nbagents >= {needs}",
            hint=f"pip install 'jupyter-nbagents>={needs}'",
        )
    while version < VERSION:
        STEPS[version](connection)
        version += 1
        connection.execute(_schema.update().values(version=version, needs=NEEDS))
