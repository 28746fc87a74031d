"""Hooks: functions that see, and may change, what goes into an agent's methods and what comes out of them.

They are kept here by agent and by class; whoever runs such a method asks `hooked` for what to run instead.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from .._loop import background
from ..exceptions import UsageError
from ._call import peek

__all__ = ["KINDS", "Hook", "has_hooks", "hooked", "hooks_of", "hooks_of_class", "is_async"]

KINDS = ("pre_reply", "post_reply", "pre_observe", "post_observe", "pre_print", "post_print")
Hook = Callable[..., Any]
_of_classes: dict[type, dict[str, dict[str, Hook]]] = {}


def hooks_of_class(cls: type, kind: str) -> dict[str, Hook]:
    """Return the hooks of a class by name, to be read and changed.

    Raises:
        UsageError: there is no such kind.
    """
    _check(kind)
    return _of_classes.setdefault(cls, {}).setdefault(kind, {})


def hooks_of(own: dict[str, Any], kind: str) -> dict[str, Hook]:
    """Return the hooks of one agent, whose ``__dict__`` this is, by name, to be read and changed.

    Raises:
        UsageError: there is no such kind.
    """
    _check(kind)
    found: dict[str, Hook] = own.setdefault("_hooks", {}).setdefault(kind, {})
    return found


def _check(kind: str) -> None:
    if kind not in KINDS:
        raise UsageError(f"there are no hooks of the kind {kind!r}; there are: {', '.join(KINDS)}")


def has_hooks(agent: Any, name: str) -> bool:
    """Are there hooks around the method ``name`` of this agent?"""
    own = peek(agent, "__dict__").get("_hooks")
    if not own and not _of_classes:
        return False
    return bool(_all(agent, own, f"pre_{name}") or _all(agent, own, f"post_{name}"))


def hooked(agent: Any, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return what is to run for the method ``name``: the function itself, if it has no hooks."""
    if not has_hooks(agent, name):
        return function
    own = peek(agent, "__dict__").get("_hooks")
    before, after = _all(agent, own, f"pre_{name}"), _all(agent, own, f"post_{name}")
    signature = inspect.signature(function)
    if is_async(function):

        async def run_async(*args: Any, **kwargs: Any) -> Any:
            given = _given(signature, args, kwargs)
            for hook in before:
                changed = hook(agent, given)
                given = _changed(given, await changed if inspect.isawaitable(changed) else changed)
            value = await function(*_bound(signature, given).args, **_bound(signature, given).kwargs)
            for hook in after:
                changed = hook(agent, given, value)
                changed = await changed if inspect.isawaitable(changed) else changed
                value = value if changed is None else changed
            return value

        return functools.wraps(function)(run_async)

    def run(*args: Any, **kwargs: Any) -> Any:
        given = _given(signature, args, kwargs)
        for hook in before:
            given = _changed(given, _waited(hook(agent, given)))
        value = function(*_bound(signature, given).args, **_bound(signature, given).kwargs)
        for hook in after:
            changed = _waited(hook(agent, given, value))
            value = value if changed is None else changed
        return value

    return run


def is_async(function: Callable[..., Any]) -> bool:
    """Is it an ``async def``?"""
    code = getattr(function, "__code__", None)  # also of a method; asking `inspect` costs ten times as much
    if code is not None and code.co_flags & inspect.CO_COROUTINE:
        return True
    return inspect.iscoroutinefunction(function)


def _all(agent: Any, own: dict[str, dict[str, Hook]] | None, kind: str) -> list[Hook]:
    """Return the hooks of an agent and then those of its classes, the nearest first."""
    found = list((own or {}).get(kind, {}).values())
    for cls in type(agent).__mro__:
        found += _of_classes.get(cls, {}).get(kind, {}).values()
    return found


def _given(signature: inspect.Signature, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    return dict(bound.arguments)


def _changed(given: dict[str, Any], changed: Any) -> dict[str, Any]:
    if changed is None:
        return given
    if not isinstance(changed, Mapping) or changed.keys() != given.keys():
        raise UsageError(f"a hook that changes arguments returns a dictionary of {', '.join(given)}, or None")
    return dict(changed)


def _bound(signature: inspect.Signature, given: dict[str, Any]) -> inspect.BoundArguments:
    return inspect.BoundArguments(signature, given)


async def _awaited(value: Any) -> Any:
    return await value


def _waited(value: Any) -> Any:
    return background().run(_awaited(value)) if inspect.isawaitable(value) else value
