"""Sandboxes: run a program so that it reaches its folder and little else, within limits.

`Sandbox` runs one, at the best `Level` that the machine has; `_inside` is what runs in there.
"""

from ._level import Level, least_level
from ._limits import Limits
from ._probe import best_level, reasons
from ._running import Finished, Running
from ._sandbox import Sandbox
from ._scratch import make_scratch, remove_scratch

__all__ = [
    "Finished",
    "Level",
    "Limits",
    "Running",
    "Sandbox",
    "best_level",
    "least_level",
    "make_scratch",
    "reasons",
    "remove_scratch",
]
