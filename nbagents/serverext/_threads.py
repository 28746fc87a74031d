"""Blocking work for handlers, each in a thread of its own.

Not in the loop's pool: its few threads are Jupyter's, and a server that is frozen would hold them; a stop
must never wait for them.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable
from typing import TypeVar

from ..exceptions import AgentServerError

__all__ = ["in_thread"]

T = TypeVar("T")
MOST = 100
"""Threads at a time."""
_open = threading.Semaphore(MOST)


async def in_thread(work: Callable[[], T], seconds: float | None = None) -> T:
    """Do work in a thread and return what comes of it.

    Raises:
        AgentServerError: too much is being done already.
        TimeoutError: ``seconds`` passed; the work goes on, and nobody hears of it.
    """
    if not _open.acquire(blocking=False):
        raise AgentServerError(f"{MOST} requests are waiting for agent servers already: try again soon")
    future: concurrent.futures.Future[T] = concurrent.futures.Future()
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001  # it is raised where it is waited for
            future.set_exception(error)
        finally:
            _open.release()

    threading.Thread(target=run, name="nbagents-request", daemon=True).start()
    return await asyncio.wait_for(asyncio.wrap_future(future), seconds)
