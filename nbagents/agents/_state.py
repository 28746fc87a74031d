"""What an agent has become since it was made, as JSON: the state that travels, is kept and comes back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .._ports import find_agent, mark_agent
from ..message import Msg, PlaceholderMessage

__all__ = ["STEADY", "freeze", "frozen", "thaw"]

STEADY = frozenset({"name", "agent_id", "memory", "model"})
"""What is no state: it is given when an agent is made, or kept by other means."""
_HEAD = {"__module__": "nbagents.message", "__name__": "Msg"}
_AGENT = "__agent__"
_UNFIT = object()
MAX_DEPTH = 50


def frozen(own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the public attributes in an agent's ``__dict__`` that JSON can hold, messages included.

    An agent that lives in a server is held by its name there. What cannot be held (a connection, a lock,
    a class) was made by the constructor, and will be again.
    """
    state = {}
    for name, value in own.items():
        if name[0] != "_" and name not in STEADY:
            kept = freeze(value)
            if kept is not _UNFIT:
                state[name] = kept
    return state


def freeze(value: Any, depth: int = 0) -> Any:
    """Return a value as JSON holds it, or a mark that it cannot be held."""
    if value is None or type(value) in (str, int, bool):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else _UNFIT
    if depth > MAX_DEPTH:
        return _UNFIT
    if isinstance(value, Msg):
        if isinstance(value, PlaceholderMessage) and not value.done():
            return _UNFIT
        return _all(value.to_dict(), depth)
    if type(value) is dict:
        return _all(value, depth) if all(type(key) is str for key in value) else _UNFIT
    if type(value) is list:
        items = [freeze(item, depth + 1) for item in value]
        return _UNFIT if any(item is _UNFIT for item in items) else items
    if hasattr(type(value), "_observes_inline"):  # an agent; its class stands above this
        mark = mark_agent(value)
        return _UNFIT if mark is None else mark
    return _UNFIT


def thaw(value: Any) -> Any:
    """Return what `freeze` was given."""
    if isinstance(value, list):
        return [thaw(item) for item in value]
    if isinstance(value, dict):
        if value.keys() == {_AGENT}:
            return find_agent(value[_AGENT])
        found = {key: thaw(item) for key, item in value.items()}
        return Msg.from_dict(found) if _HEAD.items() <= found.items() else found
    return value


def _all(fields: Mapping[str, Any], depth: int) -> Any:
    kept = {key: freeze(item, depth + 1) for key, item in fields.items()}
    return _UNFIT if any(item is _UNFIT for item in kept.values()) else kept
