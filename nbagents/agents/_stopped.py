"""Calls that a person has stopped: how they end, and what other calls do without their replies.

Where a call takes a list of messages, as the one after a fan-out does, those that a person has stopped are
left out, as long as one is left. A message that is an argument by itself cannot be left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..exceptions import CallCancelledError, CallStoppedError
from ..message import Msg, PlaceholderMessage

__all__ = ["STOPPED", "ended_because", "spared", "without_stopped"]

_as_it_is = object.__getattribute__
STOPPED = "stopped by you"
"""Why a call has ended that a person stopped."""


def ended_because(label: str, why: str) -> CallCancelledError:
    """Return the error that a call ends with, ``label`` saying which and ``why`` how it was ended."""
    kind = CallStoppedError if why == STOPPED else CallCancelledError
    error = kind(f"the call of {label} was {why}")
    error.why = why
    return error


def spared(argument: Any) -> Iterator[Any]:
    """Yield the promises of the messages that are left out of an argument."""
    if isinstance(argument, dict):
        for value in argument.values():
            yield from spared(value)
    elif isinstance(argument, (list, tuple)):
        stopped = [item for item in argument if _is_stopped(item)]
        if len(stopped) < len(argument):
            yield from (item._promise for item in stopped)
        for item in argument:
            if not isinstance(item, Msg):  # a long list is mostly of messages, and told to many
                yield from spared(item)


def without_stopped(argument: Any) -> Any:
    """Return an argument without the messages that `spared` tells of; the same object if there are none."""
    if next(spared(argument), None) is None:
        return argument
    if isinstance(argument, dict):
        return {key: without_stopped(value) for key, value in argument.items()}
    kept = [without_stopped(item) for item in argument if not _is_stopped(item)]
    return argument if not kept else kept if isinstance(argument, list) else tuple(kept)


def _is_stopped(item: Any) -> bool:
    # as it is: asked a million times, and a placeholder's own way to an attribute is long
    return isinstance(item, PlaceholderMessage) and isinstance(
        _as_it_is(item, "_promise").error, CallStoppedError
    )
