"""`Taken`: as many rows of a result as a model is given, each value as JSON can hold it."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

__all__ = ["MOST_ROWS", "Taken", "plain"]

MOST_ROWS = 1000
"""Rows that are taken if nobody says how many."""
MOST_BYTES = 50_000
"""Bytes that the rows may take as JSON, however many are wanted."""
LONGEST = 2000
"""Characters of one text that are kept."""
BLOB = 16
"""Bytes of binary data that are shown."""
DEEPEST = 5


class Taken:
    r"""The rows so far, as dictionaries by the names of the columns.

    >>> taken = Taken(["n", "n"], most=2)
    >>> taken.take([(1, b"\x00"), (2, None), (3, None)])
    >>> taken.rows
    [{'n': 1, 'n_2': '1 byte: 00'}, {'n': 2, 'n_2': None}]
    >>> taken.note
    'only the first 2 rows are here; there are more: count, group or filter in the query'
    """

    def __init__(self, columns: Sequence[str], most: int | None = None) -> None:
        self.columns = _distinct(columns)
        self.most = MOST_ROWS if most is None else most
        self.rows: list[dict[str, Any]] = []
        self.cut = self.shortened = False
        self._size = 0

    def take(self, rows: Iterable[Sequence[Any]]) -> None:
        """Take rows until there is no more room."""
        for row in rows:
            if len(self.rows) >= self.most:
                self.cut = True
                return
            made = {name: self._plain(value) for name, value in zip(self.columns, row, strict=False)}
            self._size += len(json.dumps(made, ensure_ascii=False).encode("utf-8", "replace")) + 2
            if self._size > MOST_BYTES and self.rows:
                self.cut = True
                return
            self.rows.append(made)

    @property
    def note(self) -> str:
        """What is to be said of what is not here; nothing if all is."""
        parts = []
        if self.cut:
            count = len(self.rows)
            parts.append(
                f"only the first {count} row{'' if count == 1 else 's'} are here; there are more: "
                "count, group or filter in the query"
            )
        if self.shortened:
            parts.append("long values are shortened")
        return "; ".join(parts)

    def _plain(self, value: Any) -> Any:
        made = plain(value)
        if isinstance(made, str) and len(made) > LONGEST:
            self.shortened = True
            return f"{made[:LONGEST]}… ({len(made)} characters)"
        if isinstance(made, list | dict):
            text = json.dumps(made, ensure_ascii=False)
            if len(text) > LONGEST:
                self.shortened = True
                return f"{text[:LONGEST]}… ({len(text)} characters)"
        return made


def plain(value: Any, depth: int = 0) -> Any:
    """Return a value of a database as JSON can hold it.

    >>> plain(Decimal("1.50")), plain(Decimal("0.1000000000000000000001")), plain(float("nan"))
    (1.5, '0.1000000000000000000001', 'NaN')
    >>> plain(datetime.date(2026, 1, 2)), plain([b"abc"])
    ('2026-01-02', ['3 bytes: 616263'])
    """
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return (
                value if math.isfinite(value) else str(value).replace("nan", "NaN").replace("inf", "Infinity")
            )
        case Decimal():
            near = float(value)
            return near if value.is_finite() and Decimal(repr(near)) == value else str(value)
        case datetime.date() | datetime.time():
            return value.isoformat()
        case bytes() | bytearray() | memoryview():
            data = bytes(value)
            size = f"{len(data)} byte{'' if len(data) == 1 else 's'}"
            return f"{size}: {data[:BLOB].hex()}{'…' if len(data) > BLOB else ''}"
        case list() | tuple() | set() | frozenset() if depth < DEEPEST:
            return [plain(item, depth + 1) for item in value]
        case dict() if depth < DEEPEST:
            return {str(key): plain(item, depth + 1) for key, item in value.items()}
        case _:
            return str(value)


def _distinct(columns: Sequence[str]) -> list[str]:
    """Return the names, a second one of the same name with its number."""
    seen: dict[str, int] = {}
    found = []
    for name in columns:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return found
