"""`Passage`: a part of a text, with where it comes from."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Passage"]


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a file or text. ``first`` and ``last`` are lines, of the cell where there is one, from 1.

    ``score`` says how well it fits what was asked, from 0 to 1, and compares passages of one search only.

    >>> Passage("Drip.", "rain.md", "Rain › Night", first=3, last=9).where
    'rain.md, Rain › Night, lines 3–9'
    """

    text: str
    source: str = ""
    heading: str = ""
    page: int | None = None
    cell: int | None = None
    first: int | None = None
    last: int | None = None
    score: float = 0.0

    @property
    def where(self) -> str:
        """Where it comes from, for people and models."""
        parts = [self.source, self.heading]
        parts += [f"page {self.page}"] if self.page is not None else []
        parts += [f"cell {self.cell}"] if self.cell is not None else []
        if self.first is not None:
            one = self.last in (None, self.first)
            parts.append(f"line {self.first}" if one else f"lines {self.first}–{self.last}")
        return ", ".join(part for part in parts if part)

    def __str__(self) -> str:
        return f"{self.text}\n({self.where})"
