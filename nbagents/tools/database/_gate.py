"""`Gate`: how the databases of one kind are opened, kept from harm and asked. The base of the three."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ._place import Place

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

__all__ = ["CONNECT", "GRACE", "Gate", "RefusedError", "Result", "filled"]

CONNECT = 5
"""Seconds that connecting may take."""
GRACE = 1.0
"""Seconds that the database has beyond a query's own, to end it by itself."""


class RefusedError(Exception):
    """A query, or the role that asks, is refused; the text says why. Never leaves this package."""


@dataclass(slots=True)
class Result:
    """What came of a statement: rows, if ``columns`` has any; else how many were ``changed``, if known."""

    columns: Sequence[str] = ()
    rows: Iterator[Sequence[Any]] = field(default_factory=lambda: iter(()))
    changed: int | None = None


class Gate:
    """One database for one query.

    ``changes`` says whether that may change data; it may take ``seconds``, and ``most`` rows are read.
    """

    def __init__(self, place: Place, *, changes: bool, seconds: float, most: int) -> None:
        self.place, self.changes, self.seconds, self.most = place, changes, seconds, most

    def engine(self) -> Engine:
        """Return an engine that opens one connection and keeps none."""
        raise NotImplementedError

    def guard(self, connection: Connection) -> Connection:
        """Take from a connection what a query must not be able to do. Called before anything else.

        Raises:
            RefusedError: the role can do what cannot be taken from it.
        """
        raise NotImplementedError

    def run(self, connection: Connection, sql: str, parameters: Mapping[str, Any] | None) -> Result:
        """Execute one statement. What follows a semicolon is an error of the database."""
        raise NotImplementedError

    def leave(self, connection: Connection) -> None:
        """Let go of the rows that nobody will read."""

    def stop(self, connection: Connection) -> None:
        """End the query that runs; called on another thread."""

    def close(self) -> None:
        """Let go of all that is not the connection's. Called at the end, whatever has happened."""

    def said(self, error: BaseException) -> str:
        """Return the database's own words for an error."""
        return str(error)

    def unreachable(self, error: BaseException) -> str:
        """Say why no connection was made, without saying where to."""
        return str(error)


def filled(connection: Connection, sql: str, parameters: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return a statement with ``:name`` in it, and its values, as the driver takes them."""
    from sqlalchemy import bindparam, text
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.types import NullType

    # Without a type the database finds it out by itself, from where the value stands.
    named = [bindparam(name, value, type_=NullType()) for name, value in parameters.items()]
    try:
        made = text(sql).bindparams(*named).compile(dialect=connection.dialect)
        return str(made), dict(made.construct_params(_check=True))
    except SQLAlchemyError:
        known = ", ".join(f":{name}" for name in parameters)
        raise RefusedError(f"the values given, {known}, are not those that the query names") from None
