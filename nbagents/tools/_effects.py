"""`effects`: what a tool does to the world beside answering, said where it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any, TypeVar

from ..exceptions import UsageError

__all__ = ["Effect", "declared_of", "effect_set", "effects", "effects_of"]

Function = TypeVar("Function", bound=Callable[..., Any])


class Effect(StrEnum):
    """One kind of effect."""

    READ = "read"
    """It reads what is on this machine: files, databases."""
    WRITE = "write"
    """It changes what is on this machine."""
    EXECUTE = "execute"
    """It runs code."""
    NETWORK = "network"
    """It sends to other machines, or gets from them."""
    SPEND = "spend"
    """It may cost money."""


def effects(*kinds: str) -> Callable[[Function], Function]:
    """Declare the effects of a function that is to be a tool. Without arguments: it has none.

    >>> @effects("read", "write")
    ... def tidy(folder: str) -> str:
    ...     '''Put the files of a folder in order.'''
    ...     return "done"
    >>> sorted(effects_of(tidy))
    [<Effect.READ: 'read'>, <Effect.WRITE: 'write'>]

    Raises:
        UsageError: there is no such effect.
    """
    known = effect_set(kinds)

    def declare(function: Function) -> Function:
        function.__effects__ = known  # type: ignore[attr-defined]
        return function

    return declare


def effects_of(function: Any) -> frozenset[Effect]:
    """Return what a function declares; nothing declared is nothing: its author is who adds it."""
    return declared_of(function) or frozenset()


def declared_of(function: Any) -> frozenset[Effect] | None:
    """Return what a function declares, None if it declares nothing at all."""
    while True:
        declared = getattr(function, "__effects__", None)
        if declared is not None:
            return frozenset(declared)
        if not hasattr(function, "func"):
            return None
        function = function.func


def effect_set(kinds: Iterable[str] | str) -> frozenset[Effect]:
    """Return effects by their names, one or several; raises `UsageError` for an unknown one."""
    return frozenset(_effect(kind) for kind in ([kinds] if isinstance(kinds, str) else kinds))


def _effect(kind: str) -> Effect:
    try:
        return Effect(kind)
    except ValueError:
        raise UsageError(
            f"there is no effect {kind!r}; there are {', '.join(sorted(Effect))}",
        ) from None
