"""`Said`: a message taken apart into what OpenAI's protocol has places for. Knows nothing of roles."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..exceptions import UsageError
from ..message import Msg
from ._media import audio_part, image_part, is_image_name

__all__ = ["NO_RESULT", "Said", "content_text", "results_in"]

NO_RESULT = "(no result: the call was stopped)"
"""What stands for the result of a tool whose call came to nothing; the protocol wants one for each call."""
_NOTES = {"image": "picture", "audio": "sound", "video": "film", "file": "file"}


@dataclass(slots=True)
class Said:
    """One message: its text, its parts in their order, the tools it calls, and what tools returned."""

    parts: list[dict[str, Any]] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    results: list[dict[str, Any]] = field(default_factory=list)
    has_media: bool = False

    @classmethod
    def of(cls, msg: Msg, *, with_media: bool = True, with_urls: bool = False, strict: bool = False) -> Said:
        """Take a message apart.

        Pictures and sounds are sent along only ``with_media``, those that ``msg.url`` names only
        ``with_urls`` too; else a note stands for them, as for a file that cannot be sent, unless ``strict``.

        Raises:
            UsageError: a file cannot be sent, and ``strict`` is true.
        """
        said = cls()
        blocks = _blocks_of(msg.content)
        if blocks is None:
            said._tell(_as_text(msg.content))
        for block in blocks or ():
            said._take(block, with_media, strict)
        if with_media and with_urls:
            urls = msg.url if isinstance(msg.url, list) else [msg.url] if msg.url else []
            for url in urls:
                if is_image_name(str(url)):
                    said._show("image", url, strict)
        return said

    @property
    def text(self) -> str:
        """Its text, with a line for each part."""
        return "\n".join(part["text"] for part in self.parts if part["type"] == "text")

    def _take(self, block: dict[str, Any], with_media: bool, strict: bool) -> None:
        kind = block.get("type", "text")
        if kind == "text":
            self._tell(str(block.get("text", "")))
        elif kind in _NOTES:
            source = block.get("source")
            if with_media:
                self._show(kind, source, strict)
            else:
                self._tell(_note(kind, source))
        elif kind == "tool_use":
            self.calls.append(block)
        elif kind == "tool_result":
            self.results.append(block)
        elif kind != "thinking":  # what a model thought is not told to it again
            self._tell(json.dumps(block, ensure_ascii=False, default=str))

    def _tell(self, text: str) -> None:
        self.parts.append({"type": "text", "text": text})

    def _show(self, kind: str, source: Any, strict: bool) -> None:
        make: Callable[[Any], dict[str, Any] | None] | None
        make = {"image": image_part, "audio": audio_part}.get(kind)
        try:
            part = make(source) if make is not None else None
        except UsageError:
            if strict:
                raise
            part = None
        if part is None:
            self._tell(_note(kind, source))
        else:
            self.parts.append(part)
            self.has_media = True


def results_in(blocks: list[dict[str, Any]]) -> dict[str, Said]:
    """Return what tools returned, by the id of their calls."""
    found = {}
    for block in blocks:
        output = block.get("output")
        parts = _blocks_of(output)
        said = Said()
        if parts is None:
            said._tell(_as_text(output))
        for part in parts or ():
            said._take(part, with_media=True, strict=False)
        found[str(block.get("id"))] = said
    return found


def content_text(msg: Msg) -> str:
    """Return the content as text: blocks of text joined by lines, other data as JSON."""
    return Said.of(msg, with_media=False).text


def _blocks_of(content: Any) -> list[dict[str, Any]] | None:
    """Return the blocks of a content that consists of some, else None."""
    if (
        isinstance(content, list)
        and content
        and all(isinstance(block, dict) and ("type" in block or "text" in block) for block in content)
    ):
        return content
    return None


def _as_text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "" if content is None else json.dumps(content, ensure_ascii=False, default=str)


def _note(kind: str, source: Any) -> str:
    """Say that something was there: ``(picture: rain.png)``; never the data itself."""
    address = source.get("url") if isinstance(source, dict) else source
    if not isinstance(address, str) or not address or address.startswith("data:"):
        return f"({_NOTES[kind]})"
    web = address.startswith(("http:", "https:"))
    return f"({_NOTES[kind]}: {address if web else address.replace(chr(92), '/').rpartition('/')[2]})"
