"""`CancellationToken`: the caller's hand on work that it has asked for."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import threading
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["CancellationToken"]

log = logging.getLogger(__name__)
F = TypeVar("F", bound="asyncio.Future[Any] | concurrent.futures.Future[Any]")


class CancellationToken:
    """Cancels what is linked to it. Safe from any thread; what is cancelled stays so.

    >>> token = CancellationToken()
    >>> forget = token.add_callback(lambda: print("cancelled"))
    >>> token.cancel()
    cancelled
    """

    __slots__ = ("__dict__", "__weakref__", "_callbacks", "_cancelled", "_count", "_lock")

    def __init__(self) -> None:
        self._cancelled = False
        self._lock = threading.Lock()
        self._callbacks: dict[int, Callable[[], object]] = {}
        self._count = 0

    def cancel(self) -> None:
        """Cancel all that is linked, now and later. Twice is fine. Returns before the work has ended."""
        with self._lock:
            callbacks, self._callbacks = self._callbacks, {}
            self._cancelled = True
        for callback in callbacks.values():
            _call(callback)

    def is_cancelled(self) -> bool:
        """Has somebody cancelled it?"""
        return self._cancelled

    def add_callback(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Call ``callback`` when it is cancelled, at once if it is; return the function that takes this back.

        It is called on the thread that cancels and must not wait. What it raises is logged.
        """
        with self._lock:
            cancelled = self._cancelled
            if not cancelled:
                self._count += 1
                number = self._count
                self._callbacks[number] = callback
        if cancelled:
            _call(callback)
            return lambda: None
        return lambda: self._forget(number)

    def link_future(self, future: F) -> F:
        """Cancel this future when the token is, on the future's own loop; return it."""
        forget = self.add_callback(lambda: _cancel(future))
        future.add_done_callback(lambda _: forget())
        return future

    def _forget(self, number: int) -> None:
        with self._lock:
            self._callbacks.pop(number, None)


def _cancel(future: asyncio.Future[Any] | concurrent.futures.Future[Any]) -> None:
    if isinstance(future, concurrent.futures.Future):
        future.cancel()
        return
    with contextlib.suppress(RuntimeError):  # its loop is closed: nobody waits there any more
        loop = future.get_loop()
        try:
            here = asyncio.get_running_loop() is loop
        except RuntimeError:
            here = False
        if here:
            future.cancel()
        else:
            loop.call_soon_threadsafe(future.cancel)


def _call(callback: Callable[[], object]) -> None:
    try:
        callback()
    except Exception:
        log.exception("a callback of a cancellation token failed")
