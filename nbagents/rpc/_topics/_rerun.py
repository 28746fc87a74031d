"""Which workers of a notebook were left behind when the cell that made them was run again.

Only where code is typed in: a program that makes two workers means it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from types import CodeType, FrameType
from typing import Any

__all__ = ["Cell", "cell_here", "is_left_behind"]

Cell = CodeType | None
"""The code of one run of a cell, other than that of its next run; None where there are no cells."""


def cell_here() -> Cell:
    """Return the cell that runs here, on its own thread."""
    main = sys.modules.get("__main__")
    if main is None or hasattr(main, "__file__"):  # a program, not a notebook and not a prompt
        return None
    found: Cell = None
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_globals is vars(main):
            found = frame.f_code
        frame = frame.f_back
    return found


def is_left_behind(made: Any, cell: Cell, now: Cell) -> bool:
    """Was this object made by another run of a cell than now, and has no variable of the notebook got it?"""
    if cell is None or now is None or cell is now:
        return False
    variables = vars(sys.modules["__main__"])
    # IPython keeps what cells have shown under such names.
    had = [value for name, value in [*variables.items()] if not name.startswith("_") and name != "Out"]
    return not any(value is made or any(one is made for one in _within(value)) for value in had)


def _within(value: Any) -> Iterable[Any]:
    """Return what a plain container holds."""
    if type(value) is dict:
        return [*value.values()]
    return value if type(value) in (list, tuple) else ()
