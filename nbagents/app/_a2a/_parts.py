"""Parts of A2A's messages as those of an app's requests, and back."""

from __future__ import annotations

import base64
from typing import Any

from a2a.helpers import get_data_parts, new_data_part
from a2a.types import Message, Part, Role, SendMessageRequest

from .._failure import Refusal
from .._names import ContentType
from .._stream import well_formed

__all__ = ["copied", "part_of", "request_of"]

_FILES = (ContentType.IMAGE, ContentType.AUDIO, ContentType.VIDEO)


def request_of(asked: SendMessageRequest) -> dict[str, Any]:
    """Return what a client sends as a request to ``/process``; its metadata are fields of the request.

    Raises:
        Refusal: it holds a part that nobody knows.
    """
    message = asked.message
    role = "assistant" if message.role == Role.ROLE_AGENT else "user"
    content = [_content_of(part, index) for index, part in enumerate(message.parts)]
    body = _metadata(asked) | {"input": [{"role": role, "content": content}]}
    if message.context_id:
        body["session_id"] = message.context_id
    return body


def _content_of(part: Part, index: int) -> dict[str, Any]:
    kind = part.WhichOneof("content")
    if kind == "text":
        return {"type": ContentType.TEXT, "text": part.text}
    if kind == "data":
        (data,) = get_data_parts([part])
        return {"type": ContentType.DATA, "data": data if isinstance(data, dict) else {"value": data}}
    what = part.media_type.partition("/")[0]
    what = what if what in _FILES else ContentType.FILE
    field = "data" if what == ContentType.AUDIO and kind == "raw" else f"{what}_url"
    if kind == "url":
        field = "data" if what == ContentType.AUDIO else field
        return {"type": what, field: part.url}
    if kind == "raw":
        media_type = part.media_type or "application/octet-stream"
        return {"type": what, field: f"data:{media_type};base64,{base64.b64encode(part.raw).decode()}"}
    raise Refusal(422, "invalid_request", f"parts[{index}]: text, data, raw or url is needed")


def _metadata(asked: SendMessageRequest) -> dict[str, Any]:
    if not asked.HasField("metadata"):
        return {}
    carrier = Part()
    carrier.data.struct_value.CopyFrom(asked.metadata)
    found: dict[str, Any] = get_data_parts([carrier])[0]
    return found


def part_of(content: dict[str, Any]) -> Part:
    """Return a part of what agents say, as an answer's events hold it."""
    kind = content["type"]
    if kind == ContentType.TEXT:
        return Part(text=well_formed(content["text"]))
    if kind == ContentType.DATA:
        return new_data_part(well_formed(content["data"]))
    where = well_formed(str(content.get(f"{kind}_url", "")))
    if where.startswith("data:") and ";base64," in where[:200]:
        head, _, data = where.partition(";base64,")
        try:
            return Part(raw=base64.b64decode(data, validate=True), media_type=head[5:])
        except ValueError:  # not in the alphabet, or no ASCII at all
            return Part(text=f"[a broken {kind}]")
    return Part(url=where, media_type="" if kind == ContentType.FILE else f"{kind}/*")


def copied(message: Message, context_id: str, task_id: str) -> Message:
    """Return a client's message as the history of its task has it."""
    kept = Message()
    kept.CopyFrom(message)
    kept.context_id, kept.task_id = context_id, task_id
    return kept
