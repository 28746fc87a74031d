"""An app as a tool: for the MCP SDK's own client, and for our own toolkits."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import mcp
import pytest
from mcp.client.streamable_http import streamable_http_client

from nbagents import Msg, Toolkit, _loop
from nbagents.app import AgentApp
from nbagents.exceptions import ToolServerError
from nbagents.tools.mcp import HttpStatefulClient, HttpStatelessClient

from .conftest import Client

Begin = Callable[[AgentApp], Client]
MODES = pytest.mark.parametrize("mode", ["legacy", "auto"])
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@asynccontextmanager
async def sdk(client: Client, mode: str = "auto") -> AsyncIterator[mcp.Client]:
    headers = {"Authorization": f"Bearer {client.serving.token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=20) as http,
        mcp.Client(
            streamable_http_client(f"{client.serving.url}/mcp", http_client=http), mode=mode
        ) as opened,
    ):
        yield opened


@pytest.fixture
def friday() -> AgentApp:
    app = AgentApp(app_name="Friday, the helper", app_description="Knows the weather.")

    @app.query()
    async def answer(self: Any, msgs: Any, request: Any = None) -> Any:
        (asked,) = msgs
        if asked.content == "fail":
            raise RuntimeError("broken in /srv/somebody/secret.py")
        if asked.content == "picture":
            source = {"type": "base64", "media_type": "image/png", "data": PICTURE}
            yield Msg("Friday", [{"type": "text", "text": "see"}, {"type": "image", "source": source}])
            return
        message = Msg("Friday", [{"type": "thinking", "thinking": "hm"}])
        yield message, True
        reply = Msg("Friday", "")
        for end in (3, 9, 100):
            reply.content = f"{asked.content} ({request.session_id})"[:end]
            yield reply, end == 100
            await asyncio.sleep(0)

    return app


@MODES
def test_the_sdk_finds_one_tool_and_hears_it_speak(served: Begin, friday: AgentApp, mode: str) -> None:
    async def ask() -> None:
        async with sdk(served(friday), mode) as client:
            (tool,) = (await client.list_tools()).tools
            assert (tool.name, tool.description) == ("Friday_the_helper", "Knows the weather.")
            assert tool.input_schema["required"] == ["message"]
            told: list[tuple[float, str | None]] = []

            async def progress(done: float, total: float | None, message: str | None) -> None:
                told.append((done, message))

            given = {"message": "weather?", "session_id": "talk-1"}
            result = await client.call_tool(tool.name, given, progress_callback=progress)
            assert [part.text for part in result.content if part.type == "text"] == ["weather? (talk-1)"]
            assert not result.is_error
            assert "".join(message or "" for _, message in told) == "weather? (talk-1)"
            assert [done for done, _ in told] == sorted({done for done, _ in told})
            alone = await client.call_tool(tool.name, {"message": "weather?"})
            assert "talk-1" not in str(alone.content)

    asyncio.run(ask())


@MODES
@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "message: a text is needed"),
        ({"message": 5}, "message: a text is needed"),
        ({"message": "?", "user_id": "somebody"}, "no argument 'user_id'"),
        ({"message": "?", "session_id": "../up"}, "session_id"),
        ({"message": "fail"}, "RuntimeError: broken in …"),
    ],
)
def test_what_goes_wrong_is_an_answer_that_a_model_can_read(
    served: Begin, friday: AgentApp, mode: str, given: Any, says: str
) -> None:
    async def ask() -> None:
        async with sdk(served(friday), mode) as client:
            await client.list_tools()
            result = await client.call_tool("Friday_the_helper", given)
            assert result.is_error
            assert says in str(result.content[0])

    asyncio.run(ask())


@MODES
def test_a_call_that_is_given_up_stops_the_agent(served: Begin, mode: str) -> None:
    app, began, stopped = AgentApp(), threading.Event(), threading.Event()

    @app.query()
    async def answer(self: Any, msgs: Any) -> Any:
        yield "so"
        began.set()
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            stopped.set()
            raise

    async def ask() -> None:
        async with sdk(served(app), mode) as client:
            call = asyncio.create_task(client.call_tool("agent", {"message": "?"}))
            assert await asyncio.to_thread(began.wait, 10)
            call.cancel()
            assert await asyncio.to_thread(stopped.wait, 10)
            await asyncio.wait([call])

    asyncio.run(ask())


def test_an_app_that_stops_does_not_wait_for_sessions(served: Begin, friday: AgentApp) -> None:
    client = served(friday)
    way = HttpStatefulClient(
        "friday",
        "streamable_http",
        f"{client.serving.url}/mcp",
        {"Authorization": f"Bearer {client.serving.token}"},
    )
    background = _loop.background()
    background.run(way.connect(), timeout=30)
    assert len(background.run(way.list_tools(), timeout=30)) == 1
    assert client.serving.stop()
    background.run(way.close(), timeout=30)


def test_a_toolkit_of_ours_asks_the_agent(
    served: Begin, friday: AgentApp, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    client = served(friday)
    toolkit = Toolkit(approve="auto")
    for token in ("wrong", client.serving.token):
        way = HttpStatelessClient(
            "friday", "streamable_http", f"{client.serving.url}/mcp", {"Authorization": f"Bearer {token}"}
        )
        register = toolkit.register_mcp_client(way)
        if token == "wrong":
            with pytest.raises(ToolServerError, match="could not be asked for its tools"):
                _loop.background().run(register, timeout=30)
        else:
            _loop.background().run(register, timeout=30)
    assert list(toolkit.tools) == ["Friday_the_helper"]

    def call(message: str) -> Any:
        block = {"type": "tool_use", "id": "c", "name": "Friday_the_helper", "input": {"message": message}}
        return toolkit.call_tool_function(block).result(30)

    assert call("weather?").content[0]["text"].startswith("weather? (")
    text, image = call("picture").content
    assert (text["text"], image["source"]["data"]) == ("see", PICTURE)
    assert call("fail").is_error
    from nbagents.tools import audit_log

    audit_log().close()


def test_a_session_is_its_users_own(served: Begin) -> None:
    app = AgentApp(tokens={"al": "token-of-al", "bob": "token-of-bob"})
    app.query()(lambda self, msgs, request=None: Msg("a", request.user_id))
    client = served(app)
    begin = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "t", "version": "1"},
        },
    }
    accept = {"Accept": "application/json, text/event-stream"}
    connection, response = client.open("POST", "/mcp", begin, Authorization="Bearer token-of-al", **accept)
    response.read()
    session = {"Mcp-Session-Id": response.getheader("mcp-session-id") or "", **accept}
    connection.close()
    call = {
        "jsonrpc": "2.0",
        "id": 2,
        "method": "tools/call",
        "params": {"name": "agent", "arguments": {"message": "?"}},
    }
    status, told = client.ask("POST", "/mcp", call, Authorization="Bearer token-of-bob", **session)
    assert (status, told["error"]["message"]) == (404, "Session not found")
    status, told = client.ask("POST", "/mcp", call, Authorization="Bearer token-of-al", **session)
    assert status == 200
    assert '"text":"al"' in told
    assert client.ask("GET", "/mcp", None, Authorization="Bearer token-of-al", **session)[0] == 405


def test_a_request_that_is_too_large_is_refused(served: Begin) -> None:
    status, told = served(AgentApp(max_body=500)).ask("POST", "/mcp", {"x": "y" * 1000})
    assert (status, told["error"]["code"]) == (413, -32600)
    assert told["error"]["data"][0]["reason"] == "REQUEST_TOO_LARGE"


def test_without_its_package_it_says_what_to_install(served: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("nbagents.app._mcp._service", "mcp."))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mcp", None)
    status, told = served(AgentApp()).ask("POST", "/mcp", {})
    assert (status, told["error"]["data"][0]["reason"]) == (501, "MCP_NOT_INSTALLED")
    assert "jupyter-nbagents[mcp]" in told["error"]["message"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"5",
        b"[]",
        b"[" * 100_000,
        b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": 5}',
        b'{"jsonrpc": "2.0", "id": {}, "method": 5}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "\\ud800"}',
    ],
)
@pytest.mark.parametrize("version", ["2025-06-18", "2026-07-28", "x"])
def test_what_is_no_request_is_the_clients_fault(served: Begin, body: bytes, version: str) -> None:
    client = served(AgentApp())
    headers = {"Accept": "application/json, text/event-stream", "Mcp-Protocol-Version": version}
    status, _ = client.ask("POST", "/mcp", body, **headers)
    assert 400 <= status < 500
    assert client.ask("DELETE", "/mcp", None, **{**headers, "Mcp-Session-Id": "nothing"})[0] in (
        400,
        404,
        405,
    )
