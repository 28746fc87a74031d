"""The shape that ``--schema`` asks of an answer: how a model is told of it, and whether an answer fits.

A shape is a class of pydantic, a dataclass, or a dictionary that is a JSON schema, each a variable of
the notebook. Knows no agents.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from typing import Any

from ..exceptions import NbAgentsError, UsageError
from ._faults import closest

__all__ = ["MisfitError", "Shape", "shape_of"]

_FENCE = re.compile(r"\A\s*```(?:json)?[ \t]*\n(.*?)\n?```\s*\Z", re.DOTALL | re.IGNORECASE)
_SHOWN = 60
"""Characters that are quoted of a value that does not fit."""
_MOST = 5
"""Misfits that are told; the others are counted."""


class MisfitError(NbAgentsError):
    """An answer does not have the shape; the text quotes what did not fit."""


@dataclasses.dataclass(frozen=True, slots=True)
class Shape:
    """A shape by its variable's name. ``kind`` is what checks: a class, or the schema itself."""

    name: str
    schema: Mapping[str, Any]
    kind: Any

    @property
    def instruction(self) -> str:
        """What a model is told."""
        written = json.dumps(self.schema, ensure_ascii=False)
        return f"Answer with JSON only, and nothing around it, valid for this JSON schema:\n{written}"

    def read(self, text: str) -> tuple[Any, Any]:
        """Return the plain data of an answer, and the value that is made of it.

        Raises:
            MisfitError: it is no JSON, or none of this shape.
        """
        fenced = _FENCE.match(text)
        try:
            data = json.loads(fenced[1] if fenced else text)
        except ValueError as error:
            what = f"{error.msg} in line {error.lineno}" if isinstance(error, json.JSONDecodeError) else error
            raise MisfitError(f"it is no JSON ({what}): {_quoted(text)}") from None
        return data, self._made(data)

    def _made(self, data: Any) -> Any:
        if isinstance(self.kind, Mapping):
            wrong = _violations(self.kind, data)
            if wrong:
                raise MisfitError(_listed(wrong))
            return data
        import pydantic

        try:
            return pydantic.TypeAdapter(self.kind).validate_python(data)
        except pydantic.ValidationError as error:
            found = error.errors(include_url=False, include_context=False)
            raise MisfitError(
                _listed([(_path(each["loc"]), f"{each['msg']}: {_quoted(each['input'])}") for each in found])
            ) from None


def shape_of(name: str, variables: Mapping[str, Any], magic: str) -> Shape:
    """Return the shape that the variable ``name`` holds.

    >>> shape_of("answer", {"answer": {"type": "object"}}, "%%agents").name
    'answer'

    Raises:
        UsageError: there is no such variable, or it is no shape.
    """
    root, *path = name.split(".")
    if root not in variables:
        guess = closest(root, [each for each, value in variables.items() if _may_be_shape(value)])
        meant = f" Did you mean {guess}?" if guess else ""
        raise UsageError(f"{magic}: --schema {name}: no variable of that name.{meant}")
    value = variables[root]
    for part in path:
        value = getattr(value, part, None) if not part.startswith("_") else None
    schema = _schema(value, f"{magic}: --schema {name}")
    if schema is None:
        kind = value.__name__ if isinstance(value, type) else type(value).__name__
        raise UsageError(
            f"{magic}: --schema takes a class of pydantic, a dataclass, or a dictionary: a JSON schema; "
            f"{name} is {'the class ' if isinstance(value, type) else 'of type '}{kind}"
        )
    return Shape(name, schema, value)


def _schema(value: Any, lead: str) -> Mapping[str, Any] | None:
    if isinstance(value, Mapping):
        import jsonschema

        try:
            jsonschema.validators.validator_for(value).check_schema(value)
            json.dumps(value)
        except jsonschema.SchemaError as error:
            raise UsageError(
                f"{lead} is no JSON schema: {_path(error.absolute_path)}{error.message}"
            ) from None
        except (TypeError, ValueError) as error:
            raise UsageError(f"{lead} is no JSON schema: {error}") from None
        return value
    if not _may_be_shape(value):
        return None
    import pydantic

    try:
        return pydantic.TypeAdapter(value).json_schema()
    except pydantic.errors.PydanticUserError as error:
        raise UsageError(f"{lead} cannot be written as a JSON schema: {str(error).splitlines()[0]}") from None


def _may_be_shape(value: Any) -> bool:
    if isinstance(value, type):
        return dataclasses.is_dataclass(value) or hasattr(value, "model_json_schema")
    return isinstance(value, Mapping)


def _violations(schema: Mapping[str, Any], data: Any) -> list[tuple[str, str]]:
    import jsonschema
    import referencing

    # A registry of its own, since the default one fetches what a schema refers to from the network.
    checker = jsonschema.validators.validator_for(schema)(schema, registry=referencing.Registry())
    try:
        wrong = sorted(checker.iter_errors(data), key=lambda each: list(map(str, each.absolute_path)))
    except referencing.exceptions.Unresolvable as error:
        raise UsageError(f"the schema refers to {error.ref!r}, which is not in it") from None
    return [(_path(each.absolute_path), _cut(each.message)) for each in wrong]


def _path(steps: Any) -> str:
    shown = ".".join(map(str, steps))
    return f"{shown}: " if shown else ""


def _listed(problems: list[tuple[str, str]]) -> str:
    shown = [f"{path}{what}" for path, what in problems[:_MOST]]
    more = [f"and {len(problems) - _MOST} more"] if len(problems) > _MOST else []
    return "; ".join(shown + more)


def _quoted(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return repr(_cut(" ".join(text.split()), _SHOWN))


def _cut(text: str, most: int = 3 * _SHOWN) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
