"""What is being made: the names and programs that need it go from here when it is there."""

from __future__ import annotations

NAMES: frozenset[str] = frozenset()
PROGRAMS: dict[str, str] = {}
