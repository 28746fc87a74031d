"""The tools of an MCP server in a toolkit: what a model is told of them, and that it is still so."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ...exceptions import ToolServerError, UsageError
from .._effects import Effect
from .._tool import Tool
from ._client import McpClient
from ._clients import HttpStatefulClient, StdIOStatefulClient
from ._function import McpFunction

if TYPE_CHECKING:
    from .._toolkit import Toolkit

__all__ = ["clients_of", "register_client", "remove_clients"]

UNTRUSTED = frozenset({Effect.EXECUTE, Effect.NETWORK})
"""What a tool of somebody else's server may do, unless the programmer knows better."""
LONGEST = 10_000
"""Characters of a description that a model is told."""
_ODD = re.compile(r"[^A-Za-z0-9_-]")


async def register_client(
    toolkit: Toolkit,
    client: McpClient,
    *,
    enable: Iterable[str] | None = None,
    disable: Iterable[str] | None = None,
    presets: Mapping[str, Mapping[str, Any]] | None = None,
    effects: Iterable[str] | Mapping[str, Iterable[str]] | None = None,
    timeout: float | None = None,  # noqa: ASYNC109  # of the calls, later
    put: Callable[[Tool], object],
    **options: Any,
) -> list[str]:
    """Add a server's tools to a toolkit, by ``put``; return their names.

    Raises:
        UsageError: it has no tool of a name that is given.
        ToolServerError: it does not answer.
    """
    if not isinstance(client, McpClient):
        raise UsageError(f"an MCP client is an HttpStatelessClient or the like, not {type(client).__name__}")
    found = {tool.name: tool for tool in await client.list_tools()}
    wanted, barred = set(found if enable is None else enable), set(disable or ())
    by_tool = effects if isinstance(effects, Mapping) else {}
    odd = sorted((set(enable or ()) | barred | set(presets or {}) | by_tool.keys()) - found.keys())
    if odd:
        raise UsageError(
            f"the MCP server {client.name} has no tool {', '.join(odd)}; it has: {', '.join(found):.500}"
        )
    made = []
    for name, told in found.items():
        if name not in wanted or name in barred:
            continue
        given = dict((presets or {}).get(name, {}))
        does: Any = by_tool.get(name, UNTRUSTED) if effects is None or by_tool else effects
        tool = Tool(
            McpFunction(client, told),
            given,
            name=_ODD.sub("_", name)[:64] or "tool",
            description=_told(told),
            json_schema={"parameters": _parameters(told, given)},
            timeout=timeout,
            effects=does,
            **options,
        )
        tool.origin, tool.told_as = f"{client.name} at {client.place}", name
        tool.refresh = _Refresh(client, tool, given)
        put(tool)
        made.append(tool.name)
    return made


class _Refresh:
    """Looks what the server says of a tool now: who has allowed it should know if that is something else."""

    def __init__(self, client: McpClient, tool: Tool, given: Mapping[str, Any]) -> None:
        self.client, self._tool, self._given = client, tool, given

    async def __call__(self) -> None:
        """Look.

        Raises:
            ToolServerError: the server does not answer, or has no such tool any more.
        """
        for told in await self.client.list_tools():
            if told.name == self._tool.told_as:
                self._tool.retell(_told(told), _parameters(told, self._given))
                return
        raise ToolServerError(f"the MCP server {self.client.name} has no tool {self._tool.told_as} any more")


def _told(told: Any) -> str:
    return str(told.description or "")[:LONGEST]


def _parameters(told: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a tool's arguments, without those that are preset."""
    schema: dict[str, Any] = copy.deepcopy(dict(told.input_schema))
    if given:
        schema["properties"] = {k: v for k, v in (schema.get("properties") or {}).items() if k not in given}
        schema["required"] = [name for name in schema.get("required") or () if name not in given]
    return schema


def remove_clients(toolkit: Toolkit, names: Iterable[str]) -> None:
    """Take the tools of servers out of a toolkit."""
    gone = set(names)
    toolkit.tools = {
        name: tool
        for name, tool in toolkit.tools.items()
        if not (isinstance(tool.refresh, _Refresh) and tool.refresh.client.name in gone)
    }


def clients_of(servers: Mapping[str, Any]) -> list[McpClient]:
    """Return clients for a table of servers as AgentScope 0.1.6 takes it: by name, a command or an address.

    Raises:
        UsageError: it is no such table.
    """
    table = servers.get("mcpServers", servers) if isinstance(servers, Mapping) else None
    if not isinstance(table, Mapping) or not table:
        raise UsageError('MCP servers are given as {"mcpServers": {"name": {"command": ..., "args": [...]}}}')
    made: list[McpClient] = []
    for name, about in table.items():
        if not isinstance(about, Mapping) or ("command" in about) == ("url" in about):
            raise UsageError(f"the MCP server {name} has either a command or a url")
        if "command" in about:
            made.append(
                StdIOStatefulClient(
                    str(name), about["command"], about.get("args"), about.get("env"), about.get("cwd")
                )
            )
        else:
            kind = "sse" if about.get("type", "sse") == "sse" else "streamable_http"
            made.append(HttpStatefulClient(str(name), kind, about["url"], about.get("headers")))
    return made
