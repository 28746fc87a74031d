"""A chat request read from JSON and checked as OpenAI's API checks it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ._catalog import DemoModel, model_named
from ._failure import Failure

__all__ = ["ChatRequest", "read_object", "wrong"]

_ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
_NAME = re.compile(r"[^\s<|\\/>]{1,64}")


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What a client asks for, as far as the demo models heed it."""

    model: DemoModel
    messages: tuple[Mapping[str, Any], ...]
    stream: bool
    include_usage: bool
    max_tokens: int | None
    stop: tuple[str, ...]
    tools: tuple[Mapping[str, Any], ...]
    tool_choice: Any
    many_tools: bool
    as_json: bool
    schema: Mapping[str, Any] | None
    seed: int

    @classmethod
    def read(cls, body: bytes, stand_in: str | None = None) -> ChatRequest:
        """Read a request's body; ``stand_in`` is the model that answers for those that are not there.

        Raises:
            Failure: it is no JSON object, or a part of it is missing or of the wrong kind.
        """
        data, model = read_object(body, stand_in)
        if data.get("n") not in (None, 1):
            raise wrong("n", "the demo models give one choice, the same every time")
        options = data.get("stream_options") or {}
        as_json, schema = _format(data.get("response_format"))
        limit = data.get("max_completion_tokens") or data.get("max_tokens")
        if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
            raise wrong("max_completion_tokens", "expected a whole number of at least 1")
        return cls(
            model=model,
            messages=_messages(data),
            stream=_flag(data, "stream"),
            include_usage=isinstance(options, dict) and options.get("include_usage") is True,
            max_tokens=limit,
            stop=_stop(data.get("stop")),
            tools=_tools(data.get("tools")),
            tool_choice=_choice(data.get("tool_choice")),
            many_tools=data.get("parallel_tool_calls") is not False,
            as_json=as_json,
            schema=schema,
            seed=_seed(data.get("seed")),
        )


def read_object(body: bytes, stand_in: str | None = None) -> tuple[dict[str, Any], DemoModel]:
    """Return what a body says, and the model that it asks for.

    Raises:
        Failure: it is no JSON object, or there is no such model.
    """
    try:
        data = _parsed(body)
    except (ValueError, RecursionError):
        raise Failure(
            400,
            "We could not parse the JSON body of your request. The body of a request is one JSON object.",
        ) from None
    if not isinstance(data, dict):
        raise Failure(400, "The body of a request is one JSON object.")
    model = data.get("model")
    if not isinstance(model, str) or not model:
        raise Failure(
            400, "you must provide a model parameter", param="model", code="missing_required_parameter"
        )
    found = model_named(model, stand_in)
    if found is None:
        raise Failure.unknown_model(model)
    if found.broken:
        raise Failure.broken()
    return data, found


def _parsed(body: bytes) -> Any:
    text = body.decode()
    data = json.loads(text)
    if "\\ud" in text.lower():  # half a surrogate pair could be read, and never be sent
        json.dumps(data, ensure_ascii=False).encode()
    return data


def wrong(param: str, why: str) -> Failure:
    """Return the error for a part of a request that is of no use."""
    return Failure(400, f"Invalid value for '{param}': {why}.", param=param, code="invalid_value")


def _flag(data: Mapping[str, Any], name: str) -> bool:
    value = data.get(name)
    if value is not None and not isinstance(value, bool):
        raise wrong(name, "expected true or false")
    return bool(value)


def _messages(data: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    if "messages" not in data:
        raise Failure(
            400,
            "Missing required parameter: 'messages'.",
            param="messages",
            code="missing_required_parameter",
        )
    messages = data["messages"]
    if not isinstance(messages, list) or not messages:
        raise wrong("messages", "expected an array of at least one message")
    for index, message in enumerate(messages):
        where = f"messages[{index}]"
        if not isinstance(message, dict):
            raise wrong(where, "expected an object")
        role, content, name = message.get("role"), message.get("content"), message.get("name")
        if not isinstance(role, str) or role not in _ROLES:
            raise wrong(f"{where}.role", f"expected one of {', '.join(sorted(_ROLES))}")
        if not isinstance(content, str | list) and not (role == "assistant" and content is None):
            raise wrong(f"{where}.content", "expected a string or an array of parts")
        if isinstance(content, list) and not all(isinstance(part, dict) for part in content):
            raise wrong(f"{where}.content", "expected an array of objects")
        if name is not None and not (isinstance(name, str) and _NAME.fullmatch(name)):
            raise wrong(
                f"{where}.name", "expected up to 64 characters without blanks and without any of < | \\ / >"
            )
        if not isinstance(message.get("tool_calls") or [], list):
            raise wrong(f"{where}.tool_calls", "expected an array")
    return tuple(messages)


def _seed(value: Any) -> int:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise wrong("seed", "expected a whole number")
    return value or 0


def _stop(value: Any) -> tuple[str, ...]:
    texts = [value] if isinstance(value, str) else value or []
    if (
        not isinstance(texts, list)
        or len(texts) > 4
        or not all(isinstance(text, str) and text for text in texts)
    ):
        raise wrong("stop", "expected up to 4 strings")
    return tuple(texts)


def _choice(value: Any) -> Any:
    if value is None or value in ("auto", "none", "required"):
        return value or "auto"
    if not isinstance(value, dict) or not isinstance(value.get("function"), dict):
        raise wrong("tool_choice", "expected auto, none, required or a function")
    return value


def _tools(value: Any) -> tuple[Mapping[str, Any], ...]:
    tools = value or []
    if not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in tools):
        raise wrong("tools", "expected an array of objects")
    return tuple(tools)


def _format(value: Any) -> tuple[bool, Mapping[str, Any] | None]:
    if value is None:
        return False, None
    kind = value.get("type") if isinstance(value, dict) else None
    match kind:
        case "text":
            return False, None
        case "json_object":
            return True, None
        case "json_schema":
            named = value.get("json_schema")
            schema = named.get("schema") if isinstance(named, dict) else None
            if not isinstance(schema, dict):
                raise wrong("response_format.json_schema.schema", "expected a JSON schema")
            return True, schema
        case _:
            raise wrong("response_format.type", "expected text, json_object or json_schema")
