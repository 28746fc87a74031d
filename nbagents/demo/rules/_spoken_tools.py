"""Tools that stand in the system prompt, for models that cannot be given any; and calls of them in words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ._tools import ToolCall

__all__ = ["lift_tools", "wish"]

_TOLD = re.compile(r"^You can call these tools\b.*\n((?:\{.*\}(?:\n|\Z))+)", re.MULTILINE)
_FENCED = re.compile(r"```json\s*(\{.*?\})\s*```", re.DOTALL)
_RETURNED = re.compile(r"\(([A-Za-z_]\w*) returned: (.*)\)", re.DOTALL)
Message = Mapping[str, Any]


def lift_tools(messages: Sequence[Message]) -> tuple[list[Message], tuple[Mapping[str, Any], ...]]:
    """Return a talk as it would be with tools of the endpoint's own, and the tools; none where none are told.

    The form that is asked for is left out; calls that were written, and their results, are as they would be.
    """
    tools: list[Mapping[str, Any]] = []
    kept: list[Message] = []
    for message in messages:
        text = message.get("content")
        if not isinstance(text, str):
            kept.append(message)
        elif message.get("role") == "system" and (found := _TOLD.search(text)) is not None:
            tools += _listed(found[1])
            left = f"{text[: found.start()].rstrip()}\n{text[found.end() :].lstrip()}".strip()
            kept += [{**message, "content": left}] if left else []
        elif tools:
            kept += _as_called(message, text)
        else:
            kept.append(message)
    return (kept, tuple(tools)) if tools else (list(messages), ())


def wish(calls: Sequence[ToolCall], said: str = "") -> str:
    """Return calls of tools, or what is said, in the form that such an agent reads."""
    asked = [{"name": call.name, "arguments": json.loads(call.arguments)} for call in calls]
    body = {"thought": "A fixed rule chose this reply.", "speak": said, "function": asked}
    return f"```json\n{json.dumps(body, ensure_ascii=False)}\n```"


def _listed(lines: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for line in lines.splitlines():
        tree = _object(line)
        if tree is not None and isinstance(tree.get("name"), str):
            found.append({"type": "function", "function": tree})
    return found


def _as_called(message: Message, text: str) -> list[Message]:
    fenced = _FENCED.search(text)
    written = _object(fenced[1]) if fenced is not None else None
    if written is not None and "function" in written:
        if message.get("role") != "assistant":
            return []  # it is the form that is asked for
        said = str(written.get("speak") or "")
        calls = [
            {"id": str(number), "type": "function", "function": {"name": one["name"], "arguments": "{}"}}
            for number, one in enumerate(written["function"] or ())
            if isinstance(one, Mapping) and isinstance(one.get("name"), str)
        ]
        return [{**message, "content": said, **({"tool_calls": calls} if calls else {})}]
    result = _RETURNED.fullmatch(text.strip())
    if result is not None and message.get("name") == "system":
        return [{"role": "tool", "tool_call_id": "0", "name": result[1], "content": result[2]}]
    return [message]


def _object(text: str) -> dict[str, Any] | None:
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return tree if isinstance(tree, dict) else None
