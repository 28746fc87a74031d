"""`Rich`: what a cell of a kernel shows, gathered as content blocks: texts, pictures, how it failed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .._response import ToolResponse

__all__ = ["Rich"]

MOST_TEXT = 20_000
"""Characters of text that one cell may show."""
MOST_PICTURES = 10
LARGEST = 1_200_000
"""Characters of one picture, as base64."""
TRACEBACK = 4000
"""Characters of the end of a traceback."""
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
TEXTS = ("text/markdown", "text/plain")
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]+\Z")


class Rich:
    r"""The outputs of one cell, message by message.

    >>> rich = Rich()
    >>> rich.take("stream", {"name": "stdout", "text": "a\n"})
    True
    >>> rich.take("execute_result", {"data": {"text/html": "<b>4</b>", "text/plain": "4"}})
    True
    >>> rich.response().text
    'a\n4'
    """

    def __init__(self) -> None:
        self.failed = False
        self._blocks: list[dict[str, Any]] = []
        self._places: dict[str, int] = {}
        self._room, self._left_out, self._pictures = MOST_TEXT, 0, 0
        self._clears = False

    def take(self, kind: str, content: Mapping[str, Any]) -> bool:
        """Take a message of the kernel; return whether anything is new."""
        match kind:
            case "stream":
                self._begin()
                self._write(str(content.get("text", "")))
            case "display_data" | "execute_result":
                self._begin()
                self._show(content)
            case "update_display_data":
                place = self._places.get(_name(content), -1)
                block = _block(content.get("data"))
                if place < 0 or block is None or block["type"] != self._blocks[place]["type"]:
                    return False
                self._blocks[place] = block
            case "error":
                self._begin()
                self.failed = True
                trace = "\n".join(map(str, content.get("traceback") or ()))
                said = _plain(trace) or f"{content.get('ename')}: {content.get('evalue')}"
                self._line(said if len(said) <= TRACEBACK else "…" + said[-TRACEBACK:], always=True)
            case "clear_output":
                self._clears = True
                if not content.get("wait"):
                    self._begin()
            case _:
                return False
        return True

    def add_error(self, text: str) -> None:
        """Say that the cell was ended, and why."""
        self.failed = True
        self._line(text, always=True)

    def response(self, *, is_last: bool = True) -> ToolResponse:
        """Return all so far."""
        blocks = [dict(block) for block in self._blocks]
        if self._left_out:
            blocks.append(_text(f"… ({self._left_out} more characters are left out)"))
        for block in blocks:
            if block["type"] == "text":
                block["text"] = block["text"].rstrip("\n")
        blocks = [block for block in blocks if block["type"] != "text" or block["text"]]
        if not blocks and is_last:
            blocks = [_text("done; it shows nothing")]
        return ToolResponse(blocks, is_error=self.failed, is_last=is_last, stream=not is_last)

    def _begin(self) -> None:
        if self._clears:
            self._blocks.clear()
            self._places.clear()
            self._clears, self._room, self._left_out, self._pictures = False, MOST_TEXT, 0, 0

    def _show(self, content: Mapping[str, Any]) -> None:
        block = _block(content.get("data"))
        if block is None:
            return
        if block["type"] == "text":
            self._line(block["text"])
        elif self._pictures >= MOST_PICTURES:
            self._line(f"a further picture, of which only the first {MOST_PICTURES} are kept")
            return
        else:
            self._pictures += 1
            self._blocks.append(block)
        name = _name(content)
        if name and block["type"] != "text":
            self._places[name] = len(self._blocks) - 1

    def _line(self, text: str, *, always: bool = False) -> None:
        last = self._blocks[-1] if self._blocks else None
        if last is not None and last["type"] == "text" and not last["text"].endswith("\n"):
            text = "\n" + text
        self._write(text + "\n", always=always)

    def _write(self, text: str, *, always: bool = False) -> None:
        text = _plain(text)
        kept = text if always else text[: self._room]
        self._room -= 0 if always else len(kept)
        self._left_out += len(text) - len(kept)
        if not kept:
            return
        if self._blocks and self._blocks[-1]["type"] == "text":
            kept = self._blocks[-1]["text"] + kept
            self._blocks.pop()
        self._blocks.append(_text(_returned(kept)))


def _block(data: Any) -> dict[str, Any] | None:
    """Return what is shown of a value in several forms: its picture, else its text."""
    if not isinstance(data, Mapping):
        return None
    for kind in PICTURES:
        picture = data.get(kind)
        if isinstance(picture, str) and _BASE64.match(picture):
            picture = "".join(picture.split())
            if len(picture) > LARGEST:
                return _text(f"a picture of {len(picture) * 3 / 4e6:.1f} MB, too large to be shown")
            source = {"type": "base64", "media_type": kind, "data": picture}
            return {"type": "image", "source": source}
    found = next((data[kind] for kind in TEXTS if isinstance(data.get(kind), str)), None)
    return None if found is None else _text(_plain(found))


def _name(content: Mapping[str, Any]) -> str:
    return str((content.get("transient") or {}).get("display_id") or "")


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _plain(text: str) -> str:
    return _COLOURS.sub("", text)


def _returned(text: str) -> str:
    """Return a text with what a carriage return has written over taken out, as a progress bar does."""
    if "\r" not in text:
        return text
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(
        line.rstrip("\r").rpartition("\r")[2] + ("\r" if line.endswith("\r") else "") for line in lines
    )
