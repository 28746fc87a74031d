"""Put the pieces of a streamed chat answer together. Pure: plain data in, plain data out.

The result has the shape of an answer that was not streamed, so ``raw`` reads the same either way.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .._ids import new_id

__all__ = ["Completion", "arguments_in"]


class Completion:
    """The first choice of a chat answer, as far as it has come.

    ``whole`` says that the endpoint has told the end, ``usage`` what it counted.

    >>> answer = Completion()
    >>> answer.add({"choices": [{"delta": {"role": "assistant", "content": "Hel"}}]})
    'Hel'
    >>> answer.add({"choices": [{"delta": {"content": "lo"}, "finish_reason": "stop"}]})
    'lo'
    >>> answer.text, answer.whole
    ('Hello', True)
    """

    def __init__(self) -> None:
        self.head: dict[str, Any] = {}
        self.message: dict[str, Any] = {"role": "assistant", "content": None}
        self.finish_reason: str | None = None
        self.whole = False
        self.usage: dict[str, Any] | None = None

    def add(self, chunk: Mapping[str, Any]) -> str:
        """Take in one chunk and return the text that is new.

        Raises:
            ValueError: it is not a chunk of a chat answer.
        """
        if not isinstance(chunk, Mapping) or not isinstance(chunk.get("choices"), list):
            raise ValueError("it has no choices")
        for key, value in chunk.items():
            if key not in ("choices", "usage", "object"):
                self.head[key] = value
        if isinstance(chunk.get("usage"), Mapping):
            self.usage = dict(chunk["usage"])
        before = len(self.text)
        for choice in chunk["choices"]:
            if not isinstance(choice, Mapping):
                raise ValueError("a choice is no object")
            if choice.get("index") not in (0, None):
                continue
            message = choice.get("message")
            if isinstance(message, Mapping):
                self.whole = True
            self._merge(message if isinstance(message, Mapping) else choice.get("delta") or {})
            self.finish_reason = choice.get("finish_reason") or self.finish_reason
        self.whole = self.whole or self.finish_reason is not None or self.usage is not None
        return self.text[before:]

    def _merge(self, delta: Any) -> None:
        if not isinstance(delta, Mapping):
            raise ValueError("a delta is no object")
        for key, value in delta.items():
            if key == "tool_calls" and isinstance(value, list):
                self._merge_tool_calls(value)
            elif isinstance(value, str) and key != "role":
                before = self.message.get(key)
                self.message[key] = (before if isinstance(before, str) else "") + value
            elif value is not None:
                self.message[key] = value

    def _merge_tool_calls(self, pieces: list[Any]) -> None:
        calls: list[dict[str, Any]] = self.message.setdefault("tool_calls", [])
        for piece in pieces:
            if not isinstance(piece, Mapping):
                raise ValueError("a tool call is no object")
            place = piece.get("index")
            place = place if isinstance(place, int) and 0 <= place <= len(calls) else len(calls)
            if place == len(calls):
                calls.append({"type": "function", "id": "", "function": {"name": "", "arguments": ""}})
            call = calls[place]
            call.update({key: value for key, value in piece.items() if key in ("id", "type") and value})
            function = piece.get("function") or {}
            if not isinstance(function, Mapping):
                raise ValueError("the function of a tool call is no object")
            for key, value in function.items():
                call["function"][key] = call["function"].get(key, "") + _text_of(value)

    @property
    def text(self) -> str:
        """The text so far; where the model refuses, its refusal."""
        for key in ("content", "refusal"):
            text = self.message.get(key)
            if isinstance(text, list):  # some give parts even where nobody asked for them
                parts = [part.get("text") for part in text if isinstance(part, Mapping)]
                text = "".join(part for part in parts if isinstance(part, str))
            if isinstance(text, str) and text:
                return text
        return ""

    @property
    def thinking(self) -> str:
        """What the model thought before, as far as its endpoint tells it apart."""
        for key in ("reasoning_content", "reasoning"):
            if isinstance(thought := self.message.get(key), str) and thought:
                return thought
        return ""

    @property
    def tool_calls(self) -> list[dict[str, Any]]:
        """The calls of tools that it wishes, in OpenAI's form, each with an id."""
        calls = [call for call in self.message.get("tool_calls") or [] if isinstance(call, dict)]
        for call in calls:
            call["id"] = call.get("id") or f"call_{new_id()[:24]}"  # some servers leave it out
        return calls

    def blocks(self) -> list[dict[str, Any]]:
        """Return the content so far as blocks: thinking, text, calls of tools.

        The ``input`` of a call is empty until all of its arguments are there.
        """
        found: list[dict[str, Any]] = []
        if self.thinking:
            found.append({"type": "thinking", "thinking": self.thinking})
        if self.text:
            found.append({"type": "text", "text": self.text})
        for call in self.tool_calls:
            function = call.get("function") or {}
            arguments = arguments_in(function.get("arguments"))
            found.append(
                {
                    "type": "tool_use",
                    "id": call["id"],
                    "name": str(function.get("name") or ""),
                    "input": arguments or {},
                }
            )
        return found

    def raw(self) -> dict[str, Any]:
        """Return the answer in the shape of one that was not streamed."""
        choice = {"index": 0, "message": self.message, "finish_reason": self.finish_reason}
        return {**self.head, "object": "chat.completion", "choices": [choice], "usage": self.usage}


def _text_of(value: Any) -> str:
    """Return a piece of a call as text; some servers give arguments as an object."""
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False)
    if value is None or isinstance(value, str):
        return value or ""
    raise ValueError("a tool call has a name or arguments that are no text")


def arguments_in(text: Any) -> dict[str, Any] | None:
    """Return the arguments of a call of a tool, or None if they are no JSON object.

    >>> arguments_in('{"a": 1}'), arguments_in(""), arguments_in('{"a": ')
    ({'a': 1}, {}, None)
    """
    if text is None or isinstance(text, dict):
        return dict(text or {})
    try:
        found = json.loads(text) if str(text).strip() else {}
    except (ValueError, TypeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
