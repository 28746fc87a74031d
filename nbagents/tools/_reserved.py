"""`reserved`: arguments of a tool that only its programmer gives, and that no model is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["reserved", "reserved_in"]

Function = TypeVar("Function", bound=Callable[..., Any])


def reserved(*names: str) -> Callable[[Function], Function]:
    """Say which arguments a model neither sees nor gives, also where they are not preset.

    >>> @reserved("folder")
    ... def count(word: str, folder: str = ".") -> int:
    ...     '''Count a word.'''
    ...     return 0
    >>> sorted(reserved_in(count))
    ['folder']
    """

    def declare(function: Function) -> Function:
        function.__reserved__ = frozenset(names)  # type: ignore[attr-defined]
        return function

    return declare


def reserved_in(function: Any) -> frozenset[str]:
    """Return the arguments of a function that are not for models."""
    while not hasattr(function, "__reserved__") and hasattr(function, "func"):
        function = function.func
    return frozenset(getattr(function, "__reserved__", ()))
