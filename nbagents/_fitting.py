"""Data that is to fit a pydantic class or a JSON schema; where it does not, that is told place by place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .exceptions import UsageError

__all__ = ["Misfit", "fitted", "is_model_class"]

MOST = 20
"""Problems that are told of."""
SHOWN = 200
"""Characters of one problem that are told."""


class Misfit(ValueError):
    """Data that does not fit; ``problems`` tells of each place in a line."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def is_model_class(wanted: Any) -> bool:
    """Is it a pydantic class? Asked without importing pydantic."""
    return isinstance(wanted, type) and hasattr(wanted, "model_validate")


def fitted(wanted: Any, data: Any, whole: str = "it") -> Any:
    """Return data as a pydantic class, with its conversions and defaults, or a JSON schema has it.

    Plain data, as JSON holds it. ``whole`` names the data where no part of it is meant. May take a while.

    >>> fitted({"properties": {"good": {"type": "boolean"}}}, {"good": "yes"})
    Traceback (most recent call last):
    ...
    nbagents._fitting.Misfit: good: 'yes' is not of type 'boolean'

    Raises:
        Misfit: it does not fit.
        UsageError: the schema is none.
    """
    if not is_model_class(wanted):
        problems = _problems(wanted, data, whole)
        if problems:
            raise Misfit(problems)
        return data
    try:
        return wanted.model_validate(data).model_dump(mode="json")
    except ValueError as error:  # pydantic's own is one
        errors = getattr(error, "errors", None)
        told = errors(include_url=False, include_input=False) if callable(errors) else []
        lines = [_line(one["loc"], one["msg"], whole) for one in told[:MOST]] or [str(error)[:SHOWN]]
    raise Misfit(lines)


def _problems(schema: Mapping[str, Any], data: Any, whole: str) -> list[str]:
    import jsonschema  # here, since it may take seconds: what checks formats comes along
    import referencing

    kind = jsonschema.validators.validator_for(schema)
    try:
        kind.check_schema(schema)
        # A registry of its own, since the default one fetches what a schema refers to from the network.
        found = list(kind(schema, registry=referencing.Registry()).iter_errors(data))
    except jsonschema.SchemaError as error:
        raise UsageError(f"this is no JSON schema: {error.message[:SHOWN]}") from None
    except referencing.exceptions.Unresolvable as error:
        raise UsageError(f"the JSON schema refers to {error.ref!r}, which is not in it") from None
    return [_line(one.absolute_path, one.message, whole) for one in found[:MOST]]


def _line(place: Any, problem: str, whole: str) -> str:
    return f"{'.'.join(map(str, place)) or whole}: {problem[:SHOWN]}"
