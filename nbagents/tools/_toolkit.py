"""`Toolkit`: the tools of an agent, by name, in groups; what the model is told of them, and calling them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from ..exceptions import FunctionNotFoundError, UsageError
from ._groups import BASIC, ToolGroup
from ._response import ToolResponse
from ._run import ToolStream, run_tool
from ._tool import Tool

__all__ = ["Toolkit"]

log = logging.getLogger(__name__)


class Toolkit:
    """The functions that a model may call. May be shared by agents; safe to change between their turns.

    What a tool answers is cut after ``max_output_chars`` characters, since all of it would go into each
    later prompt; None cuts nothing. Keys that are preset (``api_key=``, ``token=`` …) are masked in it.

    >>> def add(a: int, b: int) -> int:
    ...     '''Add two numbers.'''
    ...     return a + b
    >>> toolkit = Toolkit()
    >>> toolkit.register_tool_function(add)
    >>> [schema["function"]["name"] for schema in toolkit.get_json_schemas()]
    ['add']
    """

    def __init__(self, *, max_output_chars: int | None = 100_000) -> None:
        self.max_output_chars = max_output_chars
        self.tools: dict[str, Tool] = {}
        """The tools by name."""
        self.groups: dict[str, ToolGroup] = {}
        """The groups by name, but for "basic", which is always active."""

    # ---- which tools there are

    def register_tool_function(
        self,
        tool_func: Callable[..., Any],
        group_name: str = BASIC,
        preset_kwargs: Mapping[str, Any] | None = None,
        func_name: str | None = None,
        func_description: str | None = None,
        json_schema: Mapping[str, Any] | None = None,
        include_long_description: bool = True,
        *,
        extended_model: Any = None,
        postprocess_func: Callable[..., Any] | None = None,
        namesake_strategy: Literal["raise", "override", "skip"] = "raise",
        timeout: float | None = None,
    ) -> None:
        """Let the model call a function: ``def`` or ``async def``, with ``return`` or with ``yield``.

        Name, description and JSON schema are taken from its signature, types and docstring, unless given.
        ``preset_kwargs`` are given at each call, and the model neither sees nor changes them. A plain ``def``
        runs on a thread of its own, so it may block. What it returns is told to the model as text (data as
        JSON), or is a `ToolResponse`; what it yields are pieces of text, or `ToolResponse`, each of which
        holds all so far. What it raises, and that ``timeout`` seconds have passed, is told too.

        ``postprocess_func(tool_call, response)`` may change the answer. ``namesake_strategy`` says what
        becomes of a tool of the same name: "raise", "override" or "skip".

        Raises:
            UsageError: the function cannot be a tool, the group is not known, or the name is taken.
        """
        if group_name != BASIC and group_name not in self.groups:
            raise UsageError(
                f"there is no group of tools named {group_name!r}",
                hint=f"toolkit.create_tool_group({group_name!r}, description=...)",
            )
        tool = Tool(
            tool_func,
            preset_kwargs,
            name=func_name,
            description=func_description,
            json_schema=json_schema,
            group=group_name,
            timeout=timeout,
            after=postprocess_func,
            with_long_description=include_long_description,
        )
        if tool.name in self.tools:
            if namesake_strategy == "skip":
                return
            if namesake_strategy != "override":
                raise UsageError(
                    f"there is a tool named {tool.name} already",
                    hint="give func_name=... or namesake_strategy='override'",
                )
        self.tools[tool.name] = tool
        if extended_model is not None:
            self.set_extended_model(tool.name, extended_model)

    def remove_tool_function(self, tool_name: str) -> None:
        """Take a tool away; one that is not there is no error."""
        self.tools.pop(tool_name, None)

    def set_extended_model(self, func_name: str, model: Any) -> None:
        """Ask the model for the fields of a pydantic class too when it calls this tool; None ends that.

        The tool itself does not get them; they are in the ``tool_use`` block.

        Raises:
            UsageError: there is no such tool.
        """
        if func_name not in self.tools:
            raise UsageError(f"there is no tool named {func_name!r}; there are: {self._names(self.tools)}")
        self.tools[func_name].extension = model

    def clear(self) -> None:
        """Take all tools and groups away."""
        self.tools.clear()
        self.groups.clear()

    # ---- groups

    def create_tool_group(
        self, group_name: str, description: str, active: bool = False, notes: str | None = None
    ) -> None:
        """Make a group, whose tools the model is shown while it is active.

        Raises:
            UsageError: there is one of that name.
        """
        if group_name == BASIC or group_name in self.groups:
            raise UsageError(f"there is a group of tools named {group_name!r} already")
        self.groups[group_name] = ToolGroup(group_name, description, active, notes)

    def update_tool_groups(self, group_names: Iterable[str], active: bool) -> None:
        """Show these groups to the model, or no longer.

        Raises:
            UsageError: one is not known; then nothing is changed.
        """
        groups = [self._group(name) for name in _names(group_names) if name != BASIC]
        for group in groups:
            group.active = active

    def remove_tool_groups(self, group_names: Iterable[str]) -> None:
        """Take groups away, with their tools.

        Raises:
            UsageError: it is "basic".
        """
        gone = set(_names(group_names))
        if BASIC in gone:
            raise UsageError("the group 'basic' cannot be removed; remove its tools one by one")
        self.groups = {name: group for name, group in self.groups.items() if name not in gone}
        self.tools = {name: tool for name, tool in self.tools.items() if tool.group not in gone}

    def get_activated_notes(self) -> str:
        """Return the notes of the groups that are active, for a system prompt."""
        noted = [group for group in self.groups.values() if group.active and group.notes]
        return "\n".join(f"## {group.name}\n{group.notes}" for group in noted)

    def reset_equipped_tools(self, **kwargs: bool) -> ToolResponse:
        """Activate the groups named with true, and no others. Can itself be registered as a tool."""
        for group in self.groups.values():
            group.active = bool(kwargs.get(group.name, False))
        active = ", ".join(group.name for group in self.groups.values() if group.active)
        said = f"active groups of tools: {active or 'none'}"
        notes = self.get_activated_notes()
        return ToolResponse.of_text(f"{said}\n{notes}" if notes else said)

    def _group(self, name: str) -> ToolGroup:
        if name not in self.groups:
            raise UsageError(
                f"there is no group of tools named {name!r}; there are: {self._names(self.groups)}"
            )
        return self.groups[name]

    # ---- what the model is told, and calling

    def get_json_schemas(self) -> list[dict[str, Any]]:
        """Return what a model is told of the active tools, in OpenAI's form."""
        return [tool.json_schema for tool in self.tools.values() if self._is_active(tool)]

    def call_tool_function(self, tool_call: Mapping[str, Any]) -> ToolStream:
        """Call the tool that a ``tool_use`` block asks for, once its answers are iterated over.

        ``async for answer in toolkit.call_tool_function(block)``; each holds all of the answer so far. What
        goes wrong (no such tool, arguments that do not fit, an exception, no time left) is an answer too.

        >>> def add(a: int, b: int) -> int:
        ...     return a + b
        >>> toolkit = Toolkit()
        >>> toolkit.register_tool_function(add)
        >>> def called(**given):
        ...     block = {"type": "tool_use", "id": "1", "name": "add", "input": given}
        ...     return toolkit.call_tool_function(block).result().text
        >>> called(a=2, b=3)
        '5'
        >>> called(a=2)
        'Error: ArgumentNotFoundError: add takes a, b; b is missing'
        """
        return ToolStream(lambda: run_tool(self._find, tool_call, self.max_output_chars))

    def _find(self, name: str) -> Tool:
        tool = self.tools.get(name)
        active = {key: one for key, one in self.tools.items() if self._is_active(one)}
        if tool is None:
            raise FunctionNotFoundError(f"there is no tool named {name!r}; there are: {self._names(active)}")
        if not self._is_active(tool):
            raise FunctionNotFoundError(
                f"the tool {name} is in the group {tool.group!r}, which is not active; there are:"
                f" {self._names(active)}"
            )
        return tool

    def _is_active(self, tool: Tool) -> bool:
        return tool.group == BASIC or self.groups[tool.group].active

    @staticmethod
    def _names(named: Iterable[str]) -> str:
        return ", ".join(named) or "none"

    # ---- elsewhere

    def described(self, name_of: Callable[[Any, str], str]) -> dict[str, Any]:
        """Return what `parts_from` makes it from again, as JSON can hold it.

        ``name_of(value, tool's name)`` returns the name by which a function or class is known there.
        """
        tools = []
        for tool in self.tools.values():
            known = {"function": tool.function, "after": tool.after, "extension": tool.extension}
            values = {key: name_of(one, tool.name) for key, one in known.items() if one is not None}
            tools.append({**tool.described(), "values": values})
        groups = [vars(group) for group in self.groups.values()]
        kind, most = type(self).__name__, self.max_output_chars
        return {"kind": kind, "max_output_chars": most, "tools": tools, "groups": groups}

    # ---- what it has become

    def state_dict(self) -> dict[str, Any]:
        """Return which groups are active; the tools themselves are code, and no state."""
        return {"active_groups": [group.name for group in self.groups.values() if group.active]}

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> None:
        """Activate the groups that `state_dict` told of, and no others.

        Raises:
            UsageError: one of them is not here and ``strict`` is true; then nothing is changed.
        """
        active = list(state_dict.get("active_groups", ()))
        if strict:
            for name in active:
                self._group(name)
        for group in self.groups.values():
            group.active = group.name in active

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._names(self.tools)})"


def _names(given: Iterable[str] | str) -> list[str]:
    return [given] if isinstance(given, str) else list(given)
