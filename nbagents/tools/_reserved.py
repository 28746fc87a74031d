"""`reserved`: arguments of a tool that only its programmer gives, and that no model is asked for."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from ..exceptions import UsageError
from ._effects import Effect, effects

__all__ = ["check_reserved", "reserved", "reserved_of"]

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


def check_reserved(name: str, function: Any, preset: Iterable[str]) -> None:
    """See whether all is there that a function needs and no model gives.

    Raises:
        UsageError: something is missing.
    """
    if not (known := reserved_of(function)):
        return
    found = inspect.signature(function).parameters
    needed = (one for one in known if one in found and found[one].default is inspect.Parameter.empty)
    if missing := [one for one in needed if one not in preset]:
        given = ", ".join(f"{one!r}: ..." for one in missing)
        raise UsageError(
            f"the tool {name} needs its {' and '.join(missing)}, which no model may give",
            hint=f"preset_kwargs={{{given}}}",
        )
