"""OpenAI's Responses: a request in, and an answer's events as that API tells them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ._failure import Refusal, refuse_what_is_not_done
from ._names import MessageType, RunStatus
from ._sequence import Event

__all__ = ["BODY", "Responses", "request_of"]

BODY = {
    "type": "object",
    "required": ["input"],
    "properties": {
        "input": {
            "anyOf": [{"type": "string"}, {"type": "array", "minItems": 1, "items": {"type": "object"}}]
        },
        "model": {"type": "string"},
        "instructions": {"type": ["string", "null"]},
        "stream": {"type": ["boolean", "null"]},
        "previous_response_id": {"type": ["string", "null"]},
        "conversation": {"type": ["string", "object", "null"]},
        "max_output_tokens": {"type": ["integer", "null"]},
        "temperature": {"type": ["number", "null"]},
        "top_p": {"type": ["number", "null"]},
    },
}
"""A request, as JSON schema."""

_STATUS = {
    RunStatus.Completed: "completed",
    RunStatus.Failed: "failed",
    RunStatus.Canceled: "cancelled",
    RunStatus.InProgress: "in_progress",
    RunStatus.Created: "in_progress",
}


def request_of(body: dict[str, Any]) -> dict[str, Any]:
    """Return a request to Responses as one to ``/process``; the session is for the caller to find.

    Raises:
        Refusal: it has no input, or one that nobody knows.
    """
    refuse_what_is_not_done(body, ("tools", "tool_choice", "background", "truncation", "prompt"))
    given = body.get("input")
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    if not isinstance(items, list) or not items:
        raise Refusal(400, "invalid_request_error", "input: a text or a list of messages is needed")
    messages = [_message(item, index) for index, item in enumerate(items)]
    instructions = body.get("instructions")
    if instructions is not None and not isinstance(instructions, str):
        raise Refusal(400, "invalid_request_error", "instructions: a text is needed")
    if instructions:
        messages.insert(0, {"role": "system", "content": instructions})
    kept = {
        key: body[key] for key in ("model", "temperature", "top_p", "stream") if body.get(key) is not None
    }
    if body.get("max_output_tokens") is not None:
        kept["max_tokens"] = body["max_output_tokens"]
    return {"input": messages, **kept}


def _message(item: Any, index: int) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise Refusal(400, "invalid_request_error", f"input[{index}]: an object is needed")
    kind = item.get("type", "message")
    if kind == "function_call":
        data = {"call_id": item.get("call_id"), "name": item.get("name"), "arguments": item.get("arguments")}
        return _tool(MessageType.PLUGIN_CALL, "assistant", data)
    if kind == "function_call_output":
        return _tool(
            MessageType.PLUGIN_CALL_OUTPUT,
            "tool",
            {"call_id": item.get("call_id"), "output": item.get("output")},
        )
    if kind != "message":
        raise Refusal(
            400,
            "invalid_request_error",
            f"input[{index}].type: message, function_call or function_call_output is needed",
        )
    content = item.get("content")
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    if not isinstance(parts, list):
        raise Refusal(400, "invalid_request_error", f"input[{index}].content: a text or a list is needed")
    role = "system" if item.get("role") == "developer" else item.get("role", "user")
    return {"role": role, "content": [_part(part) for part in parts]}


def _part(part: Any) -> Any:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind in ("input_text", "output_text", "text"):
        return {"type": "text", "text": part.get("text")}
    if kind == "input_image":
        return {"type": "image", "image_url": part.get("image_url")}
    if kind == "input_file":
        return {"type": "file", "file_url": part.get("file_url"), "file_data": part.get("file_data")}
    raise Refusal(400, "invalid_request_error", f"there is no part of the type {str(kind)[:40]!r}")


def _tool(kind: str, role: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "role": role, "content": [{"type": "data", "data": data}]}


class Responses:
    """Turns the events of one answer into those of OpenAI's API, numbered anew from 0.

    What the agent thought is a ``reasoning`` item. A tool that the agent has called is an ``mcp_call``,
    with its result: a ``function_call`` would ask the client to call it.
    """

    def __init__(self, body: dict[str, Any], app_name: str, session: str) -> None:
        self._app = app_name or "agent"
        self._next = 0
        self._items: dict[str, tuple[int, dict[str, Any]]] = {}
        """Our message's id: the index in the output, and the item."""
        self._calls: dict[str, tuple[int, dict[str, Any]]] = {}
        self._output: list[dict[str, Any]] = []
        self.response: dict[str, Any] = {
            "id": "",
            "object": "response",
            "created_at": 0,
            "completed_at": None,
            "status": "in_progress",
            "error": None,
            "incomplete_details": None,
            "instructions": body.get("instructions"),
            "max_output_tokens": body.get("max_output_tokens"),
            "metadata": body.get("metadata") or {},
            "model": body.get("model") or self._app,
            "output": [],
            "parallel_tool_calls": True,
            "previous_response_id": body.get("previous_response_id"),
            "temperature": body.get("temperature"),
            "text": {"format": {"type": "text"}},
            "tool_choice": "auto",
            "tools": body.get("tools") or [],
            "top_p": body.get("top_p"),
            "truncation": "disabled",
            "usage": None,
            "conversation": {"id": session},
        }

    def take(self, event: Event) -> Iterator[dict[str, Any]]:
        """Yield what OpenAI's API tells of one of our events."""
        told = {"response": self._of_response, "message": self._of_message, "content": self._of_content}
        for kind, data in told[event["object"]](event):
            number, self._next = self._next, self._next + 1
            yield {"type": f"response.{kind}", "sequence_number": number, **data}

    def _of_response(self, event: Event) -> Iterator[tuple[str, dict[str, Any]]]:
        status = event["status"]
        error = event["error"]
        self.response |= {
            "id": event["id"],
            "created_at": event["created_at"],
            "completed_at": event["completed_at"] if status == RunStatus.Completed else None,
            "status": _STATUS.get(status, "incomplete"),
            "output": list(self._output),
            "usage": _usage(event["usage"]),
            "error": None if error is None else {"code": "server_error", "message": error["message"]},
        }
        kinds = {
            RunStatus.Created: "created",
            RunStatus.InProgress: "in_progress",
            RunStatus.Canceled: "incomplete",
        }
        kind = kinds.get(status, str(status))
        yield kind, {"response": dict(self.response)}

    def _of_message(self, event: Event) -> Iterator[tuple[str, dict[str, Any]]]:
        if event["type"] == MessageType.PLUGIN_CALL_OUTPUT:
            return
        if event["status"] == RunStatus.InProgress:
            index, item = len(self._output), _item(event, self._app)
            self._items[event["id"]] = (index, item)
            self._output.append(item)
            yield "output_item.added", {"output_index": index, "item": dict(item)}
        elif event["type"] != MessageType.PLUGIN_CALL:
            index, item = self._items[event["id"]]
            item["status"] = "completed" if event["status"] == RunStatus.Completed else "incomplete"
            yield "output_item.done", {"output_index": index, "item": dict(item)}

    def _of_content(self, event: Event) -> Iterator[tuple[str, dict[str, Any]]]:
        if event["type"] == "data":
            yield from self._of_call(event["data"], event["msg_id"])
            return
        index, item = self._items[event["msg_id"]]
        where = {"item_id": item["id"], "output_index": index}
        if item["type"] == "reasoning":
            yield from _text(
                event,
                where,
                item["summary"],
                "summary_index",
                "reasoning_summary_part",
                "reasoning_summary_text",
                {"type": "summary_text", "text": ""},
            )
        elif event["type"] == "text":
            part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
            yield from _text(
                event, where, item["content"], "content_index", "content_part", "output_text", part
            )

    def _of_call(self, data: dict[str, Any], message_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
        call_id = str(data.get("call_id"))
        if "output" not in data:
            index, item = self._items[message_id]
            item |= {"name": data.get("name"), "arguments": data.get("arguments", "{}")}
            self._calls[call_id] = (index, item)
            where = {"item_id": item["id"], "output_index": index}
            yield "mcp_call.in_progress", where
            yield "mcp_call_arguments.done", {**where, "arguments": item["arguments"]}
        elif call_id in self._calls:
            index, item = self._calls.pop(call_id)
            item |= {"output": data["output"], "status": "completed"}
            yield "mcp_call.completed", {"item_id": item["id"], "output_index": index}
            yield "output_item.done", {"output_index": index, "item": dict(item)}


def _item(event: Event, app: str) -> dict[str, Any]:
    own = event["id"]
    if event["type"] == MessageType.REASONING:
        return {"id": own, "type": "reasoning", "summary": [], "status": "in_progress"}
    if event["type"] == MessageType.PLUGIN_CALL:
        return {
            "id": own,
            "type": "mcp_call",
            "server_label": app,
            "name": "",
            "arguments": "",
            "status": "in_progress",
        }
    return {"id": own, "type": "message", "role": "assistant", "status": "in_progress", "content": []}


def _text(
    event: Event,
    where: dict[str, Any],
    parts: list[dict[str, Any]],
    index: str,
    part_kind: str,
    kind: str,
    fresh: dict[str, Any],
) -> Iterator[tuple[str, dict[str, Any]]]:
    place = {**where, index: event["index"]}
    logprobs: dict[str, Any] = {"logprobs": []} if kind == "output_text" else {}
    if len(parts) <= event["index"]:
        parts.append(fresh)
        yield f"{part_kind}.added", {**place, "part": dict(fresh)}
    part = parts[event["index"]]
    if event["delta"]:
        part["text"] += event["text"]
        yield f"{kind}.delta", {**place, "delta": event["text"], **logprobs}
    else:
        part["text"] = event["text"]
        yield f"{kind}.done", {**place, "text": event["text"], **logprobs}
        yield f"{part_kind}.done", {**place, "part": dict(part)}


def _usage(usage: dict[str, Any] | None) -> dict[str, Any] | None:
    if usage is None:
        return None
    read, written = int(usage.get("input_tokens") or 0), int(usage.get("output_tokens") or 0)
    return {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": read + written,
    }
