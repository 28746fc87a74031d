"""Content blocks: what a message whose content is a list consists of. Plain dictionaries with known keys."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

__all__ = [
    "AudioBlock",
    "Base64Source",
    "ContentBlock",
    "FileBlock",
    "ImageBlock",
    "TextBlock",
    "ThinkingBlock",
    "ToolResultBlock",
    "ToolUseBlock",
    "URLSource",
    "VideoBlock",
    "is_block",
]


class Base64Source(TypedDict):
    """Data that travels inside the message; ``media_type`` is a MIME type, ``data`` base64."""

    type: Literal["base64"]
    media_type: str
    data: str


class URLSource(TypedDict):
    """Data that is elsewhere: a web address, or a local file's."""

    type: Literal["url"]
    url: str


class TextBlock(TypedDict):
    """A text.

    >>> TextBlock(type="text", text="Grey beads on the glass")
    {'type': 'text', 'text': 'Grey beads on the glass'}
    """

    type: Literal["text"]
    text: str


class ThinkingBlock(TypedDict):
    """What a model thought before it answered."""

    type: Literal["thinking"]
    thinking: str


class ImageBlock(TypedDict):
    """A picture."""

    type: Literal["image"]
    source: Base64Source | URLSource


class AudioBlock(TypedDict):
    """A sound."""

    type: Literal["audio"]
    source: Base64Source | URLSource


class VideoBlock(TypedDict):
    """A film."""

    type: Literal["video"]
    source: Base64Source | URLSource


class FileBlock(TypedDict):
    """Any other file."""

    type: Literal["file"]
    source: Base64Source | URLSource
    filename: NotRequired[str]


class ToolUseBlock(TypedDict):
    """A model's wish that a tool be called: ``name`` with ``input``; ``id`` is what the result refers to."""

    type: Literal["tool_use"]
    id: str
    name: str
    input: dict[str, Any]


class ToolResultBlock(TypedDict):
    """What came of the tool call with the same ``id``."""

    type: Literal["tool_result"]
    id: str
    name: str
    output: str | list[TextBlock | ImageBlock | AudioBlock | VideoBlock]


ContentBlock = (
    TextBlock
    | ThinkingBlock
    | ImageBlock
    | AudioBlock
    | VideoBlock
    | FileBlock
    | ToolUseBlock
    | ToolResultBlock
)
"""Any of them."""

_TEXTS = {"text": "text", "thinking": "thinking", "tool_use": "name", "tool_result": "output"}
_SOURCED = frozenset({"image", "audio", "video", "file"})


def is_block(value: Any) -> bool:
    """Is this a content block, of a known type and with what the type needs?

    >>> is_block({"type": "text", "text": "hi"}), is_block({"type": "text"}), is_block("hi")
    (True, False, False)
    """
    if not isinstance(value, dict):
        return False
    kind = value.get("type")
    if not isinstance(kind, str):
        return False
    return "source" in value if kind in _SOURCED else kind in _TEXTS and _TEXTS[kind] in value
