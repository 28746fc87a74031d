"""What is in a database, as a text for a model: tables, columns, types, keys, how many rows."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .._service import ServiceExecStatus, ServiceResponse
from ._ask import SECONDS, opened
from ._gate import Gate
from ._place import Place, sqlalchemy

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["schema_of"]

LONGEST = 12_000
"""Characters of the text."""
COUNTED = 100_000
"""Rows that are counted of a table, at most."""
MOST_COUNTED = 40
"""Tables whose rows are counted."""


def schema_of(place: Place, table: str = "", *, seconds: float = SECONDS) -> ServiceResponse:
    """Describe a database, or one of its tables (``name``, or ``schema.name``)."""

    def look(gate: Gate, connection: Connection) -> ServiceResponse:
        inspector = sqlalchemy().inspect(connection)
        schema, _, name = table.rpartition(".")
        tables = inspector.get_table_names(schema=schema or None)
        views = inspector.get_view_names(schema=schema or None)
        if name and name not in (*tables, *views):
            known = ", ".join([*tables, *views][:50]) or "none"
            return ServiceResponse(
                ServiceExecStatus.ERROR, f"there is no table {name[:80]!r}; there are: {known}"
            )
        lines = [] if name else [_head(place, tables, views), *_others(place, inspector)]
        counts = _Counts(connection, schema, seconds)
        size = sum(map(len, lines))
        for number, each in enumerate(shown := [name] if name else [*tables, *views]):
            part = list(_table(inspector, schema, each, counts, is_view=each in views))
            size += sum(len(line) + 1 for line in part)
            if size > LONGEST and number:
                lines.append(f"… and {', '.join(shown[number:][:100])}: ask for one of them by its name")
                break
            lines += part
        return ServiceResponse(ServiceExecStatus.SUCCESS, "\n".join(lines)[: 2 * LONGEST])

    return opened(place, look, seconds=seconds)


def _head(place: Place, tables: list[str], views: list[str]) -> str:
    said = [
        f"{len(names)} {what}{'' if len(names) == 1 else 's'}"
        for names, what in ((tables, "table"), (views, "view"))
        if names
    ]
    return f"{place.name}: {', '.join(said) or 'no tables'}"


def _others(place: Place, inspector: Any) -> list[str]:
    """Name the schemas besides the usual one, where there are any."""
    if place.kind != "postgresql":
        return []
    usual = inspector.default_schema_name
    names = [name for name in inspector.get_schema_names() if name not in (usual, "information_schema")]
    names = [name for name in names if not name.startswith("pg_")]
    return [f"other schemas: {', '.join(names[:20])}"] if names else []


def _table(inspector: Any, schema: str, name: str, counts: _Counts, *, is_view: bool) -> Iterator[str]:
    where = {"schema": schema or None}
    yield f"{name} ({counts.of(name)})" if not is_view else f"{name} (a view)"
    keys = [] if is_view else inspector.get_pk_constraint(name, **where).get("constrained_columns") or []
    refers = {
        tuple(key["constrained_columns"]): (key["referred_table"], key["referred_columns"])
        for key in ([] if is_view else inspector.get_foreign_keys(name, **where))
    }
    for column in inspector.get_columns(name, **where)[:200]:
        parts = [f"  {column['name']} {_type(column)}"]
        if column["name"] in keys:
            parts.append("primary key" if len(keys) == 1 else "part of the primary key")
        elif not column.get("nullable", True):
            parts.append("not null")
        if (column["name"],) in refers:
            other, names = refers[column["name"],]
            parts.append(f"-> {other}{f'.{names[0]}' if names else ''}")
        yield ", ".join(parts)
    for columns, (other, names) in refers.items():
        if len(columns) > 1:
            yield f"  ({', '.join(columns)}) -> {other}({', '.join(names)})"


def _type(column: Any) -> str:
    try:
        return str(column["type"])
    except Exception:  # noqa: BLE001  # a type that the library does not know has no text
        return "of another type"


class _Counts:
    """Counts rows, as long as that is quick."""

    def __init__(self, connection: Connection, schema: str, seconds: float) -> None:
        self._connection, self._schema = connection, schema
        self._end, self._left = time.monotonic() + seconds / 3, MOST_COUNTED

    def of(self, name: str) -> str:
        """Say how many rows a table has."""
        if self._left <= 0 or time.monotonic() > self._end:
            return "rows not counted"
        sa = sqlalchemy()
        self._left -= 1
        some = (
            sa.select(sa.literal(1))
            .select_from(sa.table(name, schema=self._schema or None))
            .limit(COUNTED + 1)
        )
        query = sa.select(sa.func.count()).select_from(some.subquery())
        try:
            # In PostgreSQL a failure would end the transaction; SQLite's is never begun.
            nested = self._connection.dialect.name == "postgresql"
            with self._connection.begin_nested() if nested else contextlib.nullcontext():
                count = int(self._connection.execute(query).scalar() or 0)
        except sa.exc.SQLAlchemyError:
            return "rows not readable"
        return f"{count} row{'' if count == 1 else 's'}" if count <= COUNTED else f"more than {COUNTED} rows"
