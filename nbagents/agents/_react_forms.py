"""The arguments of a `ReActAgent` in either form: that of AgentScope 0.x and that of 1.x."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from ..exceptions import UsageError
from ..tools import ServiceToolkit

__all__ = ["by_names", "either_form"]

OLDER = ("name", "model_config_name", "service_toolkit", "sys_prompt", "max_iters", "verbose")
"""What the places of arguments mean in 0.x."""
INSTEAD = {
    "compression_config": "",
    "enable_rewrite_query": "",
    "knowledge": "register a function that searches it as a tool",
    "plan_notebook": "",
    "print_hint_msg": "",
}
"""What 1.x has and this has not, and what does it here."""


def by_names(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments; those by their places in 0.x by their names.

    They are those of 0.x where a `ServiceToolkit` is the third, or ``service_toolkit`` is named and no model.

    >>> by_names(("calc", "demo"), {"service_toolkit": None})
    ((), {'name': 'calc', 'model_config_name': 'demo', 'service_toolkit': None})

    Raises:
        UsageError: one is given twice, or is of AgentScope 1.x and not here.
    """
    named = dict(kwargs)
    name = kwargs.get("name", args[0] if args else "the agent")
    for key in INSTEAD.keys() & named.keys():
        if named.pop(key) not in (None, False):
            raise UsageError(f"{name}: a ReActAgent takes no {key}=", hint=INSTEAD[key] or None)
    by_place = len(args) > 2 and isinstance(args[2], ServiceToolkit)
    if not by_place and ("service_toolkit" not in named or named.keys() & {"model", "model_config_name"}):
        return args, named
    if len(args) > len(OLDER):
        raise UsageError(f"{name}: a ReActAgent of AgentScope 0.x takes {', '.join(OLDER)}, and no more")
    given = dict(zip(OLDER, args, strict=False))
    twice = sorted(given.keys() & named.keys())
    if twice:
        raise UsageError(f"{name} is given {', '.join(twice)} twice: by its place as in 0.x, and by name")
    return (), given | named


def either_form(init: Callable[..., None]) -> Callable[..., None]:
    """Let a constructor take the arguments of either form."""

    @functools.wraps(init)
    def either(self: Any, *args: Any, **kwargs: Any) -> None:
        places, named = by_names(args, kwargs)
        init(self, *places, **named)

    return either
