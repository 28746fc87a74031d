"""What an agent has become since it was made, as JSON: the state that travels, is kept and comes back."""

from __future__ import annotations

import base64
import logging
import math
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from typing import Any

from .._ports import find_agent, mark_agent
from ..message import Msg, PlaceholderMessage

__all__ = ["APART", "STEADY", "UNFIT", "apart", "freeze", "frozen", "remembered", "thaw"]

log = logging.getLogger(__name__)

STEADY = frozenset({"name", "agent_id", "memory", "model"})
"""What is no state: it is given when an agent is made, or kept by other means."""
_AGENT = "__agent__"
UNFIT: Any = object()
"""What `freeze` returns for a value that cannot be held."""
_MARKS = frozenset({_AGENT, "__bytes__", "__dict__", "__module__", "__tuple__"})
MAX_DEPTH = 50


APART: list[Any] = []
"""Stands for the memory where that is kept by other means; an override may pass it on."""
apart: ContextVar[bool] = ContextVar("apart", default=False)
"""Should ``state_dict`` leave the memory to those who keep it by other means?"""


def frozen(own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the public attributes in an agent's ``__dict__`` that JSON can hold, messages included.

    An agent that lives in a server is held by its name there. What cannot be held (a connection, a lock,
    a class) was made by the constructor, and will be again.
    """
    state = {}
    for name, value in list(own.items()):  # a thread of the agent may set another one
        if name[0] != "_" and name not in STEADY:
            kept = freeze(value)
            if kept is not UNFIT:
                state[name] = kept
    return state


def freeze(value: Any, depth: int = 0) -> Any:
    """Return a value as JSON holds it, or a mark that it cannot be held."""
    if value is None or type(value) in (str, int, bool):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else UNFIT
    if depth > MAX_DEPTH:
        return UNFIT
    if isinstance(value, Msg):
        if isinstance(value, PlaceholderMessage) and not value.done():
            return UNFIT
        return _all({key: _listed(part) for key, part in value.to_dict().items()}, depth)
    if type(value) is dict:
        if not all(type(key) is str for key in value):
            return UNFIT
        if _MARKS & value.keys():  # it would be taken for what it only looks like
            pairs = freeze([[key, item] for key, item in value.items()], depth + 1)
            return UNFIT if pairs is UNFIT else {"__dict__": pairs}
        return _all(value, depth)
    if type(value) is list or type(value) is tuple:
        items = [freeze(item, depth + 1) for item in value]
        if any(item is UNFIT for item in items):
            return UNFIT
        return items if type(value) is list else {"__tuple__": items}
    if type(value) is bytes:
        return {"__bytes__": base64.b64encode(value).decode()}
    if hasattr(type(value), "_observes_inline"):  # an agent; its class stands above this
        mark = mark_agent(value)
        return UNFIT if mark is None else mark
    return UNFIT


def remembered(messages: Iterable[Msg], whose: str) -> list[Any]:
    """Return messages as JSON holds them; what cannot be held is left out, and that is logged."""
    found = []
    for message in messages:
        kept = freeze(message)
        if kept is UNFIT:
            log.warning("a message that %s remembers holds what JSON cannot, and is not kept", whose)
        else:
            found.append(kept)
    return found


def thaw(value: Any) -> Any:
    """Return what `freeze` was given.

    Raises:
        ValueError, TypeError: it is nothing that `freeze` returns.
    """
    if isinstance(value, list):
        return [thaw(item) for item in value]
    if isinstance(value, dict):
        if value.keys() == {_AGENT}:
            return find_agent(value[_AGENT])
        if value.keys() == {"__bytes__"}:
            return base64.b64decode(value["__bytes__"], validate=True)
        if value.keys() == {"__tuple__"}:
            return tuple(map(thaw, value["__tuple__"]))
        if value.keys() == {"__dict__"}:
            return {str(key): thaw(item) for key, item in value["__dict__"]}
        found = {key: thaw(item) for key, item in value.items()}
        return Msg.from_dict(found) if "__module__" in found else found
    return value


def _listed(part: Any) -> Any:
    """Return a field of a message with lists for tuples, as messages travel."""
    if isinstance(part, list | tuple):
        return [_listed(item) for item in part]
    return {key: _listed(item) for key, item in part.items()} if type(part) is dict else part


def _all(fields: Mapping[str, Any], depth: int) -> Any:
    kept = {key: freeze(item, depth + 1) for key, item in fields.items()}
    return UNFIT if any(item is UNFIT for item in kept.values()) else kept
