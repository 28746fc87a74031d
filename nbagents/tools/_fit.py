"""`Room`: how much of a tool's answer a model is told; what is longer is cut, what is larger left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..config import mask
from ._response import ToolResponse

__all__ = ["LARGEST", "Room"]

LARGEST = 10_000_000
"""Bytes of all blocks of an answer together, if nothing else is said: seven large pictures, say."""
EACH = 16
"""Bytes that each part of a block counts besides its text."""

CUT = 64
"""Bytes that a note on what was cut may take."""


@dataclass(frozen=True, slots=True)
class Room:
    """``characters`` of text, and ``size`` bytes of all blocks together; None is no limit.

    >>> Room(5).fit(ToolResponse.of_text("one two three"), []).text
    'one t… (8 more characters are left out)'
    """

    characters: int | None = None
    size: int | None = LARGEST

    def fit(self, answer: ToolResponse, secrets: Iterable[str]) -> ToolResponse:
        """Return an answer with these keys masked in its texts, as far as there is room."""
        content: list[Any] = []
        letters, room, lost = self.characters, self.size, 0
        for number, block in enumerate(answer.content):
            if room is not None and room < EACH and lost:
                lost += len(answer.content) - number
                content[-1] = self._note(block, lost)
                break
            if isinstance(block, dict) and block.get("type") == "text":
                text = str(block["text"])
                for key in secrets:
                    text = text.replace(key, mask(key))
                size = len(text)
                if letters is not None:
                    if size > letters:
                        text = f"{text[:letters]}… ({size - letters} more characters are left out)"
                    letters = max(letters - size, 0)
                if room is not None and (free := room - _size({**block, "text": ""}, room)) > 0:
                    text = _cut(text, free)
                block = {**block, "text": text}
            size = 0 if room is None else _size(block, room)
            if room is None or size <= room:
                content.append(block)
                room, lost = None if room is None else room - size, 0
                continue
            lost += 1
            content[len(content) - (lost > 1) :] = [
                self._note(block, lost)
            ]  # one for all that stand together
        return replace(answer, content=content)

    def _note(self, block: Any, lost: int) -> dict[str, str]:
        kind = block.get("type") if isinstance(block, Mapping) else type(block).__name__
        what = f"a block of type {kind!s:.40} is" if lost == 1 else f"{lost} blocks are"
        text = f"({what} left out: an answer has room for {self.size:,} bytes in all)"
        return {"type": "text", "text": text}


def _cut(text: str, size: int) -> str:
    """Return the beginning of a text, of so many bytes."""
    if 4 * len(text) <= size:
        return text
    data = text.encode("utf-8", "replace")
    if len(data) <= size:
        return text
    kept = max(size - CUT, 0)
    return f"{data[:kept].decode('utf-8', 'ignore')}… ({len(data) - kept} more bytes are left out)"


def _size(block: Any, most: int) -> int:
    """Return how many bytes a block takes; more than ``most`` is not counted to its end."""
    size, left = 0, [block]
    while left and size <= most:
        value = left.pop()
        size += EACH
        if isinstance(value, str):
            size += len(value) if value.isascii() else len(value.encode("utf-8", "replace"))
        elif isinstance(value, (bytes, bytearray)):
            size += len(value)
        elif isinstance(value, Mapping):
            left += [*value.keys(), *value.values()]
        elif isinstance(value, (list, tuple)):
            left += value
    return size
