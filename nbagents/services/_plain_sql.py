"""`Plain`: SQLAlchemy's statements, asked of SQLite's own driver.

What SQLAlchemy does around a statement takes longer than a statement that writes ahead. Each is compiled
once; the statements of services are constants, and hold texts and numbers only, which need no conversion.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Dialect

__all__ = ["Plain", "Rows"]


class Rows:
    """What a statement gave, read whole; with the names that SQLAlchemy has for that."""

    def __init__(self, rows: list[tuple[Any, ...]]) -> None:
        self._rows = rows

    def first(self) -> tuple[Any, ...] | None:
        """Return the first row, if there is one."""
        return self._rows[0] if self._rows else None

    def scalars(self) -> list[Any]:
        """Return the first column."""
        return [row[0] for row in self._rows]

    def scalar_one(self) -> Any:
        """Return the one value that there is."""
        ((value,),) = self._rows
        return value

    def scalar_one_or_none(self) -> Any:
        """Return the one value, None if there is none."""
        return self._rows[0][0] if self._rows else None


class Plain:
    """One connection to a file, on the one thread that asks it."""

    def __init__(self, driver: sqlite3.Connection, dialect: Dialect) -> None:
        self.dialect = dialect
        self._driver = driver
        self._known: dict[int, tuple[Any, str, list[str], dict[str, Any]]] = {}
        """By the statement's id: itself, as text, and the names and usual values of its parameters."""

    def execute(self, statement: Any, given: Mapping[str, Any] | Sequence[Mapping[str, Any]] = ()) -> Rows:
        """Execute one of the constants, once, or for each of several mappings."""
        several = not isinstance(given, Mapping)
        each: Any = given if several else [given]
        first: Mapping[str, Any] = each[0] if each else {}
        known = self._known.get(id(statement))
        if known is None:
            made = statement.compile(dialect=self.dialect, column_keys=list(first))
            known = statement, str(made), list(made.positiontup or ()), dict(made.params)
            self._known[id(statement)] = known
        _, text, names, usual = known
        values = [tuple([one.get(name, usual[name]) for name in names]) for one in each or [{}]]
        if len(values) == 1:
            return Rows(self._driver.execute(text, values[0]).fetchall())
        self._driver.executemany(text, values)
        return Rows([])

    @contextmanager
    def begin(self) -> Iterator[None]:
        """Do what is inside as one transaction; at once as a writer."""
        self._driver.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._driver.execute("COMMIT")
        except BaseException:
            if self._driver.in_transaction:
                self._driver.execute("ROLLBACK")
            raise
