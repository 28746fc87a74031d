"""Calling a tool whose name matches the request, and telling what it returned."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ._arithmetic import sums
from ._conversation import PICTURE
from ._recall import recall
from ._scene import Scene, is_question
from ._shape import fill
from ._steps import Steps
from ._text import STOP_WORDS, operand, quote, quoted

__all__ = ["ToolCall", "pick", "report"]

_EXPRESSION = re.compile(r"[-(]*\d[\d.\s()*/+\-^%]*")
_PLACE = re.compile(r"\b(?:in|at|for|of|to|from|near)\s+((?:[A-Z][\w'-]+)(?:\s+[A-Z][\w'-]+){0,2})")
_JOINTS = re.compile(r"\s*(?:;|[.?!]\s|,?\s*\band(?: then| also)?\b|,?\s*\bthen\b)\s*", re.IGNORECASE)
_ENDS = re.compile(r"respon[ds]|answer|finish|final|submit|complete|reply|output", re.IGNORECASE)
_FINDS = re.compile(r"retrieve(_|\Z)")
_LONG = 6
"""Lines from which on a result is not quoted."""
_FITS = 2
"""From here on a tool fits a request: one word of its name, or two of its description."""
_LABEL = re.compile(r"\A\[From outside, [^\n]*\]\n")
"""What stands above an answer that is not this machine's."""
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
        if turn.role == "tool":
            told.append(f"{turn.name} returned {_returned(turn.text)}")
        elif turn.text or not scene.talk.is_mine(turn):  # not that I only called the next one
            break
    return [f"{'; '.join(reversed(told))}.", f"{told[0]}."]


def _returned(text: str) -> str:
    """Say what a tool has returned; a long text by its length."""
    text = _LABEL.sub("", text)
    lines = text.count("\n") + 1
    if lines > _LONG:
        return f"{lines} lines"
    pictures = text.count(PICTURE)
    said = text.replace(PICTURE, "").strip()
    shown = [quote(said, 60)] if said else []
    if pictures:
        shown.append("a picture" if pictures == 1 else f"{pictures} pictures")
    return " and ".join(shown) or "nothing"


def pick(
    scene: Scene,
    tools: Sequence[Mapping[str, Any]],
    choice: Any = "auto",
    *,
    many: bool = True,
    said: Callable[[], str] = str,
) -> list[ToolCall]:
    """Return the calls that the request asks for; none where no tool fits.

    Args:
        scene: The conversation.
        tools: Tools in OpenAI's form.
        choice: OpenAI's ``tool_choice``: "auto", "none", "required" or a function by name.
        many: May several tools be called at once?
        said: Returns what would be said without tools: what a tool that ends the talk is told.
    """
    functions = [tool["function"] for tool in tools if isinstance(tool.get("function"), Mapping)]
    functions = [one for one in functions if isinstance(one.get("name"), str)]
    if choice == "none" or not functions or not scene.talk.turns:
        return []
    forced = choice.get("function", {}).get("name") if isinstance(choice, Mapping) else None
    if forced is not None:
        return [_forced(one, scene, said) for one in functions if one["name"] == forced][:1]
    plan = Steps.of(scene, [one["name"] for one in functions])
    if plan is not None and plan.next is not None:
        step = plan.next
        return [ToolCall(step.tool, _given(one, step.given)) for one in functions if one["name"] == step.tool]
    told = scene.talk.turns[-1].role == "tool" or not scene.request
    if choice == "required" and told:
        last = next((one for one in functions if _ENDS.search(one["name"])), functions[-1])
        return [_forced(last, scene, said)]
    if told:
        return []
    clauses = _clauses(scene.request, functions) if many else [scene.request]
    calls = [call for clause in clauses if (call := _best(functions, clause)) is not None]
    if not calls and (lookup := _lookup(scene, functions)) is not None:
        return [ToolCall(lookup["name"], _arguments(lookup, scene.request))]
    if not calls and choice == "required":
        ranked = sorted(functions, key=lambda one: -_fit(one, scene.request))
        return [_forced(ranked[0], scene, said)]
    return calls


def _given(function: Mapping[str, Any], text: str) -> str:
    """Return the arguments of a call that a request writes out: its text is for the first that takes one."""
    schema = function.get("parameters")
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    if not text or not isinstance(schema, Mapping) or not isinstance(properties, Mapping):
        return "{}"
    if text.startswith("{"):
        with contextlib.suppress(ValueError):
            return json.dumps(dict(json.loads(text)), ensure_ascii=False)
    required = schema.get("required")
    order = [*(required if isinstance(required, list) else ()), *properties]
    kinds = {name: part.get("type") for name, part in properties.items() if isinstance(part, Mapping)}
    place = next((name for name in order if kinds.get(name) == "string"), None)
    return "{}" if place is None else json.dumps({place: text}, ensure_ascii=False)


def _best(functions: Sequence[Mapping[str, Any]], request: str) -> ToolCall | None:
    best = max(functions, key=lambda one: _fit(one, request))
    return ToolCall(best["name"], _arguments(best, request)) if _fit(best, request) >= _FITS else None


def _lookup(scene: Scene, functions: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the tool that finds passages, for a question that I cannot answer by myself."""
    if not is_question(scene.request) or sums(scene) or recall(scene):
        return None
    return next((one for one in functions if _FINDS.match(one["name"])), None)


def _forced(function: Mapping[str, Any], scene: Scene, said: Callable[[], str]) -> ToolCall:
    """Return the call of a tool that must be called: of one that ends the talk, with what is to be said."""
    request = scene.request or (scene.last.text if scene.last else "")
    if _fit(function, request) >= _FITS and not _ENDS.search(function["name"]):
        return ToolCall(function["name"], _arguments(function, request))
    schema = function.get("parameters")
    made = fill(schema, said()) if isinstance(schema, Mapping) else "{}"
    return ToolCall(function["name"], made if made.startswith("{") else "{}")


def _clauses(request: str, functions: Sequence[Mapping[str, Any]]) -> list[str]:
    """Split a request at "and" and the like, wherever what follows asks for a tool of its own."""
    parts: list[str] = []
    for part in _JOINTS.split(request):
        if not parts or max(_fit(one, part) for one in functions) >= _FITS:
            parts.append(part)
        else:
            parts[-1] += f" and {part}"
    return parts if len(parts) > 1 else [request]


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
