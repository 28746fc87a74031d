"""Sessions of MCP: so many of one user, so many of all; and those that ask nothing end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import mcp
import pytest

from nbagents import Msg
from nbagents.app import AgentApp
from nbagents.app._mcp import _quota

from .conftest import Client
from .test_clients_leave import ACCEPT, mcp_session
from .test_mcp_door import sdk

Begin = Callable[[AgentApp], Client]
TOKENS = {"al": "token-of-al", "bob": "token-of-bob"}
BEGIN = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"},
    },
}
PING = {"jsonrpc": "2.0", "id": 3, "method": "ping"}


@pytest.fixture
def client(served: Begin) -> Client:
    app = AgentApp(tokens=TOKENS)
    app.query()(lambda self, msgs, request=None: Msg("a", request.user_id))
    return served(app)


def begin(client: Client, user: str) -> tuple[int, Any, str | None]:
    """Open a session; return the status, what was told, and how long to wait before the next attempt."""
    connection, response = client.open(
        "POST", "/mcp", BEGIN, Authorization=f"Bearer {TOKENS[user]}", **ACCEPT
    )
    told = response.read().decode()
    connection.close()
    return response.status, told, response.getheader("retry-after")


def test_one_user_does_not_take_all_sessions(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_quota, "MOST_OF_ONE", 3)
    al = {"Authorization": f"Bearer {TOKENS['al']}"}
    sessions = [mcp_session(client, **al) for _ in range(3)]
    for _ in range(2):  # and a refusal takes no place
        status, told, wait = begin(client, "al")
        assert status == 429
        assert "3 sessions of MCP are open of yours, the most that one user may have" in told
        assert "DELETE /mcp" in told
        assert '"reason":"TOO_MANY_SESSIONS"' in told
        assert wait is not None
        assert 1 <= int(wait) <= 600
    assert begin(client, "bob")[0] == 200
    assert client.ask("POST", "/mcp", PING, **sessions[0])[0] == 200
    # Somebody else cannot end it, and whose it is can.
    assert (
        client.ask("DELETE", "/mcp", None, **{**sessions[0], "Authorization": "Bearer token-of-bob"})[0]
        == 404
    )
    assert begin(client, "al")[0] == 429
    assert client.ask("DELETE", "/mcp", None, **sessions[0])[0] == 200
    assert begin(client, "al")[0] == 200
    assert begin(client, "al")[0] == 429


def test_all_users_together_do_not_take_more_than_there_is(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_quota, "MOST", 2)
    assert [begin(client, user)[0] for user in ("al", "bob")] == [200, 200]
    status, told, _ = begin(client, "bob")
    assert status == 429
    assert "2 sessions of MCP are open of all users together" in told


def test_what_opens_no_session_takes_no_place(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_quota, "MOST_OF_ONE", 1)
    headers = {"Authorization": f"Bearer {TOKENS['al']}", **ACCEPT}
    for _ in range(3):
        assert client.ask("POST", "/mcp", PING, **headers)[0] == 400
    assert begin(client, "al")[0] == 200
    assert begin(client, "al")[0] == 429


def test_a_session_that_asks_nothing_is_ended(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_quota, "MOST_OF_ONE", 1)
    monkeypatch.setattr(_quota, "IDLE", 0.5)
    headers = {"Authorization": f"Bearer {TOKENS['al']}"}
    session = mcp_session(client, **headers)

    for _ in range(300):
        if begin(client, "al")[0] == 200:
            break
        time.sleep(0.05)
    else:
        raise TimeoutError
    for _ in range(10):
        if client.ask("POST", "/mcp", PING, **session)[0] == 404:
            return
        time.sleep(1)  # longer than it may ask nothing
    raise TimeoutError


def test_a_session_that_is_not_known_any_more_leaves_its_place(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_quota, "MOST_OF_ONE", 1)
    with monkeypatch.context() as soon:
        soon.setattr(_quota, "IDLE", 0.5)  # seconds, when the package is told of it
        session = mcp_session(client, Authorization=f"Bearer {TOKENS['al']}")
    assert begin(client, "al")[0] == 429
    for _ in range(10):
        if client.ask("POST", "/mcp", PING, **session)[0] == 404:
            break
        time.sleep(1)  # longer than it may ask nothing
    else:
        raise TimeoutError
    assert begin(client, "al")[0] == 200


def test_the_sdk_tells_its_user_why_and_works_again(served: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_quota, "MOST_OF_ONE", 2)
    app = AgentApp()
    app.query()(lambda self, msgs: Msg("a", "yes"))
    client = served(app)

    async def ask() -> None:
        async with AsyncExitStack() as stack:
            for _ in range(2):
                await stack.enter_async_context(sdk(client, "legacy"))
            with pytest.raises((mcp.MCPError, ExceptionGroup)) as raised:
                async with sdk(client, "legacy"):
                    pass
            assert "2 sessions of MCP are open of yours" in told_by(raised.value)
        async with sdk(client, "legacy") as opened:
            assert not (await opened.call_tool("agent", {"message": "?"})).is_error

    asyncio.run(ask())


def told_by(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return " ".join(map(told_by, error.exceptions))
    return str(error)
