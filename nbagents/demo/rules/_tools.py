"""Calling a tool whose name matches the request, and telling what it returned."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ._scene import Scene
from ._shape import fill
from ._text import STOP_WORDS, operand, quote, quoted

__all__ = ["ToolCall", "pick", "report"]

_EXPRESSION = re.compile(r"[-(]*\d[\d.\s()*/+\-^%]*")
_PLACE = re.compile(r"\b(?:in|at|for|of|to|from|near)\s+((?:[A-Z][\w'-]+)(?:\s+[A-Z][\w'-]+){0,2})")
_LIST = re.compile(r"^(?:sort|order|sum|add|join|count)?\s*:?\s*(.+)$", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function to call, with its arguments as JSON."""

    name: str
    arguments: str


def report(scene: Scene) -> list[str] | None:
    """Tell what the tools returned since I spoke; None where none did."""
    if not scene.talk.turns or scene.talk.turns[-1].role != "tool":
        return None
    told = []
    for turn in reversed(scene.talk.turns):
        if turn.role != "tool":
            break
        told.append(
            f"{turn.name} returned {quote(turn.text, 60)}" if turn.text else f"{turn.name} returned nothing"
        )
    return [f"{'; '.join(reversed(told))}.", f"{told[0]}."]


def pick(scene: Scene, tools: Sequence[Mapping[str, Any]], choice: Any = "auto") -> ToolCall | None:
    """Return the call that the request asks for; None where no tool fits.

    Args:
        scene: The conversation.
        tools: Tools in OpenAI's form.
        choice: OpenAI's ``tool_choice``: "auto", "none", "required" or a function by name.
    """
    functions = [tool["function"] for tool in tools if isinstance(tool.get("function"), Mapping)]
    functions = [one for one in functions if isinstance(one.get("name"), str)]
    if choice == "none" or not functions or not scene.talk.turns:
        return None
    forced = choice.get("function", {}).get("name") if isinstance(choice, Mapping) else None
    if forced is not None:
        functions = [one for one in functions if one["name"] == forced]
    elif scene.talk.turns[-1].role == "tool" or not scene.request:
        return None
    ranked = sorted(functions, key=lambda one: -_fit(one, scene.request))
    if not ranked or (forced is None and choice != "required" and _fit(ranked[0], scene.request) < 2):
        return None
    return ToolCall(ranked[0]["name"], _arguments(ranked[0], scene.request))


def _fit(function: Mapping[str, Any], request: str) -> int:
    """Return how well the function's words match the request's: a name's word counts twice."""
    asked = _stems(request)
    if re.search(rf"(?<!\w){re.escape(function['name'])}(?!\w)", request, re.IGNORECASE):
        return 100
    named = _stems(re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", function["name"]))
    described = _stems(str(function.get("description") or ""))
    return 2 * len(asked & named) + len(asked & (described - named))


def _stems(text: str) -> set[str]:
    return {
        word.lower()[:5]
        for word in re.findall(r"[^\W\d_]{3,}", text)
        if word.lower() not in STOP_WORDS - {"get"}
    } - {"get"}


def _arguments(function: Mapping[str, Any], request: str) -> str:
    schema = function.get("parameters")
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    if not isinstance(schema, Mapping) or not isinstance(properties, Mapping):
        return "{}"
    required = schema.get("required")
    wanted = set(required) if isinstance(required, list) else set(properties)
    numbers = iter(re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?", request))
    texts = iter(quoted(request))
    made: dict[str, Any] = {}
    for name, part in properties.items():
        value = _argument(str(name), part if isinstance(part, Mapping) else {}, request, numbers, texts)
        if value is None and name in wanted:
            rooted = {**part, "$defs": schema.get("$defs", {})} if isinstance(part, Mapping) else {}
            value = json.loads(fill(rooted, request))
        if value is not None:
            made[str(name)] = value
    return json.dumps(made, ensure_ascii=False)


def _argument(
    name: str, part: Mapping[str, Any], request: str, numbers: Iterator[str], texts: Iterator[str]
) -> Any:
    options = part.get("enum")
    if isinstance(options, list):
        return next((one for one in options if str(one).lower() in request.lower()), None)
    match part.get("type", "string"):
        case "integer" | "number" as kind:
            found = next(numbers, None)
            return (
                None
                if found is None
                else int(float(found))
                if kind == "integer" or "." not in found
                else float(found)
            )
        case "array":
            return _list(part, request)
        case "string":
            return _string(name.lower(), request, texts)
        case _:
            return None


def _list(part: Mapping[str, Any], request: str) -> list[Any] | None:
    items = part.get("items")
    kind = items.get("type") if isinstance(items, Mapping) else None
    if kind in {"integer", "number"}:
        found = re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?", request)
        return [
            int(float(one)) if kind == "integer" or "." not in one else float(one) for one in found
        ] or None
    body = operand(request) or ((_LIST.match(request) or [""])[1] if "," in request else "")
    return [one.strip(" .?") for one in re.split(r",|\band\b", body) if one.strip(" .?")] or None


def _string(name: str, request: str, texts: Iterator[str]) -> str:
    if "expr" in name or name in {"formula", "calculation"}:
        found = max(_EXPRESSION.findall(request), key=len, default="").strip()
        if found:
            return found
    inside = next(texts, None)
    if inside:
        return inside
    if name in {"city", "location", "place", "country", "town", "where", "destination"}:
        place = _PLACE.search(request)
        if place:
            return place[1]
    return operand(request) or request.strip()
