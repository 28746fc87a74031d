"""Let an interrupt break into code that blocks within an asynchronous cell.

A kernel turns an interrupt of such a cell into a callback on its loop, which a blocking wait or a
long computation keeps from running.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

__all__ = ["in_cell", "interrupted", "interruptible"]


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Let an interrupt break into the cell's own code, and wake the loop while that waits."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:  # an ordinary cell: an interrupt breaks into it anyway
        yield
        return

    def handle(number: int, frame: FrameType | None) -> Any:
        if in_cell(frame):
            raise interrupted()
        before(number, frame)
        loop.call_soon_threadsafe(_nothing)  # the kernel's own callback does not wake its loop

    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is handle:
            signal.signal(signal.SIGINT, before)


def in_cell(frame: FrameType | None = None) -> bool:
    """Is code of a cell on the stack, so that what is raised there ends in IPython's hands?"""
    frame = frame or sys._getframe()
    above: FrameType | None = frame
    while above is not None:
        if above.f_code.co_name == "run_code" and above.f_globals.get("__name__", "").startswith("IPython."):
            return True
        above = above.f_back
    return False


def interrupted(what: str = "stopped by you") -> KeyboardInterrupt:
    """Return the interrupt that ends a cell with one line, in place of a traceback of our own frames."""
    error: Any = KeyboardInterrupt(what)
    error._render_traceback_ = lambda: [f"KeyboardInterrupt: {what}"]
    return error  # type: ignore[no-any-return]


def _nothing() -> None:
    """Do nothing, but on the loop."""
