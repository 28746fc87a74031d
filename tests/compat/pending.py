"""What is being made: the names and programs that need it go from here when it is there."""

from __future__ import annotations

_SERVICES = """
    bing_search google_search summarization
"""
NAMES = frozenset(_SERVICES.split())

PROGRAMS: dict[str, str] = {}
