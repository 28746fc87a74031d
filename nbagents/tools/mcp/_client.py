"""`McpClient`: one MCP server, asked on the background loop from whichever loop or thread; never for ever."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from ..._loop import background
from ..._threads import on_thread
from ...config import Secret, redact
from ...exceptions import NbAgentsError, ToolServerError, UsageError
from ._function import McpFunction

__all__ = ["McpClient", "here"]

T = TypeVar("T")
MOST_TOOLS, MOST_PAGES = 1000, 50
"""Tools, and pages of them, that are read of one server."""


class McpClient(ABC):
    """A server by its name. ``timeout`` is in seconds, for all but the calls of tools."""

    def __init__(self, name: str, *, timeout: float = 30.0, secrets: Mapping[str, Any] | None = None) -> None:
        if importlib.util.find_spec("mcp") is None:
            raise UsageError("MCP servers need the package mcp", hint="pip install 'jupyter-nbagents[mcp]'")
        if not isinstance(name, str) or not name:
            raise UsageError("an MCP client has a name")
        self.name, self.timeout = name, timeout
        self.secrets = {key: Secret(str(value)) for key, value in (secrets or {}).items()}
        """What only the server may see: headers, or an environment."""

    # ---- what its kinds say

    @property
    @abstractmethod
    def place(self) -> str:
        """Which server this is, without what is secret."""

    @abstractmethod
    async def transport(self) -> AbstractAsyncContextManager[Any]:
        """Return the way to the server, not yet opened."""

    @abstractmethod
    def session(self) -> AbstractAsyncContextManager[Any]:
        """Open, or lend, a connection: a `mcp.Client`. On the background loop."""

    # ---- asking

    async def list_tools(self) -> list[Any]:
        """Return the server's tools, as `mcp.types.Tool`.

        Raises:
            ToolServerError: it does not answer, or not in time.
        """
        return await here(self._asked(self._listed, self.timeout, "be asked for its tools"))

    async def _listed(self, client: Any) -> list[Any]:
        found: list[Any] = []
        cursor = None
        for _ in range(MOST_PAGES):
            page = await client.list_tools(cursor=cursor, cache_mode="bypass")
            found += page.tools
            cursor = page.next_cursor
            if cursor is None or len(found) >= MOST_TOOLS:
                break
        return found[:MOST_TOOLS]

    async def call_tool(
        self, name: str, arguments: Mapping[str, Any], *, execution_timeout: float | None = None
    ) -> Any:
        """Call a tool and return the server's own answer, a `mcp.types.CallToolResult`.

        Raises:
            ToolServerError: the server does not answer, or not within ``execution_timeout`` seconds.
        """

        async def ask(client: Any) -> Any:
            return await client.call_tool(name, dict(arguments))

        return await here(self._asked(ask, execution_timeout, f"run {name}"))

    async def get_callable_function(
        self, func_name: str, wrap_tool_result: bool = True, execution_timeout: float | None = None
    ) -> McpFunction:
        """Return one of its tools as an async function, which answers a `ToolResponse` or the raw result.

        Raises:
            UsageError: the server has no such tool.
            ToolServerError: it does not answer.
        """
        tools = {tool.name: tool for tool in await self.list_tools()}
        if func_name not in tools:
            known = ", ".join(tools) or "none"
            raise UsageError(f"the MCP server {self.name} has no tool {func_name!r}; it has: {known:.500}")
        return McpFunction(self, tools[func_name], wrap_tool_result, execution_timeout)

    async def _asked(self, ask: Callable[[Any], Awaitable[T]], seconds: float | None, what: str) -> T:
        try:
            async with asyncio.timeout(seconds), self.session() as client:
                return await ask(client)
        except TimeoutError:
            raise ToolServerError(
                f"the MCP server {self.name} did not {what} within {seconds or 0:g} s"
            ) from None
        except NbAgentsError:
            raise
        except Exception as error:  # noqa: BLE001  # whatever its library raises
            raise self.failed(error, what) from None

    def failed(self, error: BaseException, what: str) -> ToolServerError:
        """Return the error that says what went wrong, without what is secret."""
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        keys = [secret.reveal() for secret in self.secrets.values()]
        text = redact(str(error)[:500], *(key for key in keys if len(key) >= 4)) or type(error).__name__
        return ToolServerError(f"the MCP server {self.name} could not {what}: {text}")

    def __repr__(self) -> str:
        return f"<MCP server {self.name}>"


async def here(work: Coroutine[Any, Any, T]) -> T:
    """Do something on the background loop, whichever loop this is."""
    for slow in ("mcp", "jsonschema"):  # they take a second or two, the first time
        await on_thread(importlib.import_module, slow)
    return await background().cross(work)


@contextlib.asynccontextmanager
async def opened(client: McpClient) -> Any:
    """Open a connection to a server."""
    import mcp

    async with mcp.Client(await client.transport()) as connected:
        yield connected
