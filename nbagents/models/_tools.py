"""Tools in a request, and the calls of tools in an answer. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from ..exceptions import ResponseParsingError, UsageError
from ._answer import Answer
from ._completion import arguments_in

__all__ = ["checked_calls", "wire_choice", "wire_tools"]

_SHOWN = 200  # characters of arguments that are quoted


def wire_tools(tools: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the tools as they are sent.

    Raises:
        UsageError: one of them is not in OpenAI's form.
    """
    for tool in tools if isinstance(tools, list | tuple) else [tools]:
        function = tool.get("function") if isinstance(tool, Mapping) else None
        if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
            raise UsageError(
                'each of the tools is {"type": "function", "function": {"name": …, "description": …,'
                ' "parameters": {…}}}; toolkit.get_json_schemas() makes them'
            )
    return [dict(tool) for tool in tools]


def wire_choice(choice: str | Mapping[str, Any] | None, tools: Sequence[Mapping[str, Any]]) -> Any:
    """Return the choice of a tool as it is sent.

    >>> wire_choice("add", [{"type": "function", "function": {"name": "add"}}])
    {'type': 'function', 'function': {'name': 'add'}}

    Raises:
        UsageError: there is no tool of that name.
    """
    if choice is None or choice in ("auto", "none", "required"):
        return choice
    if isinstance(choice, Mapping):
        return dict(choice)
    if choice == "any":  # as AgentScope's first 1.x versions have it
        return "required"
    names = [str(tool["function"]["name"]) for tool in tools]
    if choice in names:
        return {"type": "function", "function": {"name": choice}}
    close = difflib.get_close_matches(str(choice), names, 1)
    guess = f" Did you mean {close[0]!r}?" if close else ""
    raise UsageError(
        f'tool_choice is "auto", "none", "required" or the name of a tool, not {choice!r}.{guess}'
        f" Tools: {', '.join(names)}"
    )


def checked_calls(answer: Answer) -> None:
    """Look at the calls of tools in an answer.

    Raises:
        ResponseParsingError: the arguments of one are no JSON object.
    """
    for call in _calls_in(answer.raw):
        function = call.get("function") or {}
        arguments = function.get("arguments")
        if arguments_in(arguments) is None:
            text = str(arguments)
            shown = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
            raise ResponseParsingError(
                f"it calls {function.get('name')!r} with arguments that are no JSON object: {shown!r}",
                hint="take a model that is made for tools, or a larger max_tokens",
            )


def _calls_in(raw: Any) -> list[Mapping[str, Any]]:
    calls = raw["choices"][0]["message"].get("tool_calls") or []
    return [call for call in calls if isinstance(call, Mapping)]
