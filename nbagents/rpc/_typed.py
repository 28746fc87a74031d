"""`typed_token`: asks whoever sits at this process for a token, and shows nothing of it."""

from __future__ import annotations

import contextlib
import getpass
import sys
import threading
from types import MethodType

__all__ = ["typed_token"]


def typed_token(address: str) -> str | None:
    """Return the token for an address as a person has typed it; None where nobody can. Blocking.

    Asks in a terminal, and in a notebook's cell, whose kernel asks the front end; never in a program without
    either, and never off the main thread. Nothing of it is kept but by whoever asked.
    """
    if threading.current_thread() is not threading.main_thread() or not _somebody_is_there():
        return None
    with contextlib.suppress(NotImplementedError, EOFError):  # a front end that takes no input says so
        return getpass.getpass(f"Token of the agent server at {address} (it is not shown): ").strip() or None
    return None


def _somebody_is_there() -> bool:
    # A kernel puts its own in the place of this function while a cell runs.
    if isinstance(getpass.getpass, MethodType):
        return True
    with contextlib.suppress(AttributeError, ValueError):  # none, or a closed one
        return sys.stdin.isatty() and sys.stderr.isatty()
    return False
