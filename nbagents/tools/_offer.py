"""`Offer`: what somebody gives as a tool, taken apart: the function, and what it is given at each call."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..exceptions import UsageError
from ._reserved import reserved_of
from ._schema import signature_of

__all__ = ["HasTools", "Offer", "functions_of"]

_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class HasTools(Protocol):
    """An object that brings tools along: a database, a kernel."""

    def tools(self) -> Sequence[Callable[..., Any]]:
        """Return them."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A function with what is preset.

    What a `functools.partial` binds is preset too: a model neither sees nor changes it, and it counts for
    what the tool does.

    >>> Offer.of(functools.partial(round, ndigits=2)).presets
    {'ndigits': 2}
    """

    function: Callable[..., Any]
    presets: Mapping[str, Any]
    name: str | None = None
    description: str | None = None

    @classmethod
    def of(
        cls,
        given: Any,
        presets: Mapping[str, Any] | None = None,
        name: str | None = None,
        description: str | None = None,
    ) -> Offer:
        """Take apart what is given; ``presets``, ``name`` and ``description`` go before its own.

        Raises:
            UsageError: it is nothing that can be called.
        """
        function, known, asked = given, dict(presets or {}), False
        while True:
            if hasattr(function, "__tool__") and not inspect.isclass(function) and not asked:
                asked = True  # once: it may name itself
                offer = function.__tool__()
                function, name = offer["function"], name or offer.get("name")
                description = description or offer.get("description")
                known = {**offer.get("preset_kwargs", {}), **known}
            elif isinstance(function, functools.partial):
                known = {**function.keywords, **known}
                if type(function).__call__ is not functools.partial.__call__:
                    break  # it does more than to bind
                if not function.args:
                    function = function.func
                    continue
                placed = _by_name(function)
                if placed is None:
                    function = functools.partial(function.func, *function.args)
                    break
                function, known = function.func, {**placed, **known}
            else:
                break
        if not callable(function):
            has_tools = callable(getattr(function, "tools", None))
            hint = "give what its tools() returns" if has_tools else "give a function, or one of its methods"
            raise UsageError(f"a tool is a function, not {_a(function)}", hint=hint)
        return cls(function, known, name, description)


def functions_of(given: Any, *about_one: Any) -> list[Any]:
    """Return what is to be registered: the tools of an object that has ``tools()``, else what is given.

    ``about_one`` is what somebody says of a single tool; several cannot all be told the same.

    Raises:
        UsageError: it has no tools, or several and something is said of one.
    """
    listed = getattr(given, "tools", None)
    if callable(given) or hasattr(given, "__tool__") or not callable(listed):
        return [given]
    found = list(listed())
    if not found:
        raise UsageError(f"the tools() of {_a(given)} returns none")
    if len(found) > 1 and any(about_one):
        names = ", ".join(str(getattr(one, "__name__", one)) for one in found)
        raise UsageError(
            f"{_a(given)} has several tools ({names}), and a name, a description, a schema or presets are"
            " those of one",
            hint="register what its tools() returns one by one",
        )
    return found


def _by_name(function: functools.partial[Any]) -> dict[str, Any] | None:
    """Return by their names what a partial gives by place; None if it must stay there."""
    signature = signature_of("of a partial", function.func)
    try:
        bound = signature.bind_partial(*function.args).arguments
    except TypeError as error:
        raise UsageError(
            f"a partial of {function.func!r:.80} gives it what it does not take: {error}"
        ) from None
    if all(signature.parameters[name].kind in _BY_NAME for name in bound):
        return dict(bound)
    if reserved_of(function.func):
        raise UsageError(
            "what is reserved for the programmer is given by name, and this partial gives arguments by place"
        )
    return None


def _a(thing: Any) -> str:
    return thing.__name__ if inspect.isclass(thing) else type(thing).__name__
