"""Where running code stands: the line of the agent's own code, not of a library that it has called."""

from __future__ import annotations

import asyncio
import functools
import linecache
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from ..config import redact

__all__ = ["frames_of_task", "frames_of_thread", "line"]

_PACKAGE = str(Path(__file__).parents[1])
LONGEST = 120
"""Characters that are shown of a line."""


@functools.cache
def _libraries() -> tuple[str, ...]:
    import sysconfig  # takes long to load, and few lines are asked for

    names = "stdlib", "platstdlib", "purelib", "platlib"
    return (*{sysconfig.get_path(name) for name in names}, "<frozen")


def frames_of_thread(ident: int) -> Iterator[FrameType]:
    """Yield the frames of a thread that runs, the innermost first."""
    frame = sys._current_frames().get(ident)
    while frame is not None:
        yield frame
        frame = frame.f_back


def frames_of_task(task: asyncio.Task[Any]) -> list[FrameType]:
    """Return the frames in which a suspended task waits, the innermost first."""
    found: list[FrameType] = []
    waiting: Any = task.get_coro()
    while waiting is not None:
        frame = getattr(waiting, "cr_frame", None) or getattr(waiting, "gi_frame", None)
        if frame is not None:
            found.append(frame)
        waiting = getattr(waiting, "cr_await", None) or getattr(waiting, "gi_yieldfrom", None)
    return found[::-1]


def line(frames: Iterator[FrameType] | list[FrameType]) -> str:
    """Return file, number, function and text of the line where the agent's own code stands; "" if nowhere."""
    known = list(frames)
    outside = [frame for frame in known if not frame.f_code.co_filename.startswith(_PACKAGE)]
    own = [frame for frame in outside if not frame.f_code.co_filename.startswith(_libraries())]
    for frame in own or outside:
        code = frame.f_code
        text = linecache.getline(code.co_filename, frame.f_lineno, frame.f_globals).strip()
        shown = redact(text)[:LONGEST]
        place = f"{Path(code.co_filename).name}, line {frame.f_lineno}, in {code.co_name}"
        return f"{place}: {shown}" if shown else place
    return ""
