"""OpenAI's Chat Completions: a request in, and an answer's events as that API tells them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ._failure import Refusal, refuse_what_is_not_done
from ._names import MessageType, RunStatus
from ._sequence import Event

__all__ = ["BODY", "Completions", "request_of"]

BODY = {
    "type": "object",
    "required": ["messages"],
    "properties": {
        "messages": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {
                    "role": {"enum": ["assistant", "developer", "system", "tool", "user"]},
                    "content": {"type": ["string", "array", "null"]},
                },
            },
        },
        "model": {"type": "string"},
        "stream": {"type": ["boolean", "null"]},
        "temperature": {"type": ["number", "null"]},
        "max_tokens": {"type": ["integer", "null"]},
    },
}
"""A request, as JSON schema."""


def request_of(body: dict[str, Any]) -> dict[str, Any]:
    """Return a request to Chat Completions as one to ``/process``.

    Raises:
        Refusal: it has no messages, or some that nobody knows.
    """
    refuse_what_is_not_done(body, ("tools", "tool_choice", "functions", "response_format", "logprobs"))
    if body.get("n") not in (None, 1):
        raise Refusal(400, "unsupported_parameter", "n: one answer is given")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Refusal(400, "invalid_request_error", "messages: a list of messages is needed")
    kept = {
        key: body[key]
        for key in ("model", "temperature", "top_p", "max_tokens", "stop", "seed", "stream")
        if body.get(key) is not None
    }
    return {"input": [_message(message, index) for index, message in enumerate(messages)], **kept}


def _message(message: Any, index: int) -> dict[str, Any]:
    if not isinstance(message, dict):
        raise Refusal(400, "invalid_request_error", f"messages[{index}]: an object is needed")
    role = "system" if message.get("role") == "developer" else message.get("role", "user")
    if role == "tool":
        data = {"call_id": message.get("tool_call_id"), "output": message.get("content")}
        return {
            "type": MessageType.PLUGIN_CALL_OUTPUT,
            "role": "tool",
            "content": [{"type": "data", "data": data}],
        }
    content = message.get("content")
    if content is None and role != "assistant":
        raise Refusal(400, "invalid_request_error", f"messages[{index}].content: a text or a list is needed")
    content = content or ""
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    if not isinstance(parts, list):
        raise Refusal(400, "invalid_request_error", f"messages[{index}].content: a text or a list is needed")
    return {"role": role, "name": message.get("name"), "content": [_part(part) for part in parts]}


def _part(part: Any) -> Any:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "text":
        return {"type": "text", "text": part.get("text")}
    if kind == "image_url":
        where = part.get("image_url")
        return {"type": "image", "image_url": where.get("url") if isinstance(where, dict) else where}
    raise Refusal(400, "invalid_request_error", f"there is no part of the type {str(kind)[:40]!r}")


class Completions:
    """Turns the events of one answer into chunks of a chat answer; or into the whole of it.

    Only what is said is told: this API has no place for what an agent thought, and for tools that are
    called already.
    """

    def __init__(self, body: dict[str, Any], app_name: str) -> None:
        options = body.get("stream_options")
        self._counted = isinstance(options, dict) and bool(options.get("include_usage"))
        self._model = body.get("model") or app_name or "agent"
        self._id, self._created = "", 0
        self._spoken: set[str] = set()
        self._begun = False
        self.failure: dict[str, Any] | None = None

    def take(self, event: Event) -> Iterator[dict[str, Any]]:
        """Yield the chunks that one of our events is."""
        kind, status = event["object"], event["status"]
        if kind == "response" and status == RunStatus.Created:
            self._id, self._created = "chatcmpl-" + event["id"].rpartition("_")[2], event["created_at"]
            yield self._chunk({"role": "assistant", "content": ""})
        elif kind == "message" and event["type"] == MessageType.MESSAGE and status == RunStatus.InProgress:
            self._spoken.add(event["id"])
            if self._begun:
                yield self._chunk({"content": "\n\n"})
        elif kind == "content" and event["delta"] and event["msg_id"] in self._spoken:
            self._begun = True
            yield self._chunk({"content": event["text"]})
        elif kind == "response" and event["completed_at"] is not None:
            self.failure = event["error"]
            if self.failure is None:
                yield self._chunk({}, "stop" if status == RunStatus.Completed else "length")
                if self._counted:
                    yield {**self._chunk({}), "choices": [], "usage": _usage(event["usage"])}

    def whole(self, event: Event) -> dict[str, Any]:
        """Return the answer as one, of the last of our events."""
        texts = [
            "".join(part["text"] for part in message["content"] if part["type"] == "text")
            for message in event["output"]
            if message["type"] == MessageType.MESSAGE
        ]
        return {
            "id": "chatcmpl-" + event["id"].rpartition("_")[2],
            "object": "chat.completion",
            "created": event["created_at"],
            "model": self._model,
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": "\n\n".join(texts), "refusal": None},
                    "logprobs": None,
                    "finish_reason": "stop",
                }
            ],
            "usage": _usage(event["usage"]),
        }

    def _chunk(self, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": self._model,
            "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}],
        }


def _usage(usage: dict[str, Any] | None) -> dict[str, Any]:
    usage = usage or {}
    read, written = int(usage.get("input_tokens") or 0), int(usage.get("output_tokens") or 0)
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
