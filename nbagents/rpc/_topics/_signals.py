"""Waits for the signals that end a program, on whichever loop and system."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Sequence

from ...exceptions import UsageError

__all__ = ["ENDING", "signalled"]

ENDING = (signal.SIGTERM, signal.SIGINT)


async def signalled(signals: Sequence[signal.Signals] = ENDING) -> None:
    """Wait for one of these signals. What they did before is theirs again afterwards.

    Raises:
        UsageError: off the main thread, where Python lets nobody hear signals.
    """
    if threading.current_thread() is not threading.main_thread():
        raise UsageError(
            "signals can only be waited for on the main thread",
            hint="await stop_when_signal() in the main thread's loop, or call stop()",
        )
    loop, came = asyncio.get_running_loop(), asyncio.Event()
    # Not the loop's own handlers: not every system and loop has them, and those of before would be lost.
    before = {name: signal.signal(name, lambda *_: loop.call_soon_threadsafe(came.set)) for name in signals}
    try:
        while not came.is_set():  # a loop that sleeps hears of no signal on some systems
            try:
                await asyncio.wait_for(came.wait(), 0.2)
            except TimeoutError:
                continue
    finally:
        for name, handler in before.items():
            signal.signal(name, handler if handler is not None else signal.SIG_DFL)
