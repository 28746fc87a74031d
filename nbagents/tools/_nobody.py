"""`nobody_there`: what a person is told, once, where a tool was refused because nobody could be asked."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterable

from ._effects import Effect
from ._policy import UNDECLARED

__all__ = ["nobody_there"]

log = logging.getLogger(__name__)
MOST = 200
"""Tools that are told of."""
_told: set[str] = set()
_lock = threading.Lock()


def nobody_there(tool: str, effects: Iterable[str], *, in_a_run: bool = True) -> str:
    """Return how such calls can be allowed beforehand; log it as a warning once in a process for each tool.

    ``in_a_run``: did a cell or a program begin it, which can say so for one run? Of an app nobody can.

    >>> print(nobody_there("run_it", ["execute"]).partition(". ")[2])
    To allow it beforehand: `Toolkit(approve={"execute": "auto"})`, or `--approve auto` for one run
    """
    kinds = sorted({str(effect) for effect in effects} - {Effect.READ}) or [UNDECLARED]
    said = json.dumps(dict.fromkeys(kinds, "auto"))
    text = (
        f"{tool} was not allowed, since nobody is there to be asked. To allow it beforehand: "
        f"`Toolkit(approve={said})`"
    ) + (", or `--approve auto` for one run" if in_a_run else "")
    with _lock:
        new = tool not in _told and len(_told) < MOST
        if new:
            _told.add(tool)
    if new:
        log.warning("%s", text)
    return text
