"""Text from outside, made fit to be shown: tidy, one line, shortened, and how figures are written.

Knows nothing of HTML or Markdown.
"""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = [
    "clip",
    "content_text",
    "count_words",
    "letter",
    "one_line",
    "redact",
    "seconds",
    "shown_lines",
    "tidy",
    "tokens",
]

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufff9-\ufffb\ufffe\uffff]")
# These reorder or hide what stands beside them: a name must not be able to do that to its row.
_INVISIBLE = re.compile(r"[\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
_SECRET = re.compile(
    r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))(sk|pk|rk)-[A-Za-z0-9_-]{8,}([A-Za-z0-9_-]{4})"
    r"|(?i:\b(bearer)\s+)[^\s'\"<>]{8,}"
)
_WIDTH = 88


def tidy(text: object) -> str:
    """Return ``text`` without terminal escapes, control characters and broken surrogates; keep its lines."""
    plain = str(text).encode("utf-8", "replace").decode("utf-8")
    plain = _ANSI.sub("", plain.replace("\r\n", "\n")).replace("\r", "\n")
    return _CONTROL.sub("", plain)


def clip(text: str, limit: int) -> str:
    """Shorten a text to ``limit`` characters, the last one an ellipsis."""
    return text if len(text) <= limit else text[: max(limit - 1, 0)].rstrip() + "…"


def one_line(text: object, limit: int = 120) -> str:
    """Return a name, title or label as one short line that cannot disturb its surroundings."""
    # A title of a megabyte need not be cleaned to its end before it is cut.
    plain = _INVISIBLE.sub("", tidy(str(text)[: 20 * limit]))
    return clip(" ".join(plain.split()), limit)


def redact(text: str) -> str:
    """Hide what looks like a key, all but its last four characters.

    >>> redact("key sk-proj-0123456789abcd was rejected")
    'key sk-…abcd was rejected'
    """

    def hide(match: re.Match[str]) -> str:
        return f"{match[3]} …" if match[3] else f"{match[1]}-…{match[2]}"

    return _SECRET.sub(hide, text)


def content_text(content: Any) -> str:
    r"""Return the content of a message as Markdown: its blocks in turn, other JSON as a code block.

    >>> content_text([{"type": "text", "text": "Look:"}, {"type": "image", "url": "https://a.example/b.png"}])
    'Look:\n\n[image: https://a.example/b.png]'
    """
    if isinstance(content, str):
        return content
    if content is None:
        return ""
    if isinstance(content, list) and content and all(isinstance(b, dict) and "type" in b for b in content):
        return "\n\n".join(filter(None, map(_block_text, content)))
    return "```json\n" + json.dumps(content, ensure_ascii=False, indent=2, default=str) + "\n```"


def _block_text(block: dict[str, Any]) -> str:
    kind = one_line(block["type"], 40)
    if isinstance(block.get(kind), str) and kind in ("text", "thinking"):
        text: str = block[kind]
        return text
    source = block.get("source")
    url = block.get("url") or (source.get("url") if isinstance(source, dict) else None)
    if kind in ("image", "audio", "video", "file"):
        # A data: address is the file itself, and no address.
        return f"[{kind}: {one_line(url, 200)}]" if url and not str(url).startswith("data:") else f"[{kind}]"
    rest = {key: value for key, value in block.items() if key != "type"}
    return f"{kind}:\n\n{content_text(rest)}"


def seconds(value: float) -> str:
    """Write a duration.

    >>> seconds(0.94), seconds(83), seconds(3720)
    ('0.9 s', '1 min 23 s', '1 h 02 min')
    """
    if value < 59.95:
        return f"{max(value, 0.0):.1f} s"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def tokens(value: int) -> str:
    """Write a number of tokens.

    >>> tokens(412), tokens(12345)
    ('412 tok', '12,345 tok')
    """
    return f"{value:,} tok"


def letter(name: str) -> str:
    """Return the letter of a name's avatar."""
    return next((char.upper()[0] for char in name if char.isalnum()), "?")


def count_words(text: str) -> int:
    """Count the words of a text, roughly as a reader would."""
    return len(text.split())


def shown_lines(text: str) -> int:
    """Say how many lines a text takes, wrapped at the width of a card."""
    return sum(1 + max(len(line) - 1, 0) // _WIDTH for line in text.splitlines())
