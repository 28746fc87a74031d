"""How a run is made to fit: texts shortened step by step, then rows of the middle left out.

Knows sizes and counts, not what the rows say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ._pictures import size_without_pictures
from ._views import RowView, SectionView

__all__ = ["CAP", "Fit", "Share", "fit", "share"]

CAP = 30_000
"""Bytes that a run may take in a notebook, as HTML and again as text; its pictures have room of their own."""

_LIMITS = (None, 8000, 3000, 1200, 500, 240, 120)
_MOST = (120, 80, 60, 40, 30, 20, 13, 6, 2)
_MANY = 30
_FIRST, _LAST = 3, 10
_ROW_BYTES = 40

Row = RowView | SectionView


@dataclass(frozen=True, slots=True)
class Fit:
    """At most ``limit`` characters of each text, and at most ``most`` rows; None is as many as there are."""

    limit: int | None = None
    most: int | None = None

    def of(self, usual: int) -> int:
        """Return the limit of a text that usually has another one."""
        return usual if self.limit is None else min(self.limit, usual)


@dataclass(frozen=True, slots=True)
class Share:
    """Which rows are shown: numbers of the first, of those that fold, of the last; how many are left out."""

    first: range
    folded: range
    last: range
    missing: int


def fit(rows: Sequence[Row], make: Callable[[Fit], str]) -> str:
    """Make something of rows, with less and less in it, until it is small enough."""
    text = ""
    for limit in _LIMITS:
        if _least(rows, limit) > CAP:
            continue
        text = make(Fit(limit))
        if size_without_pictures(text) <= CAP:
            return text
    for most in _MOST:
        text = make(Fit(_LIMITS[-1], most))
        if size_without_pictures(text) <= CAP:
            break
    return text


def share(count: int, most: int | None) -> Share:
    """Cut more than thirty rows into the first three, the last ten and those between."""
    kept = count if most is None else min(most, count)
    if kept == count and count <= _MANY:
        return Share(range(count), range(0), range(0), 0)
    first = min(_FIRST, (kept + 1) // 2)
    last = min(_LAST, kept - first)
    return Share(range(first), range(first, kept - last), range(count - last, count), count - kept)


def _least(rows: Sequence[Row], limit: int | None) -> int:
    """Say how many bytes the rows take at the very least, so that nothing is made in vain."""
    total = 0
    for row in rows:
        if isinstance(row, RowView) and not row.live:
            said = len(row.text.strip())
            total += said if limit is None else min(said, limit)
        total += _ROW_BYTES
    return total
