"""The answer to a chat request, and the JSON that carries it: whole, or in pieces."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from ._lecture import lecture
from ._request import ChatRequest
from .rules import Scene, ToolCall, lift_schema, lift_tools, pick, speak, wish

__all__ = ["Answer", "count_tokens"]

PER_MESSAGE = 3
"""Tokens counted for a message besides its text."""


def count_tokens(text: str) -> int:
    """Count tokens by rule: four for three words, rounded up.

    >>> count_tokens("Write about rain")
    4
    """
    return ceil(len(text.split()) * 4 / 3)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said or called, why it ended, and what it measured."""

    model: str
    text: str
    calls: tuple[ToolCall, ...]
    finish: str
    prompt_tokens: int
    id: str = field(default_factory=lambda: f"chatcmpl-demo{secrets.token_hex(12)}")
    created: int = field(default_factory=lambda: int(time.time()))

    @classmethod
    def of(cls, request: ChatRequest) -> Answer:
        """Ask the rules; the text is a function of the request alone."""
        talk, spoken = lift_tools(request.messages)
        messages, wanted = lift_schema(talk)
        given = request.schema
        scene = Scene.of(messages if given is None else talk, seed=request.seed)
        calls = pick(
            scene,
            request.tools or spoken,
            request.tool_choice,
            many=request.many_tools,
            said=lambda: speak(scene),
        )
        text, finish = "", "tool_calls"
        if spoken and not request.tools:
            said = "" if calls else speak(scene, wanted)
            text, finish = _ended(wish(calls, said), request)
            calls = []
        elif not calls:
            text = lecture() if request.model.long else speak(scene, given or wanted, as_json=request.as_json)
            text, finish = _ended(text, request)
        size = sum(PER_MESSAGE + count_tokens(_text(message)) for message in request.messages)
        return cls(request.model.name, text, tuple(calls), finish, size)

    @property
    def tokens(self) -> int:
        """Return how many tokens the answer has."""
        if self.calls:
            return sum(count_tokens(call.arguments) + 1 for call in self.calls)
        return count_tokens(self.text)

    @property
    def usage(self) -> dict[str, int]:
        """Return the token counts in OpenAI's form."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.tokens,
            "total_tokens": self.prompt_tokens + self.tokens,
        }

    def whole(self) -> dict[str, Any]:
        """Return the answer as one ``chat.completion`` object."""
        message: dict[str, Any] = {
            "role": "assistant",
            "content": self.text,
            "refusal": None,
            "annotations": [],
        }
        if self.calls:
            made = [self._call(index, call, call.arguments) for index, call in enumerate(self.calls)]
            message |= {"content": None, "tool_calls": made}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self.finish}
        return {**self._head("chat.completion"), "choices": [choice], "usage": self.usage}

    def pieces(self) -> Iterator[tuple[dict[str, Any], int]]:
        """Yield the deltas of a streamed answer, each with the tokens it holds."""
        for index, call in enumerate(self.calls):
            head = {"role": "assistant", "content": None, "refusal": None} if index == 0 else {}
            yield {**head, "tool_calls": [{"index": index, **self._call(index, call, "")}]}, 1
            for piece in split(call.arguments):
                told = {"index": index, "function": {"arguments": piece}}
                yield {"tool_calls": [told]}, count_tokens(piece)
        if self.calls:
            return
        yield {"role": "assistant", "content": "", "refusal": None}, 0
        said = ""
        for piece in split(self.text):
            before, said = count_tokens(said), said + piece
            yield {"content": piece}, count_tokens(said) - before

    def chunk(self, delta: dict[str, Any], finish: str | None = None, *, usage: bool = False) -> str:
        """Return one server-sent event with a delta; ``usage`` tells that a count follows at the end."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _event(
            {**self._head("chat.completion.chunk"), "choices": [choice], **({"usage": None} if usage else {})}
        )

    def counted(self) -> str:
        """Return the last event before the end, with the token counts and no choice."""
        return _event({**self._head("chat.completion.chunk"), "choices": [], "usage": self.usage})

    def _head(self, kind: str) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "service_tier": "default",
            "system_fingerprint": None,
        }

    def _call(self, index: int, call: ToolCall, arguments: str) -> dict[str, Any]:
        return {
            "id": f"call_{self.id[-16:]}{index or ''}",
            "type": "function",
            "function": {"name": call.name, "arguments": arguments},
        }


def split(text: str) -> list[str]:
    r"""Split ``text`` before each blank run, so that the pieces joined are the text.

    >>> split("Rain at\ndawn.")
    ['Rain', ' at', '\ndawn.']
    """
    return re.findall(r"\s*\S+|\s+$", text)


def _text(message: Any) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    return " ".join(str(part.get("text", "")) for part in content or [])


def _event(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n"


def _ended(text: str, request: ChatRequest) -> tuple[str, str]:
    for stop in request.stop:
        text = text.split(stop, 1)[0]
    if request.max_tokens is None or count_tokens(text) <= request.max_tokens:
        return text, "stop"
    kept = ""
    for piece in split(text):
        if count_tokens(kept + piece) > request.max_tokens:
            break
        kept += piece
    return kept, "length"
