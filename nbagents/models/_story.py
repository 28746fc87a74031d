"""A conversation told as one text, for models that take no list of messages, or talk with many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["HEADING", "story", "told"]

HEADING = "## Conversation History"


def story(entries: Sequence[Mapping[str, Any]], *, speaker: str | None = None) -> str:
    r"""Return the entries of a chat as one text; with a ``speaker`` it ends where that one is to go on.

    >>> chat = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Rain?"}]
    >>> story(chat, speaker="poet")
    'Be brief.\n\n## Conversation History\nuser: Rain?\npoet:'
    >>> story(chat[1:])
    'Rain?'
    """
    system = [told(entry) for entry in entries if entry.get("role") == "system"]
    rest = [entry for entry in entries if entry.get("role") != "system"]
    if not system and len(rest) == 1 and speaker is None:
        return told(rest[0])
    lines = [f"{entry.get('name') or _who(entry, speaker)}: {told(entry)}" for entry in rest]
    lines += [] if speaker is None else [f"{speaker}:"]
    return "\n\n".join([*system, "\n".join([HEADING, *lines])] if lines else system)


def told(entry: Mapping[str, Any]) -> str:
    """Return the text of an entry; a part that is no text stands as its kind in brackets."""
    content = entry.get("content")
    if isinstance(content, list):
        return "\n".join(str(part.get("text") or f"({part.get('type', 'part')})") for part in content)
    return "" if content is None else str(content)


def _who(entry: Mapping[str, Any], speaker: str | None) -> str:
    role = str(entry.get("role"))
    return speaker if role == "assistant" and speaker is not None else role
