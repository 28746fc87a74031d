"""What an answer in a recording looks like: of a model, of a tool, of a person. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["checked", "too_large"]

ERROR, STOPPED, TOO_LARGE = "error", "stopped", "too_large"
"""In the place of an answer: it failed with this; a person stopped it; it did not fit into a line."""
_TEXTS = {"model": ("model", "operation"), "tool": ("state",), "human": ("text",)}
_LISTS = {"model": ("pieces", "content"), "tool": ("content",), "human": ()}


def too_large(answer: Mapping[str, Any], size: int) -> dict[str, Any]:
    """Return what is written in the place of an answer that is too large."""
    return {key: answer[key] for key in ("model", "operation") if key in answer} | {TOO_LARGE: size}


def checked(kind: str, answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an answer that has what one of its kind has.

    Raises:
        ValueError: it has not.
    """
    if not isinstance(answer.get(ERROR, ""), str):
        raise ValueError("`error` is no text")
    without = answer.keys() & {ERROR, STOPPED, TOO_LARGE}
    for name in _TEXTS[kind]:
        if not isinstance(answer.get(name, "" if without else None), str):
            raise ValueError(f"`{name}` is no text")
    for name in _LISTS[kind]:
        value = answer.get(name)
        if value is not None and not isinstance(value, list):
            raise ValueError(f"`{name}` is no list")
    if not all(isinstance(piece, str) for piece in answer.get("pieces") or ()):
        raise ValueError("`pieces` holds what is no text")
    if not all(isinstance(block, Mapping) for block in answer.get("content") or ()):
        raise ValueError("`content` holds what is no block")
    for name in ("usage", "fields", "message"):
        if not isinstance(answer.get(name) or {}, Mapping):
            raise ValueError(f"`{name}` is no object")
    return answer
