"""Putting a reply into JSON: the keys of an example or of a schema, filled from the reply."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ._text import count_words

__all__ = ["fill", "keys", "wrap"]

DEEPEST = 8
"""Levels of a schema that are filled; what lies deeper stays empty."""

_KEY = re.compile(
    r"[\"']([A-Za-z_]\w{0,40})[\"']\s*:\s*(\[|\{|\"|'|<|true|false|bool\w*|int\w*|number|\d)?", re.IGNORECASE
)
_NAMED = re.compile(
    r"\b(?:keys?|fields?|propert(?:y|ies)|attributes?)\s*(?:are\s+|named\s+|called\s+|:\s*)?((?:[\"'“`]?\w+[\"'”`]?(?:\s*,\s*and\s+|\s*,\s*|\s+and\s+)?)+)",
    re.IGNORECASE,
)
_AGREEING = re.compile(r"agree|finish|approv|done|accept|stop|end\b|over\b|success|ok\b", re.IGNORECASE)
_THINKING = re.compile(r"thought|think|reason|rationale|analysis|explanation|why", re.IGNORECASE)
_COUNTING = re.compile(r"count|words?$|length|number|score|n_|total|size|confidence", re.IGNORECASE)
_THOUGHT = "A fixed rule chose this reply."


def keys(instruction: str) -> dict[str, str]:
    """Return the keys that an instruction names, each with a hint of its type.

    >>> keys('Reply as JSON: {"speak": "what you say", "agreement": true}')
    {'speak': 'string', 'agreement': 'boolean'}
    """
    found: dict[str, str] = {}
    for key, start in _KEY.findall(instruction):
        start = start.lower()
        kind = (
            "boolean"
            if start.startswith(("true", "false", "bool"))
            else "array"
            if start == "["
            else "string"
        )
        kind = "integer" if start.isdigit() or start.startswith(("int", "number")) else kind
        found.setdefault(key, kind)
    if not found:
        named = _NAMED.search(instruction)
        if named:
            listed = re.findall(r"\w+", re.sub(r"\band\b", " ", named[1]))
            found = {
                key: "string" for key in listed[:12] if key.lower() not in {"only", "in", "as", "of", "the"}
            }
    return {key: _guess(key) if kind == "string" else kind for key, kind in found.items()}


def _guess(key: str) -> str:
    if _AGREEING.search(key) and not key.endswith(("reason", "text", "message")):
        return "boolean"
    return "integer" if _COUNTING.search(key) else "string"


def wrap(text: str, instruction: str) -> str:
    """Return ``text`` as a JSON object of the form that ``instruction`` describes."""
    wanted = keys(instruction) or {"reply": "string"}
    made = {key: _value(key, {"type": kind}, text, 0) for key, kind in wanted.items()}
    if all(value is _THOUGHT for value in made.values()):
        made[next(iter(made))] = text
    body = json.dumps(made, ensure_ascii=False)
    return f"```json\n{body}\n```" if "```" in instruction else body


def fill(schema: Mapping[str, Any], text: str) -> str:
    """Return JSON that is valid for ``schema``, with ``text`` in its first free string."""
    return json.dumps(_value("", schema, text, 0, schema), ensure_ascii=False)


def _value(key: str, schema: Any, text: str, depth: int, root: Any = None) -> Any:
    schema = _resolved(schema, root)
    if not isinstance(schema, Mapping) or depth > DEEPEST:
        return None
    if "const" in schema:
        return schema["const"]
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        options = list(schema["enum"])
        return next((one for one in options if str(one).lower() in text.lower()), options[0])
    for union in ("anyOf", "oneOf", "allOf"):
        if isinstance(schema.get(union), list) and schema[union]:
            return _value(key, schema[union][0], text, depth + 1, root)
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if kind is None:
        kind = "object" if "properties" in schema else "string"
    match kind:
        case "object":
            return _object(schema, text, depth, root)
        case "array":
            least = schema.get("minItems")
            count = max(1, min(least, 20)) if isinstance(least, int) else 1
            return [_value(key, schema.get("items", {"type": "string"}), text, depth + 1, root)] * count
        case "boolean":
            return not text.lower().startswith(("no", "against", "i cannot"))
        case "integer" | "number":
            return _number(schema, key, text, kind)
        case "null":
            return None
        case _:
            return _string(schema, key, text)


def _object(schema: Mapping[str, Any], text: str, depth: int, root: Any) -> dict[str, Any]:
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return {}
    return {
        str(name): _value(str(name), part, text, depth + 1, root)
        for name, part in list(properties.items())[:50]
    }


def _resolved(schema: Any, root: Any) -> Any:
    for _ in range(DEEPEST):
        if not (isinstance(schema, Mapping) and isinstance(schema.get("$ref"), str)):
            break
        target = root
        for step in schema["$ref"].removeprefix("#").strip("/").split("/"):
            target = target.get(step) if isinstance(target, Mapping) else None
        schema = target
    return schema


def _number(schema: Mapping[str, Any], key: str, text: str, kind: str) -> int | float:
    found = re.search(r"-?\d+(?:\.\d+)?", text)
    value = float(found[0][:15]) if found and not key.endswith("words") else float(count_words(text))
    low, high = schema.get("minimum"), schema.get("maximum")
    value = max(value, low) if isinstance(low, int | float) else value
    value = min(value, high) if isinstance(high, int | float) else value
    return int(value) if kind == "integer" or value == int(value) else value


def _string(schema: Mapping[str, Any], key: str, text: str) -> str:
    value = _THOUGHT if _THINKING.search(key) else text
    longest = schema.get("maxLength")
    return value[:longest] if isinstance(longest, int) and 0 <= longest < len(value) else value
