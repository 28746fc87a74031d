"""What an answer in a recording looks like: of a model, of a tool, of a person. Pure functions.

What a replay is answered says further when that was ``recorded``, and in which ``file``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..exceptions import ReplayMismatchError

__all__ = ["ERROR", "STOPPED", "again", "check_answered", "checked", "too_large"]

ERROR, STOPPED, TOO_LARGE = "error", "stopped", "too_large"
"""In the place of an answer: it failed with this; a person stopped it; it did not fit into a line."""
_TEXTS = {"model": ("model", "operation"), "tool": ("state",), "human": ("text",)}
_LISTS = {"model": ("pieces", "content"), "tool": ("content",), "human": ()}


def too_large(answer: Mapping[str, Any], size: int) -> dict[str, Any]:
    """Return what is written in the place of an answer that is too large."""
    return {key: answer[key] for key in ("model", "operation") if key in answer} | {TOO_LARGE: size}


def again(told: Mapping[str, Any]) -> str:
    """Return how the file that this answer comes from is recorded anew, as a hint."""
    return f"record it anew: -r {told.get('file') or 'FILE'} --overwrite"


def check_answered(what: str, told: Mapping[str, Any]) -> None:
    """Look whether there is an answer, or why there was none, where it was no failure.

    Raises:
        ReplayMismatchError: it was stopped, or it was too large; ``what`` names the call.
    """
    if told.get(STOPPED):
        raise ReplayMismatchError(f"{what} was stopped when it was recorded", hint=again(told))
    if TOO_LARGE in told:
        raise ReplayMismatchError(
            f"{what} was answered with {told[TOO_LARGE]:,} bytes, too many to be recorded in a line",
            hint="have it answer less",
        )


def checked(kind: str, answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an answer that has what one of its kind has.

    Raises:
        ValueError: it has not.
    """
    if not isinstance(answer.get(ERROR, ""), str):
        raise ValueError("`error` is no text")
    if type(answer.get(TOO_LARGE, 0)) is not int:
        raise ValueError("`too_large` is no number")
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
