"""`AppThread`: where an app lives while it serves: one loop on one thread, for all its addresses."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._agent_app import AgentApp

__all__ = ["AppThread", "begin_on_thread"]

WAIT = 5.0
"""Seconds that an app which is ending may take, before nobody waits and it begins anew on another thread."""

_lock = threading.Lock()
Serve = Callable[["AppThread"], Coroutine[Any, Any, None]]
"""What serves at an address; it calls `AppThread.leave` at its end."""


class AppThread:
    """A thread with a loop that lasts as long as the app serves somewhere.

    An app that serves at two addresses has one start, one book of answers and one end: its sessions are the
    same at both, and what its functions keep on ``self`` is on one loop.
    """

    def __init__(self, app: AgentApp, name: str) -> None:
        self.app, self.loop = app, asyncio.new_event_loop()
        self.ended = threading.Event()
        self._lock = threading.Lock()
        self._guests = 0
        self._is_over = False
        self._nobody = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._main, name=name, daemon=True)

    def begin(self, serve: Serve) -> bool:
        """Have a coroutine run here; False if the app is ending, so that nothing begins here. Any thread."""
        with self._lock:
            if self._is_over:
                return False
            self._guests += 1
            if self._guests == 1:
                self._thread.start()
            self.loop.call_soon_threadsafe(self._keep, serve)
        return True

    async def leave(self) -> None:
        """Serve at one address less; after the last one the app itself ends, and this thread."""
        with self._lock:
            self._guests -= 1
            self._is_over = self._guests == 0
        if self._is_over:
            try:
                await self.app.stop()
            finally:
                self._nobody.set()

    def is_current(self) -> bool:
        """Is this called on it?"""
        return threading.current_thread() is self._thread

    def _keep(self, serve: Serve) -> None:
        task = self.loop.create_task(serve(self))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _main(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
                runner.run(self._live())
        finally:
            self.ended.set()

    async def _live(self) -> None:
        await self._nobody.wait()


def begin_on_thread(app: AgentApp, name: str, serve: Serve) -> AppThread:
    """Have a coroutine run where an app lives already, or on a new thread of that name; return which."""
    given_up: AppThread | None = None
    while True:
        with _lock:
            home = app.home
            if home is None or home.ended.is_set() or home is given_up:
                home = app.home = AppThread(app, name)
            if home.begin(serve):
                return home
        if not home.ended.wait(WAIT):
            given_up = home  # its @app.shutdown hangs
