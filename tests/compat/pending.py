"""What is being made: the names and programs that need it go from here when it is there."""

from __future__ import annotations

_SERVICES = """
    bing_search execute_python_code execute_shell_command google_search
    query_mongodb query_mysql query_sqlite summarization
"""
NAMES = frozenset(_SERVICES.split())

PROGRAMS: dict[str, str] = {}
