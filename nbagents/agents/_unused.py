"""Keywords of a constructor that are for nothing here: whoever gives them is told, and gets the agent."""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["warn_unused"]

INSTEAD = {
    "memory_config": "set agent.memory = TemporaryMemory(embedding_model=...), or to a memory of your own",
}


def warn_unused(agent_class: type, name: Any, unused: Mapping[str, Any]) -> None:
    """Warn of keywords that mean nothing to a class, saying which may have been meant."""
    for key, value in unused.items():
        if value is None or (key in INSTEAD and not value):
            continue
        known = {key for cls in agent_class.__mro__ for key in _parameters(cls)}
        import difflib

        close = difflib.get_close_matches(key, known, 1)
        guess = INSTEAD.get(key) or (f"did you mean {close[0]}=?" if close else "")
        text = f"{name}: {key}= does nothing for a {agent_class.__name__}"
        warnings.warn(text + (f"; {guess}" if guess else ""), UserWarning, stacklevel=_outside())


def _parameters(cls: type) -> Iterable[str]:
    init = cls.__dict__.get("__init__")
    return inspect.signature(init).parameters if init is not None and cls is not object else ()


def _outside() -> int:
    """Return how far up the first line is that is not ours, counted from whoever asks."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).startswith("nbagents."):
        frame, level = frame.f_back, level + 1
    return level
