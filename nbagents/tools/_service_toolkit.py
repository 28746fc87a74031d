"""`ServiceToolkit`: the tools of an agent as AgentScope 0.x has them: described and called by text."""

from __future__ import annotations

import functools
import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .._loop import background
from ..exceptions import (
    ArgumentNotFoundError,
    ArgumentTypeError,
    FunctionCallFormatError,
    FunctionNotFoundError,
)
from ..message import Msg
from ._offer import HasTools, functions_of
from ._outside import told_blocks
from ._response import ToolResponse, text_of
from ._run import arguments_of
from ._tool import Tool
from ._toolkit import Toolkit

__all__ = ["ServiceFactory", "ServiceToolkit"]

log = logging.getLogger(__name__)
_FENCED = re.compile(r"```(?:json)?[ \t]*\n?(.*?)```", re.DOTALL)


class ServiceToolkit(Toolkit):
    """Service functions that a model may call, natively as those of a `Toolkit`, or by writing JSON.

    >>> def add(a: int, b: int) -> int:
    ...     '''Add two numbers.'''
    ...     return a + b
    >>> toolkit = ServiceToolkit()
    >>> toolkit.add(add, b=1)
    >>> print(toolkit.parse_and_call_func('[{"name": "add", "arguments": {"a": 2}}]').content)
    1. Execute function add
       [ARGUMENTS]:
           a: 2
       [STATUS]: SUCCESS
       [RESULT]: 3
    <BLANKLINE>
    """

    def add(self, service_func: Callable[..., Any] | HasTools, **kwargs: Any) -> None:
        """Let the model call a function; ``kwargs`` are given at each call and hidden from the model.

        An object with ``tools()``, such as a `Database` or a `KernelExecutor`, adds all that this returns.
        A second one of the same name is left out, with a warning in the log.

        Raises:
            UsageError: it cannot be a tool, or has no such parameter.
        """
        for tool in [Tool(one, kwargs) for one in functions_of(service_func, kwargs)]:
            if tool.name in self.tools:
                log.warning("the service function %s is there already; the second one is left out", tool.name)
            else:
                self.tools[tool.name] = tool

    def add_mcp_servers(self, server_configs: Mapping[str, Any]) -> None:
        """Start or reach MCP servers, and let the model call their tools. Blocking.

        ``server_configs`` is ``{"mcpServers": {"name": {"command": ..., "args": [...]}}}``, or with ``url``
        and perhaps ``headers`` in the place of a command. A tool whose name is taken is left out.

        Raises:
            UsageError: it is no such table, or the extra ``mcp`` is missing.
            ToolServerError: a server does not answer.
        """
        from .mcp import clients_of

        clients = clients_of(server_configs)
        background().run(self._add_servers(clients))

    async def _add_servers(self, clients: Sequence[Any]) -> None:
        for client in clients:
            await client.connect()
            await self.register_mcp_client(client, namesake_strategy="skip")

    @property
    def service_funcs(self) -> dict[str, Tool]:
        """The tools by name."""
        return self.tools

    @property
    def json_schemas(self) -> dict[str, dict[str, Any]]:
        """What a model is told of each tool, by name, in OpenAI's form."""
        return {name: tool.json_schema for name, tool in self.tools.items()}

    @property
    def tools_instruction(self) -> str:
        """A text for a prompt that says which tools there are; "" if there are none."""
        if not self.tools:
            return ""
        parts = [_described(number, tool) for number, tool in enumerate(self.tools.values(), 1)]
        head = (
            "## Tool Functions:\nThese tools can be called. Each has a number, a name and what it does,"
            " then a line for each argument with its name, its type and its meaning.\n"
        )
        return head + "\n".join(parts) + "\n"

    @property
    def tools_calling_format(self) -> str:
        """How a model writes that it calls tools, for a prompt."""
        return '[{"name": "{function name}", "arguments": {"{argument name}": {argument value}, ...}}, ...]'

    def parse_and_call_func(
        self, text_cmds: str | Sequence[Mapping[str, Any]], raise_exception: bool = False
    ) -> Msg:
        """Call the tools that a model asks for, one after the other; return a system message of what came.

        ``text_cmds`` is JSON in the form of `tools_calling_format`, perhaps in a fence of ``json``, or the
        list itself. A call that cannot be made is told in the message, or raised with ``raise_exception``;
        what a tool raises is always told. Blocking: in ``async`` code use `call_tool_function`.

        Raises:
            FunctionCallError: with ``raise_exception``: it is no call, or one that cannot be made.
            WouldBlockLoopError: called on the background loop.
        """
        try:
            calls = [self._checked(call) for call in _parsed(text_cmds)]
        except (
            FunctionCallFormatError,
            FunctionNotFoundError,
            ArgumentNotFoundError,
            ArgumentTypeError,
        ) as error:
            if raise_exception:
                raise
            return Msg("system", f"{type(error).__name__}: {error}", "system")
        return Msg("system", background().run(self._called(calls)), "system")

    def _checked(self, call: Any) -> dict[str, Any]:
        if not isinstance(call, Mapping) or not isinstance(call.get("name"), str):
            raise FunctionCallFormatError(
                "a call of a tool is a JSON object with name and arguments; write"
                f" {self.tools_calling_format}"
            )
        block = {"type": "tool_use", "id": "", "name": call["name"], "input": call.get("arguments", {})}
        block["input"] = arguments_of(block)
        self._find(call["name"]).arguments(block["input"])
        return block

    async def _called(self, calls: Sequence[Mapping[str, Any]]) -> str:
        told = []
        for number, call in enumerate(calls, 1):
            answer = await self.call_tool_function({**call, "id": f"call_{number}"}).last()
            told.append(_executed(number, call, answer))
        return "\n".join(told)


class ServiceFactory:
    """Makes a tool of a service function, for models that are given JSON schemas."""

    @staticmethod
    def get(service_func: Callable[..., Any], **kwargs: Any) -> tuple[Callable[..., Any], dict[str, Any]]:
        """Return the function with these arguments given, and the JSON schema of the others.

        >>> def search(question: str, api_key: str) -> str:
        ...     '''Search the web.'''
        ...     return question.upper()
        >>> function, schema = ServiceFactory.get(search, api_key="...")
        >>> function("rain"), schema["function"]["parameters"]["required"]
        ('RAIN', ['question'])
        """
        return functools.partial(service_func, **kwargs), Tool(service_func, kwargs).json_schema


def _parsed(given: str | Sequence[Mapping[str, Any]]) -> Sequence[Any]:
    if isinstance(given, str):
        fenced = _FENCED.search(given)
        text = fenced[1] if fenced else given
        try:
            given = json.loads(text)
        except ValueError as error:
            raise FunctionCallFormatError(
                f"calls of tools are written as a JSON list; this is none: {error}"
            ) from None
    if isinstance(given, Mapping):
        given = [given]
    if not isinstance(given, (list, tuple)):
        raise FunctionCallFormatError(f"calls of tools are a list of objects, not a {type(given).__name__}")
    return given


def _described(number: int, tool: Tool) -> str:
    schema = tool.json_schema["function"]
    lines = [f"{number}. {tool.name}: {schema['description'] or 'no description'}"]
    for name, part in schema["parameters"].get("properties", {}).items():
        said = part.get("description") or "no description"
        lines.append(f"\t{name} ({_type_name(part)}): {said}")
    return "\n".join(lines)


def _type_name(part: Mapping[str, Any]) -> str:
    if "enum" in part:
        return "one of " + ", ".join(json.dumps(one, ensure_ascii=False) for one in part["enum"])
    if "anyOf" in part:
        return " or ".join(_type_name(one) for one in part["anyOf"])
    return str(part.get("type", "any"))


def _executed(number: int, call: Mapping[str, Any], answer: ToolResponse) -> str:
    given = "".join(f"       {name}: {value}\n" for name, value in call["input"].items())
    status = "FAILED" if answer.is_error else "SUCCESS"
    return (
        f"{number}. Execute function {call['name']}\n   [ARGUMENTS]:\n{given}"
        f"   [STATUS]: {status}\n   [RESULT]: {text_of(told_blocks(answer))}\n"
    )
