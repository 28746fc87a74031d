"""`Field`s out of a schema, and the check of what a person has filled in."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..exceptions import AnswerRefusedError, UsageError
from ._question import Field

__all__ = ["check_fields", "fields_of"]

TYPES = frozenset({"string", "integer", "number", "boolean"})
TRUE, FALSE = frozenset({"true", "yes", "y", "on", "1"}), frozenset({"false", "no", "n", "off", "0"})
SHOWN = 40
"""Characters of a wrong value that its error repeats."""


def fields_of(schema: Any) -> tuple[Field, ...]:
    """Return the fields of a pydantic class, a JSON schema of an object, or a list of names.

    >>> [field.name for field in fields_of(["vote", "why"])]
    ['vote', 'why']
    >>> fields_of({"properties": {"age": {"type": "integer"}}})[0].required
    False

    Raises:
        UsageError: it is none of these.
    """
    if schema is None:
        return ()
    if isinstance(schema, str):
        return (Field(schema),)
    if hasattr(schema, "model_json_schema"):
        schema = schema.model_json_schema()
    if isinstance(schema, Mapping):
        properties, required = schema.get("properties"), schema.get("required") or ()
        if not isinstance(properties, Mapping):
            raise UsageError("the schema of an answer is that of an object, with properties")
        known = schema.get("$defs") or {}
        return tuple(_field(str(name), one, name in required, known) for name, one in properties.items())
    if isinstance(schema, Sequence) and all(isinstance(name, str) for name in schema):
        return tuple(map(Field, schema))
    raise UsageError(
        "what is asked for by name is given as a pydantic class, a JSON schema or a list of names,"
        f" not as {type(schema).__name__}"
    )


def _field(name: str, schema: Any, required: bool, known: Mapping[str, Any]) -> Field:
    if not isinstance(schema, Mapping):
        raise UsageError(f"the schema of {name!r} is no JSON schema")
    kinds = [schema, *(_found(one, known) for one in schema.get("anyOf", ()) if one.get("type") != "null")]
    facts: dict[str, Any] = {}
    if len(kinds) <= 2:  # itself, or the one thing that it may be besides nothing
        for one in reversed(kinds):
            facts |= _found(one, known)
    enum = facts.get("enum", [facts["const"]] if "const" in facts else None)
    kind = facts.get("type")
    if kind is None and enum is not None and all(isinstance(one, str) for one in enum):
        kind = "string"
    return Field(
        name,
        kind if kind in TYPES else "json",
        str(schema.get("description") or schema.get("title") or ""),
        required,
        schema.get("default"),
        None if enum is None else tuple(enum),
    )


def _found(schema: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return dict(schema) if not name else {**known.get(name, {}), **schema}


def check_fields(fields: Sequence[Field], given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the values of the fields, of their types; texts are read as what they stand for.

    >>> check_fields(fields_of({"properties": {"age": {"type": "integer"}}}), {"age": " 3 "})
    {'age': 3}

    Raises:
        AnswerRefusedError: one is missing or is not of its type; a line for each says what is wanted.
    """
    values: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for field in fields:
        value = (given or {}).get(field.name)
        if value is None or (isinstance(value, str) and not value.strip()):
            if field.default is not None:
                values[field.name] = field.default
            elif field.required:
                wrong[field.name] = "is needed"
            continue
        try:
            values[field.name] = _read(field, value)
        except (ValueError, OverflowError):
            wrong[field.name] = f"{_wanted(field)} is wanted, not {str(value)[:SHOWN]!r}"
    if wrong:
        raise AnswerRefusedError("\n".join(f"{name}: {what}" for name, what in wrong.items()))
    return values


def _read(field: Field, value: Any) -> Any:
    """Return a value as its field wants it; raises ValueError if it cannot be read so."""
    text = value.strip() if isinstance(value, str) else value
    if field.enum is not None:
        for one in field.enum:
            if one == text or str(one) == str(text):
                return one
        raise ValueError
    if field.type == "json":
        return json.loads(text) if isinstance(text, str) else text
    if field.type == "boolean":
        word = str(text).lower()
        if word not in TRUE | FALSE:
            raise ValueError
        return word in TRUE
    if field.type == "string":
        if not isinstance(value, str):
            raise ValueError
        return value
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        raise ValueError
    if field.type == "integer" and not isinstance(text, float):
        return int(text)
    number = float(text)
    if not math.isfinite(number) or (field.type == "integer" and number != int(number)):
        raise ValueError
    return int(number) if field.type == "integer" else number


def _wanted(field: Field) -> str:
    if field.enum is not None:
        return f"one of {', '.join(map(str, field.enum))}"
    return {
        "integer": "a whole number",
        "number": "a number",
        "boolean": "yes or no",
        "json": "JSON",
    }.get(field.type, "a text")
