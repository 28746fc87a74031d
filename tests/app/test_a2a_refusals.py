"""What an app refuses, as A2A's clients are told: limits and tokens by HTTP, the rest by JSON-RPC."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from a2a.client.errors import A2AClientError
from a2a.utils.errors import InvalidParamsError, UnsupportedOperationError

from nbagents import Msg
from nbagents.app import AgentApp

from .conftest import Client
from .test_a2a_doors import last_of, saying, sdk

Begin = Callable[[AgentApp], Client]
VERSIONS = pytest.mark.parametrize("version", ["1.0", "0.3"])
ASK = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "SendMessage",
    "params": {"message": {"messageId": "m", "role": "ROLE_USER", "parts": [{"text": "?"}]}},
}
OLD = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "message/send",
    "params": {"message": {"messageId": "m", "role": "user", "parts": [{"kind": "text", "text": "?"}]}},
}


class Busy:
    """An app that answers one request, and is at it until the test is over."""

    def __init__(self, **settings: Any) -> None:
        self.app = AgentApp(**settings)
        self.began, self.may_end = threading.Event(), threading.Event()

        @self.app.query()
        def answer(_: Any, msgs: Any) -> Any:
            self.began.set()
            self.may_end.wait(30)
            return Msg("a", "yes")


@VERSIONS
def test_a_session_that_is_busy_is_not_in_the_state_for_it(served: Begin, version: str) -> None:
    busy = Busy()
    client = served(busy.app)

    async def ask() -> None:
        async with sdk(client) as first, sdk(client, version) as second:
            going = asyncio.create_task(last_of(first.send_message(saying("?", context_id="talk"))))
            assert await asyncio.to_thread(busy.began.wait, 15)
            with pytest.raises(UnsupportedOperationError, match="session_busy: the session talk") as raised:
                await last_of(second.send_message(saying("?", context_id="talk")))
            if version == "1.0":  # the older one has no such details
                assert raised.value.data == {"code": "session_busy", "status": "409", "retryAfter": "1"}
            busy.may_end.set()
            await going

    asyncio.run(ask())


@pytest.mark.parametrize("body", [ASK, OLD], ids=["1.0", "0.3"])
def test_an_app_that_has_enough_to_do_says_when_to_come_back(served: Begin, body: Any) -> None:
    busy = Busy(max_running=1)
    client = served(busy.app)
    connection, response = client.open_later("POST", "/process", {"input": [{"content": "?"}]})
    assert busy.began.wait(15)
    headers = {"A2A-Version": "1.0"} if body is ASK else {}
    refused, told = client.open("POST", "/a2a", body, **headers)
    assert (refused and told.status, told.getheader("retry-after")) == (429, "1")
    said = told.read().decode()
    assert '"code":-32000' in said
    assert "1 requests are being answered; try again later" in said
    assert '"reason":"OVERLOADED"' in said
    refused.close()

    async def ask() -> None:
        async with sdk(client) as a2a:
            with pytest.raises(A2AClientError, match="429"):
                await last_of(a2a.send_message(saying("?")))

    asyncio.run(ask())
    busy.may_end.set()
    response().read()
    connection.close()


@VERSIONS
def test_what_does_not_fit_is_a_wrong_parameter(served: Begin, version: str) -> None:
    app = AgentApp()
    app.query()(lambda self, msgs: Msg("a", "yes"))
    client = served(app)

    async def ask() -> None:
        async with sdk(client, version) as a2a:
            with pytest.raises(InvalidParamsError, match="session_id: "):
                await last_of(a2a.send_message(saying("?", context_id="../up")))

    asyncio.run(ask())


@pytest.mark.parametrize("path", ["/a2a", "/mcp"])
@pytest.mark.parametrize(
    ("settings", "headers", "status", "says"),
    [
        ({}, {"Authorization": "Bearer wrong"}, 401, (-32600, "UNAUTHORIZED", "a token is needed")),
        ({"max_body": 10}, {}, 413, (-32600, "REQUEST_TOO_LARGE", "at most 10 bytes")),
        ({}, {"Content-Type": "text/plain"}, 415, (-32600, "JSON_NEEDED", "application/json")),
        ({}, {"Origin": "https://elsewhere.org"}, 403, (-32600, "ORIGIN_NOT_ALLOWED", "other sites")),
        ({"rate": 0.001}, {}, 429, (-32000, "TOO_MANY_REQUESTS", "requests a second")),
    ],
    ids=["token", "size", "type", "origin", "rate"],
)
def test_what_the_gate_refuses_is_json_rpc_under_its_status(
    served: Begin, path: str, settings: Any, headers: Any, status: int, says: tuple[int, str, str]
) -> None:
    client = served(AgentApp(**settings))
    connection, response = client.open("POST", path, ASK, **headers)
    connection.close()
    assert response.status == status
    assert (response.getheader("www-authenticate") == "Bearer") == (status == 401)
    assert (response.getheader("retry-after") == "1") == (status == 429)
    found, told = client.ask("POST", path, ASK, **headers)
    error = told["error"]
    assert (found, told["jsonrpc"], told["id"]) == (status, "2.0", None)
    assert (error["code"], error["data"][0]["reason"]) == says[:2]
    assert says[2] in error["message"]
    assert error["data"][0]["metadata"]["status"] == str(status)
