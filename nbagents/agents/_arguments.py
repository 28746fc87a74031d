"""The walk through a call's arguments.

Placeholders inside lists, tuples and dictionaries are found, waited for and replaced, and containers
are copied when the call is made, since the caller may go on changing them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..message import Msg, PlaceholderMessage
from ._call import peek

if TYPE_CHECKING:
    from ..message import Promise

__all__ = ["promised", "promises", "resolved", "snapshot"]


def promises(x: Any) -> tuple[Promise, ...]:
    """Return what the placeholders in a value wait for."""
    if type(x) is Msg or type(x) is str or x is None:
        return ()
    return tuple([peek(message, "_promise") for message in promised(x)])


def promised(x: Any) -> list[PlaceholderMessage]:
    """Return the placeholders in a value: itself, or inside lists, tuples and dictionaries."""
    found: list[PlaceholderMessage] = []
    left = [x]
    while left:
        x = left.pop()
        if isinstance(x, PlaceholderMessage):
            found.append(x)
        elif isinstance(x, (list, tuple)):
            left.extend(reversed(x))
        elif isinstance(x, dict):
            left.extend(reversed(x.values()))
    return found


def snapshot(x: Any) -> Any:
    """Copy the containers of a value; messages and other objects are shared."""
    if type(x) is list or type(x) is tuple:
        items: Iterable[Any] = map(snapshot, x)
        return type(x)(items)
    return {key: snapshot(value) for key, value in x.items()} if type(x) is dict else x


def resolved(x: Any) -> Any:
    """Replace the placeholders in a value, all of which have arrived; the same object if there are none."""
    if isinstance(x, PlaceholderMessage):
        return peek(x, "_promise").value
    if isinstance(x, Msg) or not isinstance(x, (list, tuple, dict)) or not promised(x):
        return x
    if isinstance(x, dict):
        return {key: resolved(value) for key, value in x.items()}
    items = map(resolved, x)
    # A named tuple takes its fields one by one.
    return x._make(items) if hasattr(x, "_make") else type(x)(items)
