"""The session of this process: opened by whoever knows its notebook, or at first use."""

from __future__ import annotations

import atexit
import os
import threading

from ..runs import tell
from ._session import Session

__all__ = ["close_session", "open_session", "session"]

_session: Session | None = None
_earlier: list[Session] = []
_opened_by = os.getpid()
_lock = threading.Lock()


def open_session(
    workspace: str, *, headless: bool = False, owner: str = "process", folder: str = ""
) -> Session:
    """Open this process's session. Agents of the one that was open before can still be called."""
    global _session
    with _lock:
        if _session is not None:
            _earlier.append(_session)
        return _opened(Session(workspace, headless=headless, owner=owner, folder=folder))


def session() -> Session:
    """Return this process's session; in a script, one for the working folder whose server ends with it."""
    global _session
    with _lock:
        if _session is None:
            return _opened(Session(os.getcwd(), owner="process"))
        return _session


def _opened(new: Session) -> Session:
    """Let a session be this process's, and hear of its runs."""
    global _session
    _session = new
    tell(new.teller)
    return new


def close_session() -> None:
    """Close this process's sessions, if any is open. In a fork of this process it does nothing."""
    global _session
    if os.getpid() != _opened_by:
        return
    with _lock:
        known, _session = [*_earlier, *([_session] if _session is not None else [])], None
        _earlier.clear()
        tell(None)
    for each in known:
        each.close()


atexit.register(close_session)
