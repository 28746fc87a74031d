"""Look up the tools that a cell names: what the notebook defines, else what `nbagents.tools` brings."""

from __future__ import annotations

import functools
import types
from collections.abc import Iterable, Mapping
from typing import Any

from .. import tools
from ..agents import AgentBase
from ..exceptions import UsageError
from ..tools import READY_TOOLS, UNREADY_TOOLS, Tool, Toolkit
from ._faults import closest

__all__ = ["own_tools", "tool_names", "tools_called"]

FUNCTIONS = (types.FunctionType, functools.partial)


def tools_called(names: Iterable[str], variables: Mapping[str, Any], magic: str) -> list[Any]:
    """Return what these names stand for: a variable of the notebook goes before a tool that comes along.

    Raises:
        UsageError: there is none of a name; the message guesses which was meant, and lists all there are.
    """
    return [_called(name, variables, magic) for name in names]


def _called(name: str, variables: Mapping[str, Any], magic: str) -> Any:
    if name in variables:
        value = variables[name]
        if _is_tool(value) or (callable(value) and not isinstance(value, type | AgentBase)):
            return value
        kind = "a class" if isinstance(value, type) else type(value).__name__
        raise UsageError(f"{magic}: {name} is a variable of yours ({kind}), no function and no toolkit")
    if name in READY_TOOLS:
        return getattr(tools, name)
    if name in UNREADY_TOOLS:
        needs = UNREADY_TOOLS[name]
        given = ", ".join(f"{one}=…" for one in needs.split(" and "))
        raise UsageError(
            f"{magic}: {name} needs its {needs}, which no model may give. Make a variable that has it, and"
            f" name that: my_{name} = functools.partial(nbagents.tools.{name}, {given})"
        )
    guess = closest(name, tool_names(variables))
    meant = f" Did you mean {guess!r}?" if guess else ""
    own = ", ".join(own_tools(variables))
    yours = f"of this notebook: {own}; " if own else ""
    raise UsageError(
        f"{magic}: no tool called {name!r}.{meant}   Known: {yours}"
        f"of nbagents.tools: {', '.join(READY_TOOLS)}"
    )


def own_tools(variables: Mapping[str, Any]) -> list[str]:
    """Return the names of those variables of a notebook that can be tools."""
    return [
        name
        for name, value in variables.items()
        if name[:1] != "_" and _is_tool(value) and not _is_shells(name, value)
    ]


def _is_shells(name: str, value: Any) -> bool:
    """Did IPython put it into the notebook, as it does with an ``open`` of its own?"""
    return name == "open" and getattr(value, "__wrapped__", None) is open


def tool_names(variables: Mapping[str, Any]) -> list[str]:
    """Return all names by which tools can be called, the notebook's own first. Loads none of them."""
    return list(dict.fromkeys([*own_tools(variables), *READY_TOOLS]))


def _is_tool(value: Any) -> bool:
    if isinstance(value, type | AgentBase | Tool):
        return False
    brings = callable(getattr(type(value), "tools", None)) or callable(getattr(type(value), "__tool__", None))
    return isinstance(value, (*FUNCTIONS, Toolkit)) or brings
