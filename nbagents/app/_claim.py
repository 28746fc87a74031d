"""`claim`: one call at a time begins to serve at an address, or moves an app."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ..exceptions import UsageError

__all__ = ["claim"]

_claimed: set[tuple[str, int]] = set()
_lock = threading.Lock()


@contextmanager
def claim(host: str, port: int, app: object | None) -> Iterator[None]:
    """Hold a port, unless it is 0 for any, and an app that is to move, while something begins there.

    Two calls at once would else both end what was there before, and both tell that they serve.

    Raises:
        UsageError: another call of this process holds one of the two.
    """
    keys = {("port", port)} if port else set()
    keys |= {("app", id(app))} if app is not None else set()
    with _lock:
        if keys & _claimed:
            where = f"at the port {port} of {host}" if ("port", port) in _claimed else "this app"
            raise UsageError(
                f"another call begins to serve {where} at this moment",
                hint="wait until that one has returned; or give another port, or 0 for any",
            )
        _claimed.update(keys)
    try:
        yield
    finally:
        with _lock:
            _claimed.difference_update(keys)
