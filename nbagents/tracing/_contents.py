"""What is said, as spans hold it: JSON, keys masked, cut where it is long. Only where a person wants it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from ..config import redact
from ..message import Msg

__all__ = ["messages_in", "messages_out", "plain"]

MOST = 32_000
"""Characters of one attribute."""


def messages_in(given: Iterable[Any]) -> str:
    """Return what was said to an agent or a model, by the conventions' schema."""
    return plain([entry for one in given for entry in _entries(one)])


def messages_out(given: Iterable[Any]) -> str:
    """Return what it has answered."""
    return plain([{**entry, "finish_reason": "stop"} for one in given for entry in _entries(one)])


def plain(value: Any) -> str:
    """Return a value as a text."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = redact(text)
    return text if len(text) <= MOST else text[:MOST] + "…"


def _entries(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list | tuple):
        return [entry for one in value for entry in _entries(one)]
    if isinstance(value, Msg):
        return [{"role": value.role, "name": value.name, "parts": _parts(value.content)}]
    if isinstance(value, dict) and "role" in value:
        return [{"role": str(value["role"]), "parts": _parts(value.get("content"))}]
    if isinstance(value, str):
        return [{"role": "assistant", "parts": _parts(value)}]
    return []


def _parts(content: Any) -> list[dict[str, Any]]:
    if content is None:
        return []
    if isinstance(content, str):
        return [{"type": "text", "content": content}]
    if not isinstance(content, list):
        return [{"type": "text", "content": json.dumps(content, ensure_ascii=False, default=str)}]
    return [_part(block) for block in content]


def _part(block: Any) -> dict[str, Any]:
    kind = block.get("type") if isinstance(block, dict) else None
    if kind == "text":
        return {"type": "text", "content": str(block.get("text", ""))}
    if kind == "thinking":
        return {"type": "reasoning", "content": str(block.get("thinking", ""))}
    if kind == "tool_use":
        return {
            "type": "tool_call",
            "id": block.get("id"),
            "name": block.get("name"),
            "arguments": block.get("input"),
        }
    if kind == "tool_result":
        return {"type": "tool_call_response", "id": block.get("id"), "response": block.get("output")}
    return {"type": str(kind or "unknown")}  # pictures and files are not for spans
