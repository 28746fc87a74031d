"""`run_until_told`: an app is all that this process is for, until a signal ends it in order."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from ._agent_app import AgentApp
from ._deployment import Deployment
from ._serving import END, SHUTDOWN_TIMEOUT, STARTUP_TIMEOUT, serve

__all__ = ["run_until_told", "see_to_the_end"]

log = logging.getLogger(__name__)
TICK = 0.1
LOOK_SECONDS = 3.0
MOST_LOG = 10 * 2**20
"""Bytes of a log; the part before is kept once more beside it."""


def run_until_told(
    app: AgentApp,
    *,
    host: str,
    port: int,
    mode: str,
    source: str,
    ready: Callable[[Deployment], None],
    deploy_id: str = "",
    shutdown_timeout: float = SHUTDOWN_TIMEOUT,
    startup_timeout: float = STARTUP_TIMEOUT,
    **options: Any,
) -> int:
    """Serve an app until SIGTERM, SIGINT or its own end, on the main thread; return 1 if that failed, else 0.

    ``ready`` is called once it answers, when every process of the user can see it; if that raises OSError,
    whoever wanted to know is gone, and it ends. New requests are refused at the end, and those under way
    get ``shutdown_timeout`` seconds; a second signal takes these away.

    Raises:
        UsageError: it cannot be served like that.
        Exception: what the app's own functions raised at the start.
    """
    with _signals() as told:
        try:
            serving = serve(
                app,
                host,
                port,
                mode=mode,
                deploy_id=deploy_id,
                source=source,
                shutdown_timeout=shutdown_timeout,
                startup_timeout=startup_timeout,
                **options,
            )
            told.starting = False
        except KeyboardInterrupt:
            return 0
        deployment = serving.deployment
        assert deployment is not None  # or `serve` had failed
        try:
            try:
                ready(deployment)
            except OSError:
                return 1
            looked = time.monotonic()
            while not told and not serving.ended(TICK):
                if time.monotonic() - looked > LOOK_SECONDS:
                    looked = time.monotonic()
                    _turn_over(deployment.log)
        finally:
            ending = threading.Thread(target=serving.stop, name="nbagents-app-end", daemon=True)
            ending.start()
            while ending.is_alive() and len(told) < 2:
                ending.join(TICK)
            failed = serving.failure is not None
            if failed:
                log.error("the app failed at its end", exc_info=serving.failure)
            # The log of one that ended by itself tells why.
            if failed and not told and deployment.log.exists():
                deployment.header.unlink(missing_ok=True)
            else:
                deployment.remove()
    return 1 if failed else 0


def see_to_the_end(status: int) -> None:
    """Have this process end soon, with that status, though a thread of the app's should never end."""
    timer = threading.Timer(END, os._exit, (status,))
    timer.daemon = True
    timer.start()


def _turn_over(path: Path) -> None:
    """Begin a log anew that has become too long. It is written at its end, wherever that is."""
    with contextlib.suppress(OSError):
        if path.stat().st_size > MOST_LOG:
            shutil.copyfile(path, path.with_name(f"{path.name}.1"))
            os.truncate(path, 0)


class _Told(list[int]):
    """The signals that came. During the start one ends the wait for it, which nothing else looks after."""

    starting = True


@contextmanager
def _signals() -> Iterator[_Told]:
    """Have the signals that ask for an end fill a list instead."""
    told = _Told()

    def tell(number: int, frame: FrameType | None) -> None:
        told.append(number)
        if told.starting:
            raise KeyboardInterrupt

    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, tell) for number in numbers}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
