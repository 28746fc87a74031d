"""`reserved`: arguments of a tool that only its programmer gives, and that no model is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ._effects import Effect, effects

__all__ = ["reserved", "reserved_of"]

Function = TypeVar("Function", bound=Callable[..., Any])


def reserved(*names: str, **more: str) -> Callable[[Function], Function]:
    """Keep arguments from models, also where they are not preset; some add an effect when they are given.

    >>> @reserved("depth", delete="write")
    ... def look(folder: str, depth: int = 1, delete: bool = False) -> str:
    ...     '''Look into a folder.'''
    ...     return folder
    >>> reserved_of(look)
    {'depth': None, 'delete': <Effect.WRITE: 'write'>}

    Raises:
        UsageError: there is no such effect.
    """
    effects(*more.values())
    known: dict[str, Effect | None] = {**dict.fromkeys(names), **{one: Effect(more[one]) for one in more}}

    def declare(function: Function) -> Function:
        function.__reserved__ = known  # type: ignore[attr-defined]
        return function

    return declare


def reserved_of(function: Any) -> dict[str, Effect | None]:
    """Return which arguments of a function are its programmer's, and the effect that each adds."""
    while not hasattr(function, "__reserved__") and hasattr(function, "func"):
        function = function.func
    return dict(getattr(function, "__reserved__", {}))
