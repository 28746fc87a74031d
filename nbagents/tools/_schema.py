"""`Arguments`: what a function takes, as a JSON schema, and a check of what a model gives. By pydantic."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..exceptions import ArgumentNotFoundError, ArgumentTypeError, UsageError

__all__ = ["Arguments", "parameters_of", "signature_of", "tidy_schema"]

_KINDS = inspect.Parameter


class Arguments:
    """The arguments that a function takes from a model.

    ``described`` are their descriptions, ``hidden`` those that the model is not asked for. Where the function
    takes any others, the model may give these too, with ``takes_more``.
    """

    def __init__(
        self,
        name: str,
        function: Callable[..., Any],
        described: Mapping[str, str],
        hidden: Iterable[str],
        takes_more: bool = True,
    ) -> None:
        import pydantic  # only where there are tools

        self._name = name
        self._hidden = frozenset(hidden)
        self._takes_more = False
        fields: dict[str, Any] = {}
        self._places: dict[str, str] = {}  # a model's field may not have any name
        hints = _hints(name, function)
        for parameter in signature_of(name, function).parameters.values():
            if parameter.kind is _KINDS.VAR_KEYWORD:
                self._takes_more = takes_more
            if parameter.kind in (_KINDS.VAR_POSITIONAL, _KINDS.VAR_KEYWORD):
                continue
            if parameter.name in self._hidden:
                continue
            if parameter.kind is _KINDS.POSITIONAL_ONLY:
                raise UsageError(
                    f"the tool {name} takes {parameter.name} by its position only; a model names it"
                )
            place = f"argument_{len(fields)}"
            self._places[place] = parameter.name
            default = ... if parameter.default is _KINDS.empty else parameter.default
            field: Any = pydantic.Field(
                default, alias=parameter.name, description=described.get(parameter.name)
            )
            fields[place] = (hints.get(parameter.name, Any), field)
        config = pydantic.ConfigDict(
            arbitrary_types_allowed=True, extra="allow" if self._takes_more else "forbid"
        )
        try:
            self._model = pydantic.create_model(name, __config__=config, **fields)
            self.schema = tidy_schema(self._model.model_json_schema())
        except (TypeError, ValueError, pydantic.errors.PydanticUserError) as error:
            why = str(error).partition("\n")[0]
            raise UsageError(
                f"no JSON schema can be made of the signature of the tool {name}: {why}",
                hint="give json_schema=..., or take the argument out with preset_kwargs",
            ) from None

    def check(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments as the function takes them: converted, and without those left out.

        Raises:
            ArgumentNotFoundError: one is missing.
            ArgumentTypeError: one does not fit, or is unknown.
        """
        import pydantic

        if self._takes_more and (closed := sorted(self._hidden.intersection(given))):
            raise ArgumentTypeError(f"{self._name}: {', '.join(closed)} is not known")  # to a model
        try:
            made = self._model.model_validate(given)
        except pydantic.ValidationError as error:
            raise self._refusal(error) from None
        known = {
            self._places[place]: getattr(made, place) for place in made.model_fields_set & self._places.keys()
        }
        return known | (made.model_extra or {})

    def _refusal(self, error: Any) -> ArgumentNotFoundError | ArgumentTypeError:
        told, kinds = [], set()
        for one in error.errors(include_url=False):
            where = ".".join(map(str, one["loc"])) or "the arguments"
            kinds.add(one["type"])
            if one["type"] == "missing":
                told.append(f"{where} is missing")
            elif one["type"] == "extra_forbidden":
                told.append(f"{where} is not known")
            else:
                told.append(f"{where}: {one['msg']}, not {_shown(one.get('input'))}")
        known = ", ".join(self._places.values()) or "no arguments"
        text = f"{self._name} takes {known}; {'; '.join(told)}"
        return ArgumentNotFoundError(text) if kinds == {"missing"} else ArgumentTypeError(text)


def signature_of(name: str, function: Callable[..., Any]) -> inspect.Signature:
    """Return the signature of a function that is to be a tool.

    Raises:
        UsageError: it has none that can be read.
    """
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        raise UsageError(
            f"the tool {name} has no signature that can be read; write a function around it"
        ) from None


def parameters_of(name: str, function: Callable[..., Any]) -> tuple[set[str], bool]:
    """Return the names of a function's parameters, and whether it takes any others."""
    found = signature_of(name, function).parameters.values()
    named = {one.name for one in found if one.kind not in (_KINDS.VAR_POSITIONAL, _KINDS.VAR_KEYWORD)}
    return named, any(one.kind is _KINDS.VAR_KEYWORD for one in found)


def tidy_schema(schema: Any) -> Any:
    """Return a JSON schema without the titles that pydantic puts in, which tell a model nothing.

    >>> tidy_schema({"title": "A", "properties": {"title": {"title": "T", "type": "string"}}})
    {'properties': {'title': {'type': 'string'}}}
    """
    if isinstance(schema, list):
        return [tidy_schema(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    tidied = {}
    for key, value in schema.items():
        if key in ("properties", "$defs") and isinstance(value, dict):
            tidied[key] = {name: tidy_schema(part) for name, part in value.items()}
        elif key in ("default", "const", "enum", "examples"):
            tidied[key] = value
        elif not (key == "title" and isinstance(value, str)):
            tidied[key] = tidy_schema(value)
    return tidied


def _hints(name: str, function: Any) -> dict[str, Any]:
    while hasattr(function, "func"):  # partial
        function = function.func
    if not (inspect.isroutine(function) or inspect.isclass(function)):
        function = type(function).__call__
    try:
        return typing.get_type_hints(function, include_extras=True)
    except Exception as error:  # noqa: BLE001  # an annotation may be any expression
        raise UsageError(
            f"the types of the tool {name} cannot be read: {type(error).__name__}: {error}"
        ) from None


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
