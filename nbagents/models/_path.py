"""Find a part of an answer by its path: ``choices.0.message.content``. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["MISSING", "first_at", "found_at", "outline"]

MISSING: Any = object()
"""What stands for a part that is not there; None may be one."""


def found_at(tree: Any, path: str) -> Any:
    """Return what stands at a path of keys and positions with dots between them, else `MISSING`.

    >>> found_at([{"generated_text": "Rain."}], "0.generated_text")
    'Rain.'
    >>> found_at({"data": []}, "data.0") is MISSING
    True
    """
    for step in path.split(".") if path else ():
        if isinstance(tree, dict) and step in tree:
            tree = tree[step]
        elif isinstance(tree, list) and step.isdecimal() and int(step) < len(tree):
            tree = tree[int(step)]
        else:
            return MISSING
    return tree


def first_at(tree: Any, paths: Iterable[str], kind: type) -> Any:
    """Return the first part at one of these paths that is of that kind, else `MISSING`."""
    return next((part for path in paths if isinstance(part := found_at(tree, path), kind)), MISSING)


def outline(tree: Any, deepest: int = 4) -> str:
    """Return what there is instead, as paths: for whoever must find the right one. Shows no values.

    >>> outline({"data": [{"text": "x", "n": 1}], "ok": True})
    'data.0.text, data.0.n, ok'
    """
    return ", ".join(list(_paths(tree, "", deepest))[:8]) or type(tree).__name__


def _paths(tree: Any, at: str, left: int) -> Iterable[str]:
    if left and isinstance(tree, dict):
        for key, value in list(tree.items())[:8]:
            yield from _paths(value, f"{at}{str(key)[:40]}.", left - 1)
    elif left and isinstance(tree, list) and tree:
        yield from _paths(tree[0], f"{at}0.", left - 1)
    elif at:
        yield at.rstrip(".")
