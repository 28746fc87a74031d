"""The kinds of MCP clients, under AgentScope's names: by HTTP for each call, by HTTP, and by a pipe."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import hashlib
import os
import sys
import tempfile
import weakref
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

from ..._loop import background
from ...exceptions import ToolServerError, UsageError
from ._client import McpClient, here, opened

__all__ = ["HttpStatefulClient", "HttpStatelessClient", "StdIOStatefulClient"]

LAST_WORDS = 400
"""Characters that are told of what a server wrote to its standard error before it failed."""
AT_EXIT = 2.0
"""Seconds that all servers have to end when this process does."""


class _Http(McpClient):
    """A server at an address. ``headers`` are for it alone, and are told to nobody."""

    def __init__(
        self,
        name: str,
        transport: Literal["streamable_http", "sse"] = "streamable_http",
        url: str = "",
        headers: Mapping[str, str] | None = None,
        timeout: float = 30.0,
        sse_read_timeout: float = 300.0,
    ) -> None:
        super().__init__(name, timeout=timeout, secrets=headers)
        if transport not in ("streamable_http", "sse"):
            raise UsageError(f"the transport of {name} is streamable_http or sse, not {transport!r}")
        if urlsplit(url).scheme not in ("http", "https"):
            raise UsageError(f"the url of {name} begins with http:// or https://")
        self.kind, self._url, self._read_timeout = transport, url, sse_read_timeout

    @property
    def place(self) -> str:
        """The address, without a password or what is asked of it."""
        parts = urlsplit(self._url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))

    async def transport(self) -> AbstractAsyncContextManager[Any]:
        """Return the way to the address."""
        headers = {key: secret.reveal() for key, secret in self.secrets.items()}
        if self.kind == "sse":
            from mcp.client.sse import sse_client

            return sse_client(self._url, headers, self.timeout, self._read_timeout)
        import httpx2
        from mcp.client.streamable_http import streamable_http_client
        from mcp.shared._httpx_utils import create_mcp_http_client

        return _with_client(
            create_mcp_http_client(headers, httpx2.Timeout(self.timeout, read=self._read_timeout)),
            lambda client: streamable_http_client(self._url, http_client=client),
        )


@contextlib.asynccontextmanager
async def _with_client(client: Any, way: Any) -> AsyncIterator[Any]:
    async with client, way(client) as streams:
        yield streams


class HttpStatelessClient(_Http):
    """A server that is connected to anew for each call, so that there is nothing to close.

    >>> HttpStatelessClient("maps", "streamable_http", "http://127.0.0.1:9/mcp?key=secret")
    <MCP server maps>
    """

    def session(self) -> AbstractAsyncContextManager[Any]:
        """Open a connection."""
        connection: AbstractAsyncContextManager[Any] = opened(self)
        return connection


class _Stateful(McpClient):
    """A server with a connection that stays until `close`. May be used as ``async with``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._client: Any = None
        self._stop: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def is_connected(self) -> bool:
        """Is there a connection?"""
        return self._client is not None

    async def connect(self) -> None:
        """Connect, and start the server if it is a program. From any loop.

        Raises:
            UsageError: it is connected already.
            ToolServerError: it cannot be reached, or not in time.
        """
        await here(self._connect())

    async def _connect(self) -> None:
        if self._task is not None and not self._task.done():
            raise UsageError(f"{self.name} is connected already")
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(self._live(ready, self._stop), name=f"mcp {self.name}")
        _connected.add(self)
        done, _ = await asyncio.wait([ready], timeout=self.timeout)
        if not done:
            self._task.cancel()
            await asyncio.wait([self._task], timeout=AT_EXIT)
            raise ToolServerError(f"the MCP server {self.name} did not begin within {self.timeout:g} s")
        ready.result()

    async def _live(self, ready: asyncio.Future[None], stop: asyncio.Event) -> None:
        # One task for the whole life of a connection: its library wants it closed by who has opened it.
        try:
            async with opened(self) as client:
                self._client = client
                ready.set_result(None)
                await stop.wait()
        except Exception as error:  # noqa: BLE001  # whatever its library raises
            if not ready.done():
                ready.set_exception(self.failed(error, "be connected to"))
        finally:
            self._client = None
            if not ready.done():
                ready.cancel()

    @contextlib.asynccontextmanager
    async def _lent(self) -> AsyncIterator[Any]:
        if self._client is None or self._task is None:
            raise ToolServerError(
                f"the MCP server {self.name} is not connected", hint=f"await {self.name}.connect()"
            )
        yield self._client

    def session(self) -> AbstractAsyncContextManager[Any]:
        """Lend the connection."""
        return self._lent()

    async def close(self, ignore_errors: bool = True) -> None:
        """Close the connection; a server that was started ends. Twice is fine.

        Raises:
            ToolServerError: it does not end, and errors are not to be ignored.
        """
        await here(self._close(ignore_errors))

    async def _close(self, ignore_errors: bool) -> None:
        task, self._task = self._task, None
        _connected.discard(self)
        if task is None or self._stop is None:
            return
        self._stop.set()
        done, _ = await asyncio.wait([task], timeout=self.timeout)
        if not done:
            task.cancel()
            if not ignore_errors:
                raise ToolServerError(f"the MCP server {self.name} did not end within {self.timeout:g} s")

    async def __aenter__(self) -> Any:
        await self.connect()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()


class HttpStatefulClient(_Stateful, _Http):
    """A server at an address, with one connection for all calls: `connect` first, `close` at the end."""


class StdIOStatefulClient(_Stateful):
    """A program that is started, and talked with over its standard input and output.

    ``command`` and ``args`` start it, without a shell; ``env`` is added to the few harmless variables that it
    gets of this process's environment, and is told to nobody. It ends with `close`, or with this process.
    """

    def __init__(
        self,
        name: str,
        command: str,
        args: Sequence[str] | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        encoding: str = "utf-8",
        encoding_error_handler: Literal["strict", "ignore", "replace"] = "strict",
        *,
        timeout: float = 30.0,
    ) -> None:
        super().__init__(name, timeout=timeout, secrets=env)
        self.command, self.args, self.cwd = command, list(args or ()), cwd
        self._encoding, self._handler = encoding, encoding_error_handler
        self._words = ""
        """What the program has written to its standard error last, once it is over."""

    @property
    def place(self) -> str:
        """The command, as a hash: its arguments may hold what is nobody's business."""
        told = "\0".join([self.command, *self.args, self.cwd or ""])
        return f"program {hashlib.sha256(told.encode()).hexdigest()[:16]}"

    async def transport(self) -> AbstractAsyncContextManager[Any]:
        """Return the way to the program, which is not started yet."""
        return self._way()

    @contextlib.asynccontextmanager
    async def _way(self) -> AsyncIterator[Any]:
        from mcp import StdioServerParameters
        from mcp.client.stdio import stdio_client

        self._words = ""
        parameters = StdioServerParameters(
            command=self.command,
            args=self.args,
            env={key: secret.reveal() for key, secret in self.secrets.items()},
            cwd=self.cwd,
            encoding=self._encoding,
            encoding_error_handler=self._handler,
        )
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
            try:
                async with stdio_client(parameters, errlog=said) as streams:
                    yield streams
            finally:
                said.seek(max(os.fstat(said.fileno()).st_size - LAST_WORDS, 0))
                self._words = said.read().strip().rpartition("\n")[2]

    def failed(self, error: BaseException, what: str) -> ToolServerError:
        """Return the error, with what the program said last."""
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        return super().failed(
            RuntimeError(f"{error}; it said: {self._words}") if self._words else error, what
        )


_connected: weakref.WeakSet[_Stateful] = weakref.WeakSet()


def _close_all() -> None:
    left = list(_connected)
    if not left or sys.is_finalizing():
        return
    with contextlib.suppress(Exception):
        background().run(_all_closed(left), timeout=AT_EXIT)


async def _all_closed(left: Sequence[_Stateful]) -> None:
    await asyncio.gather(*(client._close(True) for client in left), return_exceptions=True)


atexit.register(_close_all)
