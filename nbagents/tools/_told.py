"""What an event tells of a tool's call: texts cut, keys masked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..config import redact

__all__ = ["MARGIN", "TOLD", "clipped", "told"]

TOLD = 4000
"""Characters of one argument, and of what a tool answered, that are told of in an event."""
MARGIN = 500
"""Characters more that are looked through for keys, before a text is cut: one may stand across the cut."""


def told(given: Any) -> Any:
    """Return arguments as an event tells of them: JSON, long texts cut."""
    if isinstance(given, str):
        return clipped(given)
    if isinstance(given, Mapping):
        return {str(key): told(value) for key, value in given.items()}
    if isinstance(given, (list, tuple)):
        return [told(value) for value in given[:100]]
    return given if given is None or isinstance(given, (bool, int, float)) else clipped(repr(given))


def clipped(text: str, most: int = TOLD, secrets: Iterable[str] = ()) -> str:
    """Return a text of ``most`` characters at most, with keys and these ``secrets`` masked."""
    size = len(text)
    text = redact(text[: most + MARGIN], *secrets)
    if size <= most:
        return text
    whole = text[:-MARGIN] if size > most + MARGIN else text  # half a key may stand at the end
    return f"{whole[:most]}… ({size} characters)"
