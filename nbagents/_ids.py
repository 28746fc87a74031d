"""Names for things: short, unguessable where that matters, and safe to print and to compare."""

from __future__ import annotations

import itertools
import os
import re

from .exceptions import UsageError

__all__ = ["PROCESS", "check_id", "new_id", "next_call_id"]

PROCESS = os.urandom(6).hex()
"""Names this process to the others."""

_prefix = PROCESS
_calls = itertools.count(1)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")


def new_id() -> str:
    """Return 32 random hexadecimal digits."""
    return os.urandom(16).hex()


def next_call_id() -> str:
    """Return an id that no other call of any process has. Cheap: a counter behind a random name."""
    return f"{_prefix}-{next(_calls):x}"


def check_id(text: str, what: str) -> str:
    """Return ``text`` if it is a well-formed id, else raise `UsageError` naming ``what``.

    An id starts with a letter or digit, goes on with those and ``. _ -``, and has at most 128.
    """
    if not isinstance(text, str) or not _ID.match(text):
        shown = repr(text)[:60]
        raise UsageError(f"{what} {shown} is not a valid id: letters, digits and . _ - only, at most 128")
    return text


def _rename_after_fork() -> None:
    # The child goes on counting where its parent does.
    global _prefix
    _prefix = os.urandom(6).hex()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_rename_after_fork)
