"""`Toolkit`: the tools of an agent, by name, in groups; what the model is told of them, and calling them."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from ..exceptions import FunctionNotFoundError, UsageError
from ._effects import effects
from ._fit import LARGEST, Room
from ._groups import BASIC, ToolGroup
from ._offer import HasTools, functions_of
from ._policy import Policy
from ._response import ToolResponse
from ._run import ToolStream, run_tool
from ._tool import Tool

if TYPE_CHECKING:
    from .mcp._client import McpClient

__all__ = ["Toolkit"]

log = logging.getLogger(__name__)
Strategy = Literal["raise", "override", "skip", "rename"]
"""What becomes of a tool whose name is taken."""


class Toolkit:
    """The functions that a model may call. May be shared by agents; safe to change between their turns.

    What a tool answers is cut after ``max_output_chars`` characters, since all of it would go into each
    later prompt, and pictures and other blocks are left out once all of it takes ``max_output_bytes``; None
    is no limit. Keys that are preset (``api_key=``, ``token=`` …) are masked in it.

    ``approve`` says which tools may be called, by what they do (see `effects`): "auto", "ask" or "deny" for
    all, or a mapping such as ``{"write": "ask", "execute": "deny"}``. "auto" alone allows all there is: to
    write, to run code, to reach the network and to spend money; ``{"execute": "auto"}`` allows to run code,
    and asks about the rest. Where nothing is said tools that
    declare nothing and those that read may be called, and for all others a person is asked. What an agent,
    or a run, says besides counts too, the strictest first. Who calls a function directly is not asked.

    >>> def add(a: int, b: int) -> int:
    ...     '''Add two numbers.'''
    ...     return a + b
    >>> toolkit = Toolkit()
    >>> toolkit.register_tool_function(add)
    >>> [schema["function"]["name"] for schema in toolkit.get_json_schemas()]
    ['add']
    """

    def __init__(
        self,
        *,
        max_output_chars: int | None = 100_000,
        max_output_bytes: int | None = LARGEST,
        approve: str | Mapping[str, str] | Policy | None = None,
    ) -> None:
        self.max_output_chars, self.max_output_bytes = max_output_chars, max_output_bytes
        self.policy = Policy.of(approve)
        """Which tools may be called."""
        self.tools: dict[str, Tool] = {}
        """The tools by name."""
        self.groups: dict[str, ToolGroup] = {}
        """The groups by name, but for "basic", which is always active."""

    # ---- which tools there are

    def register_tool_function(
        self,
        tool_func: Callable[..., Any] | HasTools,
        group_name: str = BASIC,
        preset_kwargs: Mapping[str, Any] | None = None,
        func_name: str | None = None,
        func_description: str | None = None,
        json_schema: Mapping[str, Any] | None = None,
        include_long_description: bool = True,
        *,
        extended_model: Any = None,
        postprocess_func: Callable[..., Any] | None = None,
        namesake_strategy: Strategy = "raise",
        timeout: float | None = None,
        effects: Iterable[str] | None = None,
        include_var_positional: bool = False,
        include_var_keyword: bool = True,
    ) -> None:
        """Let the model call a function: ``def`` or ``async def``, with ``return`` or with ``yield``.

        Name, description and JSON schema are taken from its signature, types and docstring, unless given.
        ``preset_kwargs`` are given at each call, and the model neither sees nor changes them. A plain ``def``
        runs on a thread of its own, so it may block. What it returns is told to the model as text (data as
        JSON), or is a `ToolResponse`; what it yields are pieces of text, or `ToolResponse`, each of which
        holds all so far. What it raises, and that ``timeout`` seconds have passed, is told too.

        ``postprocess_func(tool_call, response)`` may change the answer; it may block. ``namesake_strategy``
        says what becomes of a tool of the same name: "raise", "override", "skip" or "rename" (the new one).
        ``effects`` says what it does, in the place of what the function declares (see `effects`). A model
        names what it gives, so ``*args`` never reach it; other names only if the function takes ``**kwargs``
        and ``include_var_keyword`` is not false. An object with ``tools()``, such as a `Database` or a
        `KernelExecutor`, adds all that this returns.

        Raises:
            UsageError: the function cannot be a tool, the group is not known, or the name is taken.
        """
        if include_var_positional:
            raise UsageError(
                "a model gives arguments by name, so include_var_positional cannot be had",
                hint="let the function take a list",
            )
        self._group(group_name)
        made = [
            Tool(
                one,
                preset_kwargs,
                name=func_name,
                description=func_description,
                json_schema=json_schema,
                group=group_name,
                timeout=timeout,
                after=postprocess_func,
                with_long_description=include_long_description,
                effects=effects,
                takes_more=include_var_keyword,
            )
            for one in functions_of(tool_func, func_name, func_description, json_schema, preset_kwargs)
        ]
        for tool in made if namesake_strategy == "raise" else ():  # all of them, or none
            self._free(tool.name)
        for tool in made:
            if self._put(tool, namesake_strategy) and extended_model is not None:
                self.set_extended_model(tool.name, extended_model)

    def _free(self, name: str) -> None:
        if name in self.tools:
            raise UsageError(
                f"there is a tool named {name} already",
                hint="give func_name=... (to each of an object's tools()), or namesake_strategy='override'",
            )

    def _put(self, tool: Tool, namesakes: Strategy) -> bool:
        """Add a tool; return whether it was added."""
        if tool.name in self.tools:
            if namesakes == "skip":
                return False
            if namesakes == "rename":
                tool.rename(f"{tool.name[:57]}_{secrets.token_hex(3)}")
            elif namesakes != "override":
                self._free(tool.name)
        self.tools[tool.name] = tool
        return True

    def remove_tool_function(self, tool_name: str, allow_not_exist: bool = True) -> None:
        """Take a tool away.

        Raises:
            UsageError: there is none, and that is not allowed.
        """
        if tool_name not in self.tools and not allow_not_exist:
            raise UsageError(f"there is no tool named {tool_name!r}; there are: {self._names(self.tools)}")
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

    # ---- tools of MCP servers

    async def register_mcp_client(
        self,
        mcp_client: McpClient,
        group_name: str = BASIC,
        enable_funcs: Iterable[str] | None = None,
        disable_funcs: Iterable[str] | None = None,
        preset_kwargs_mapping: Mapping[str, Mapping[str, Any]] | None = None,
        postprocess_func: Callable[..., Any] | None = None,
        namesake_strategy: Strategy = "raise",
        *,
        effects: Iterable[str] | Mapping[str, Iterable[str]] | None = None,
        timeout: float | None = 60.0,  # noqa: ASYNC109  # of the calls, later
    ) -> None:
        """Let the model call the tools of an MCP server: all of them, or those that are named.

        They are not trusted: unless ``effects`` says what they do (all, or each by its name), a person is
        asked as for a program that runs code and goes out; asked again also when the server begins to say
        something else of a tool. A call ends after ``timeout`` seconds.

        Raises:
            UsageError: there is no such group or tool, a name is taken, or the client is not one.
            ToolServerError: the server does not answer.
        """
        from .mcp import register_client

        self._group(group_name)
        await register_client(
            self,
            mcp_client,
            enable=enable_funcs,
            disable=disable_funcs,
            presets=preset_kwargs_mapping,
            effects=effects,
            timeout=timeout,
            put=lambda tool: self._put(tool, namesake_strategy),
            group=group_name,
            after=postprocess_func,
        )

    async def remove_mcp_clients(self, client_names: Iterable[str]) -> None:
        """Take the tools of MCP servers away; the clients stay as they are."""
        from .mcp import remove_clients

        remove_clients(self, _names(client_names))

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

    @effects()
    def reset_equipped_tools(self, **kwargs: bool) -> ToolResponse:
        """Choose the groups of tools that you need now: those that are true are there, all others are not.

        Registered as a tool, it lets the model choose; its arguments are the groups that there are.
        """
        for group in self.groups.values():
            group.active = bool(kwargs.get(group.name, False))
        active = ", ".join(group.name for group in self.groups.values() if group.active)
        said = f"active groups of tools: {active or 'none'}"
        notes = self.get_activated_notes()
        return ToolResponse.of_text(f"{said}\n{notes}" if notes else said)

    def _group(self, name: str) -> ToolGroup:
        if name == BASIC:
            return ToolGroup(BASIC, "", True)
        if name not in self.groups:
            raise UsageError(
                f"there is no group of tools named {name!r}; there are: {self._names(self.groups)}",
                hint=f"toolkit.create_tool_group({name!r}, description=...)",
            )
        return self.groups[name]

    # ---- what the model is told, and calling

    def get_json_schemas(self) -> list[dict[str, Any]]:
        """Return what a model is told of the active tools, in OpenAI's form."""
        return [self._told(tool) for tool in self.tools.values() if self._is_active(tool)]

    def _told(self, tool: Tool) -> dict[str, Any]:
        schema = tool.json_schema
        if tool.function == self.reset_equipped_tools:  # its arguments are the groups that there are now
            schema["function"]["parameters"]["properties"] = {
                name: {"type": "boolean", "default": False, "description": group.description}
                for name, group in self.groups.items()
            }
            schema["function"]["parameters"]["additionalProperties"] = False
        return schema

    def call_tool_function(
        self, tool_call: Mapping[str, Any], *, approve: Policy | None = None
    ) -> ToolStream:
        """Call the tool that a ``tool_use`` block asks for, once its answers are iterated over.

        ``async for answer in toolkit.call_tool_function(block)``; each holds all of the answer so far. What
        goes wrong (no such tool, arguments that do not fit, an exception, no time left) is an answer too, and
        so is that a call was not allowed. ``approve`` counts besides what this toolkit was told.

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
        policies = (self.policy,) if approve is None else (self.policy, approve)
        room = Room(self.max_output_chars, self.max_output_bytes)
        return ToolStream(lambda: run_tool(self._find, tool_call, room, policies))

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
            if tool.function == self.reset_equipped_tools:
                tools.append({"meta": tool.name})
                continue
            known = {"function": tool.function, "after": tool.after, "extension": tool.extension}
            values = {key: name_of(one, tool.name) for key, one in known.items() if one is not None}
            tools.append({**tool.described(), "values": values})
        return {
            "kind": type(self).__name__,
            "max_output_chars": self.max_output_chars,
            "max_output_bytes": self.max_output_bytes,
            "approve": self.policy.to_dict(),
            "tools": tools,
            "groups": [vars(group) for group in self.groups.values()],
        }

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
        for name in active if strict else ():
            self._group(name)
        for group in self.groups.values():
            group.active = group.name in active

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._names(self.tools)})"


def _names(given: Iterable[str] | str) -> list[str]:
    return [given] if isinstance(given, str) else list(given)
