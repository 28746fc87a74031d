"""`messages_of`: what a client sent, as the messages that agents take."""

from __future__ import annotations

import json
from typing import Any

from ..message import Msg
from ._failure import Refusal
from ._names import ContentType, MessageType, Role
from ._schemas import Message

__all__ = ["messages_of"]

_FILES = {
    ContentType.IMAGE: ("image_url", "url"),
    ContentType.AUDIO: ("audio_url", "data"),
    ContentType.VIDEO: ("video_url", "url"),
    ContentType.FILE: ("file_url", "file_data"),
}
"""Kind of file: the fields that may hold where it is, or itself."""

_ROLES = {Role.USER: "user", Role.ASSISTANT: "assistant", Role.SYSTEM: "system", Role.TOOL: "system"}


def messages_of(given: list[Message]) -> list[Msg]:
    """Return the messages of a request. Whoever has the token may speak in every role.

    Raises:
        Refusal: there is a part that nobody knows.
    """
    return [_message(message, f"input[{index}]") for index, message in enumerate(given)]


def _message(message: Message, where: str) -> Msg:
    blocks = [
        _block(part, message.type, f"{where}.content[{index}]")
        for index, part in enumerate(message.content or [])
    ]
    role = _ROLES[message.role or Role.USER]
    plain = all(block["type"] == "text" for block in blocks)
    content: Any = "\n".join(block["text"] for block in blocks) if plain else blocks
    return Msg(message.name or (message.role or Role.USER), content, role)


def _block(part: dict[str, Any], kind: str, where: str) -> dict[str, Any]:
    what = part.get("type", ContentType.TEXT)
    if what == ContentType.TEXT:
        text = part.get("text")
        if not isinstance(text, str):
            raise Refusal(422, "invalid_request", f"{where}.text: a text is needed")
        return (
            {"type": "thinking", "thinking": text}
            if kind == MessageType.REASONING
            else {"type": "text", "text": text}
        )
    if what == ContentType.DATA:
        return _data(part.get("data"), kind, where)
    if what in _FILES:
        for field in _FILES[what]:
            if isinstance(part.get(field), str) and part[field]:
                return {"type": what, "source": _source(part[field], what, part)}
        raise Refusal(422, "invalid_request", f"{where}: one of {', '.join(_FILES[what])} is needed")
    raise Refusal(422, "invalid_request", f"{where}.type: one of text, data, {', '.join(_FILES)} is needed")


def _data(data: Any, kind: str, where: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise Refusal(422, "invalid_request", f"{where}.data: an object is needed")
    if kind == MessageType.PLUGIN_CALL:
        arguments = data.get("arguments") or "{}"
        try:
            given = json.loads(arguments) if isinstance(arguments, str) else arguments
        except ValueError:
            raise Refusal(422, "invalid_request", f"{where}.data.arguments: no JSON") from None
        return {
            "type": "tool_use",
            "id": str(data.get("call_id", "")),
            "name": str(data.get("name", "")),
            "input": given,
        }
    if kind == MessageType.PLUGIN_CALL_OUTPUT:
        output = data.get("output", "")
        return {
            "type": "tool_result",
            "id": str(data.get("call_id", "")),
            "name": str(data.get("name", "")),
            "output": output if isinstance(output, str) else json.dumps(output, ensure_ascii=False),
        }
    return {"type": "text", "text": json.dumps(data, ensure_ascii=False)}


def _source(value: str, kind: str, part: dict[str, Any]) -> dict[str, Any]:
    if value.startswith("data:") and ";base64," in value[:200]:
        head, _, data = value.partition(";base64,")
        return {"type": "base64", "media_type": head[5:], "data": data}
    if kind == ContentType.AUDIO and "data" in part and part["data"] == value:
        return {"type": "base64", "media_type": f"audio/{part.get('format') or 'wav'}", "data": value}
    if value.lower().startswith(("http://", "https://")):
        return {"type": "url", "url": value}
    # An address of any other kind would name a file of this machine.
    raise Refusal(422, "invalid_request", f"a {kind} is a web address, or data:...;base64,...")
