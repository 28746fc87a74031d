"""Which workers of a notebook were left behind when the cell that made them was run again.

Only where code is typed in: a program that makes two workers means it. A cell may be edited meanwhile, but
not the line that makes the worker: another line means another worker.
"""

from __future__ import annotations

import gc
import linecache
import sys
from collections.abc import Iterator, Sequence
from types import CodeType, FrameType, ModuleType
from typing import Any

__all__ = ["Cell", "cell_here", "is_left_behind"]

Cell = tuple[CodeType, str] | None
"""The code of one run of a cell, other than that of its next run, and its line that runs; None outside of
cells."""


def cell_here() -> Cell:
    """Return the cell that runs here, on its own thread."""
    main = sys.modules.get("__main__")
    if main is None or hasattr(main, "__file__"):  # a program, not a notebook and not a prompt
        return None
    found: Cell = None
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_globals is vars(main):
            found = frame.f_code, linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
        frame = frame.f_back
    return found


def is_left_behind(made: Any, cell: Cell, now: Cell, own: tuple[Any, ...]) -> bool:
    """Was this made by the same line in another run of a cell than now, and does nobody have it any more?

    Whoever refers to it has it: a variable, an object, a task, a function that runs; but not ``own``, which
    are parts of it, nor what IPython keeps of what was shown. Takes as long as there are objects.
    """
    if cell is None or now is None or cell[0] is now[0] or not cell[1] or cell[1] != now[1]:
        return False
    variables = vars(sys.modules["__main__"])
    # A function of its own: here a closure over it would be somebody who has it.
    if _is_one_of(made, [value for name, value in [*variables.items()] if not name.startswith("_")]):
        return False
    gc.collect()  # what is had by garbage alone is had by nobody
    return not any(_is_somebody(one, own, variables) for one in _referring(made)) and not _runs_with(made)


def _referring(made: Any) -> Iterator[Any]:
    """Return what refers to it; of an object's dictionary, the object."""
    for one in gc.get_referrers(made):
        if type(one) is dict:
            owners = gc.get_referrers(one)
            yield next((each for each in owners if getattr(each, "__dict__", None) is one), one)
        else:
            yield one


def _is_somebody(one: Any, own: tuple[Any, ...], variables: dict[str, Any]) -> bool:
    if isinstance(one, FrameType) or one is variables or one is variables.get("Out"):
        return False  # what runs is looked at for itself
    if isinstance(one, ModuleType) and vars(one) is variables:
        return False
    if getattr(one, "gi_running", False) or getattr(one, "cr_running", False):
        return False
    if type(one) is dict and "_ih" in one:  # of IPython, as its history is
        return False
    return not _is_shown(type(one)) and not _is_one_of(one, own)


def _is_one_of(one: Any, all_: Sequence[Any]) -> bool:
    return any(one is each for each in all_)


def _is_shown(kind: type[Any]) -> bool:
    return kind.__module__.partition(".")[0] in ("IPython", "ipykernel")


def _locals(frame: FrameType) -> list[Any]:
    return [] if frame.f_locals is frame.f_globals else [*frame.f_locals.values()]


def _runs_with(made: Any) -> bool:
    """Has a function that runs, on whatever thread, got it? Not those of ours, which look for it."""
    for top in sys._current_frames().values():
        frame: FrameType | None = top
        while frame is not None:
            ours = frame.f_globals.get("__name__", "").startswith(f"{__package__}.")
            if not ours and _is_one_of(made, _locals(frame)):
                return True
            frame = frame.f_back
    return False
