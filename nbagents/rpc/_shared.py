"""The one server that a user's notebooks share: found if it runs, launched if it does not."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator

from ..exceptions import AgentServerError
from ._options import ServerOptions
from ._places import Connection, connection_folder, connections
from ._spawn import START_SECONDS, Spawned

__all__ = ["find_or_launch", "find_shared"]


def find_shared() -> Connection | None:
    """Return this user's shared server for this interpreter and version, if it runs."""
    return next((c for c in connections() if c.fits_here()), None)


def find_or_launch(options: ServerOptions) -> tuple[Connection, Spawned | None]:
    """Return a server of the owner ``options.owner``; the second value if this process has launched it.

    Of the owner ``user`` there is one for all notebooks: two that start at once agree on one. Any
    other owner gets a server of its own. Blocking, about half a second for a launch.

    Raises:
        AgentServerError: it cannot be launched.
    """
    if options.owner == "user":
        known = find_shared()
        if known is not None:
            return known, None
        with _lock():
            known = find_shared()
            if known is not None:
                return known, None
            return _launched(options)
    return _launched(options)


def _launched(options: ServerOptions) -> tuple[Connection, Spawned]:
    spawned = Spawned.start(options)
    return spawned.connection, spawned


@contextlib.contextmanager
def _lock() -> Iterator[None]:
    """Let one process of this user launch at a time."""
    path = connection_folder() / "launch.lock"
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _acquire(fd)
        yield
    finally:
        os.close(fd)  # which releases it too


def _acquire(fd: int) -> None:
    try:
        import fcntl
    except ImportError:  # Windows: two servers at worst, of which each notebook uses the first it finds
        return
    limit = time.monotonic() + START_SECONDS
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > limit:
                raise AgentServerError(
                    "another process has been launching the agent server for too long"
                ) from None
            time.sleep(0.05)
        else:
            return
