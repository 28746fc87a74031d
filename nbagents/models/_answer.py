"""`Answer`: what a model has answered, complete. A value: knows nothing of how it came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ._usage import ModelUsage

__all__ = ["Answer", "text_in"]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer in full; fields that it has no part in are None.

    >>> Answer(text="Rain.").blocks
    [{'type': 'text', 'text': 'Rain.'}]
    """

    text: str | None = None
    content: list[dict[str, Any]] | None = None
    raw: Any = None
    usage: ModelUsage | None = None
    parsed: Any = None
    embedding: Any = None
    image_urls: list[str] | None = None

    @property
    def blocks(self) -> list[dict[str, Any]]:
        """Its content blocks: as they were given, else those of its text and its pictures."""
        if self.content is not None:
            return self.content
        blocks: list[dict[str, Any]] = [{"type": "text", "text": self.text}] if self.text else []
        return blocks + [
            {"type": "image", "source": {"type": "url", "url": url}} for url in self.image_urls or ()
        ]


def text_in(blocks: list[dict[str, Any]]) -> str:
    """Return the text of those blocks that are text."""
    return "".join(str(block.get("text", "")) for block in blocks if block.get("type") == "text")
