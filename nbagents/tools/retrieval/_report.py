"""`IndexReport`: what came of bringing an index up to date; and `Skipped`, what was left out, and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["IndexReport", "Progress", "Skipped"]

SHOWN = 5
"""Files that are named of those skipped for one reason."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or folder that was left out."""

    name: str
    why: str


@dataclass(slots=True)
class IndexReport:
    """What came of an update, or what has so far.

    ``masked`` are files in which something that looks like a key was masked. ``done`` of ``files`` have
    been looked at; ``embedded`` of ``to_embed`` passages have their embedding.
    """

    files: int = 0
    done: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    passages: int = 0
    to_embed: int = 0
    embedded: int = 0
    current: str = ""
    skipped: list[Skipped] = field(default_factory=list)
    masked: list[str] = field(default_factory=list)

    @property
    def reasons(self) -> list[str]:
        """What was left out, a line for each reason."""
        by_why: dict[str, list[str]] = {}
        for one in self.skipped:
            by_why.setdefault(one.why, []).append(one.name)
        lines = [f"skipped, {why}: {_listed(names)}" for why, names in sorted(by_why.items())]
        if self.masked:
            lines.append(f"keys were masked in: {_listed(self.masked)}")
        return lines

    def __str__(self) -> str:
        parts = [f"{self.passages:,} passage{'' if self.passages == 1 else 's'}"]
        for count, what in (
            (self.added, "new"),
            (self.changed, "changed"),
            (self.unchanged, "unchanged"),
            (self.removed, "removed"),
        ):
            parts += [f"{count:,} {what}"] if count else []
        return " · ".join(parts)


Progress = Callable[[IndexReport], object]
"""Is told of an update while it goes on."""


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
