"""`Tool`: a function that a model may call, with what the model is told of it."""

from __future__ import annotations

import copy
import hashlib
import inspect
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from .._threads import on_thread
from ..config import Secret, wrap_secrets
from ..exceptions import UsageError
from ._docstring import read_docstring
from ._effects import declared_of, effect_set
from ._given_schema import check_schema
from ._offer import Offer
from ._reserved import check_reserved, reserved_of
from ._schema import Arguments, parameters_of, tidy_schema

__all__ = ["Tool", "name_of", "names_a_key"]

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_NAMES_A_KEY = re.compile(
    r"(?i)((api|access|secret|private|auth|subscription)_?key|^key|token|secret|passw(or)?d|auth)$"
)
_SHORTEST = 4  # characters of a key that is masked; shorter ones are in any text


class Tool:
    """One tool.

    ``preset_kwargs`` are given at each call, and the model neither knows nor changes them; what a
    `functools.partial` binds is preset in the same way. Without ``json_schema`` its schema is made of the
    signature, the types and the docstring (Google's style). What a model gives is checked against the schema,
    and what stands nowhere in it is refused, unless it says ``additionalProperties``. An object may say
    itself how it becomes a tool: its ``__tool__()`` returns ``function``, and perhaps ``name``,
    ``description`` and ``preset_kwargs``.
    ``effects`` take the place of those that the function declares.

    >>> def add(a: int, b: int = 1) -> int:
    ...     '''Add two numbers.
    ...
    ...     Args:
    ...         a: The first.
    ...     '''
    ...     return a + b
    >>> Tool(add).json_schema["function"]["parameters"]["properties"]["a"]
    {'description': 'The first.', 'type': 'integer'}

    Raises:
        UsageError: the function, its name, its types or what is preset cannot be used.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        preset_kwargs: Mapping[str, Any] | None = None,
        *,
        name: str | None = None,
        description: str | None = None,
        json_schema: Mapping[str, Any] | None = None,
        group: str = "basic",
        timeout: float | None = None,
        after: Callable[..., Any] | None = None,
        with_long_description: bool = True,
        effects: Iterable[str] | None = None,
        takes_more: bool = True,
    ) -> None:
        offer = Offer.of(function, preset_kwargs, name, description)
        function, name, description = offer.function, offer.name, offer.description
        self.function, self.group, self.timeout, self.after = function, group, timeout, after
        told = json_schema.get("function", json_schema) if json_schema is not None else {}
        self.name = name or told.get("name") or name_of(function)
        if not _NAME.match(self.name):
            raise UsageError(
                f"a tool cannot be named {self.name!r}: models take letters, digits, _ and -, at most 64",
                hint="give func_name=...",
            )
        self.preset_kwargs = {
            key: Secret(value) if isinstance(value, str) and names_a_key(key) else value
            for key, value in offer.presets.items()
        }
        """What is given at each call; what is named like a key is `Secret` until then."""
        named, takes_any = parameters_of(self.name, function)
        odd = sorted(self.preset_kwargs.keys() - named)
        if odd and not takes_any:
            raise UsageError(f"the tool {self.name} has no parameter {', '.join(odd)} to be preset")
        check_reserved(self.name, function, self.preset_kwargs)
        text, described = read_docstring(_docstring(function))
        if not with_long_description:
            text = text.partition("\n\n")[0]
        self._arguments: Arguments | None = None
        if json_schema is None:
            hidden = {*self.preset_kwargs, *reserved_of(function)}
            self._arguments = Arguments(self.name, function, described, hidden, takes_more)
            told = {"description": text, "parameters": self._arguments.schema}
        self._schema: dict[str, Any] = {
            "name": self.name,
            "description": description or told.get("description") or "",
            "parameters": copy.deepcopy(dict(told.get("parameters") or {"type": "object", "properties": {}})),
        }
        self.extension: Any = None
        declared = declared_of(function) if effects is None else effect_set(effects)
        if effects is None and declared is not None:
            more = reserved_of(function).items()
            declared |= {effect for key, effect in more if effect is not None and self.preset_kwargs.get(key)}
        self.declared = declared is not None
        """Does anybody say which effects it has?"""
        self.effects = declared or frozenset()
        self.origin = ""
        """Whose it is, where that is another program, which may change what it says of the tool."""
        self.told_as = self.name
        """Its name over there."""
        self.refresh: Callable[[], Awaitable[None]] | None = None
        """Looks what the other program says of it now; awaited before each call."""
        self.settings: dict[str, Any] = {
            "name": self.name,
            "description": description,
            "json_schema": json_schema,
            "group": group,
            "timeout": timeout,
            "with_long_description": with_long_description,
            "effects": None if declared is None else sorted(declared),
            "takes_more": takes_more,
        }
        """How it was made, but for the functions and what is preset."""

    @property
    def json_schema(self) -> dict[str, Any]:
        """What a model is told of it, in OpenAI's form."""
        schema = copy.deepcopy(self._schema)
        if self.extension is not None:
            more = tidy_schema(self.extension.model_json_schema())
            schema["parameters"] = _merged(schema["parameters"], more)
        return {"type": "function", "function": schema}

    @property
    def pin(self) -> str:
        """The hash of what a model is told of it, without the name that it has here."""
        told = {key: value for key, value in self._schema.items() if key != "name"}
        return hashlib.sha256(json.dumps(told, sort_keys=True, default=repr).encode()).hexdigest()

    def rename(self, name: str) -> None:
        """Let the model know it by another name."""
        self.name = name
        self._schema["name"] = self.settings["name"] = name

    def retell(self, description: str, parameters: Mapping[str, Any]) -> None:
        """Let the model be told something else of it from now on."""
        self._schema |= {"description": description, "parameters": copy.deepcopy(dict(parameters))}

    @property
    def secrets(self) -> list[str]:
        """The keys that are preset, as nobody else is to read them, also as addresses hold them."""
        plain = {secret.reveal() for secret in _secrets_in(wrap_secrets(self.preset_kwargs))}
        plain |= {quote(key, safe="") for key in plain} | {quote_plus(key) for key in plain}
        return sorted((key for key in plain if len(key) >= _SHORTEST), key=len, reverse=True)

    @property
    def is_given_schema(self) -> bool:
        """Was its schema given? Then `check` may take seconds, the first time."""
        return self._arguments is None

    @property
    def description(self) -> str:
        """What it does, as the model is told."""
        return str(self._schema["description"])

    def arguments(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return all that the function is called with; raises as `check` does."""
        return {**self.check(given), **self.presets()}

    def check(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a model has given as the function takes it.

        Raises:
            ArgumentNotFoundError: an argument is missing.
            ArgumentTypeError: one does not fit.
        """
        if self.extension is not None:
            given = {key: value for key, value in given.items() if key not in self.extension.model_fields}
        if self._arguments is not None:
            return self._arguments.check(given)
        check_schema(self.name, given, self._schema["parameters"], foreign=bool(self.origin))
        return {key: value for key, value in given.items() if key not in reserved_of(self.function)}

    async def checked(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Do as `check`, but never on the loop where a schema that was given is to be read."""
        if not self.is_given_schema:
            return self.check(given)
        arguments: dict[str, Any] = await on_thread(self.check, given)
        return arguments

    def described(self) -> dict[str, Any]:
        """Return how it was made, but for the functions; keys are plain, as its maker gave them."""
        return {**self.settings, "preset_kwargs": self.presets()}

    def presets(self) -> dict[str, Any]:
        """Return what is given at each call, keys plain."""
        presets = self.preset_kwargs.items()
        return {key: value.reveal() if isinstance(value, Secret) else value for key, value in presets}

    def __repr__(self) -> str:
        return f"<tool {self.name}>"


def names_a_key(name: str) -> bool:
    """Is it the name of what nobody else may read?"""
    return _NAMES_A_KEY.search(name) is not None


def name_of(function: Any) -> str:
    """Return the name under which a function is a tool unless told otherwise."""
    while hasattr(function, "func"):
        function = function.func
    return str(getattr(function, "__name__", type(function).__name__))


def _docstring(function: Any) -> str | None:
    while hasattr(function, "func"):
        function = function.func
    if inspect.isroutine(function) or inspect.isclass(function):
        return inspect.getdoc(function)
    return inspect.getdoc(type(function).__call__) or inspect.getdoc(type(function))


def _secrets_in(value: Any) -> Iterator[Secret]:
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, (Mapping, list, tuple)):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _secrets_in(item)


def _merged(ours: dict[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    tables = {key: {**ours.get(key, {}), **more.get(key, {})} for key in ("properties", "$defs")}
    required = [*ours.get("required", []), *more.get("required", [])]
    merged = {**ours, **tables, "required": required}
    return {key: value for key, value in merged.items() if value or key == "properties"}
