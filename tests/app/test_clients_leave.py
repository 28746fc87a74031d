"""Clients that leave while the agent says nothing: nothing is written that would tell, yet it stops."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from nbagents.app import AgentApp

from .conftest import Client

Begin = Callable[[AgentApp], Client]
ACCEPT = {"Accept": "application/json, text/event-stream"}
LEFT = 10.0
"""Seconds in which it is noticed; no event, no sign of life and no deadline comes that soon."""


class Silent:
    """An agent that says nothing until it is stopped."""

    def __init__(self) -> None:
        self.app = AgentApp(resume_seconds=0)
        self.began, self.stopped = threading.Event(), threading.Event()

        @self.app.query()
        async def answer(_: Any, msgs: Any) -> Any:
            self.began.set()
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                self.stopped.set()
                raise
            yield "never"


def a2a(method: str) -> dict[str, Any]:
    message = {"messageId": "m", "role": "ROLE_USER", "parts": [{"text": "?"}]}
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"message": message}}


def mcp_session(client: Client, **headers: str) -> dict[str, str]:
    """Open a session of MCP and return the headers of its requests."""
    params = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"},
    }
    begin = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    connection, response = client.open("POST", "/mcp", begin, **ACCEPT, **headers)
    response.read()
    connection.close()
    session = {"Mcp-Session-Id": response.getheader("mcp-session-id") or "", **ACCEPT, **headers}
    client.ask("POST", "/mcp", {"jsonrpc": "2.0", "method": "notifications/initialized"}, **session)
    return session


CALL = {
    "jsonrpc": "2.0",
    "id": 2,
    "method": "tools/call",
    "params": {"name": "agent", "arguments": {"message": "?"}},
}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/process", {"input": [{"content": "?"}]}),
        ("/compatible-mode/v1/responses", {"input": "?", "stream": True}),
        (
            "/compatible-mode/v1/chat/completions",
            {"messages": [{"role": "user", "content": "?"}], "stream": True},
        ),
        ("/a2a", a2a("SendStreamingMessage")),
        ("/a2a", a2a("SendMessage")),
    ],
    ids=["process", "responses", "chat", "a2a-stream", "a2a-whole"],
)
def test_a_stream_that_is_closed_stops_a_silent_agent(served: Begin, path: str, body: dict[str, Any]) -> None:
    silent = Silent()
    client = served(silent.app)
    connection, _ = client.open_later("POST", path, body, **{"A2A-Version": "1.0"})
    assert silent.began.wait(15)
    assert not silent.stopped.is_set()
    connection.close()
    assert silent.stopped.wait(LEFT)


@pytest.mark.parametrize("way", ["closed", "deleted"])
def test_a_call_by_mcp_whose_client_leaves_stops_a_silent_agent(served: Begin, way: str) -> None:
    silent = Silent()
    client = served(silent.app)
    session = mcp_session(client)
    connection, _ = client.open_later("POST", "/mcp", CALL, **session)
    assert silent.began.wait(15)
    assert not silent.stopped.is_set()
    if way == "closed":
        connection.close()
    else:
        assert client.ask("DELETE", "/mcp", None, **session)[0] == 200
    assert silent.stopped.wait(LEFT)
    connection.close()


CLIENTS = {
    "openai": """
import openai
client = openai.OpenAI(base_url=url + "/compatible-mode/v1", api_key=token, timeout=60)
for _ in client.responses.create(model="agent", input="?", stream=True): pass
""",
    "a2a": """
import asyncio, httpx
from a2a.client import ClientConfig, create_client
from a2a.types import Message, Part, Role, SendMessageRequest
async def ask():
    async with httpx.AsyncClient(headers={"Authorization": "Bearer " + token}, timeout=60) as http:
        client = await create_client(url, client_config=ClientConfig(httpx_client=http))
        said = Message(message_id="m", role=Role.ROLE_USER, parts=[Part(text="?")])
        async for _ in client.send_message(SendMessageRequest(message=said)): pass
asyncio.run(ask())
""",
    **{
        f"mcp-{mode}": f"""
import asyncio, httpx2, mcp
from mcp.client.streamable_http import streamable_http_client
async def ask():
    async with httpx2.AsyncClient(headers={{"Authorization": "Bearer " + token}}, timeout=60) as http:
        way = streamable_http_client(url + "/mcp", http_client=http)
        async with mcp.Client(way, mode={mode!r}) as client:
            await client.call_tool("agent", {{"message": "?"}})
asyncio.run(ask())
"""
        for mode in ("legacy", "auto")
    },
}


@pytest.mark.parametrize("sdk", CLIENTS)
def test_a_client_that_is_killed_stops_a_silent_agent(served: Begin, sdk: str) -> None:
    silent = Silent()
    client = served(silent.app)
    script = f"import os\nurl, token = os.environ['URL'], os.environ['TOKEN']\n{CLIENTS[sdk]}"
    environment = {**os.environ, "URL": client.serving.url, "TOKEN": str(client.serving.token)}
    with subprocess.Popen([sys.executable, "-c", script], env=environment) as process:
        try:
            assert silent.began.wait(60)
            assert not silent.stopped.is_set()
        finally:
            process.send_signal(signal.SIGKILL)
    assert silent.stopped.wait(LEFT)
