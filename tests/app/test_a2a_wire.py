"""A2A as it goes over the wire: the card, the errors, and what is refused."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from nbagents import Msg
from nbagents.app import AgentApp

from .conftest import Client

Begin = Callable[[AgentApp], Client]
NEW = {"A2A-Version": "1.0"}
MESSAGE = {"messageId": "m", "role": "ROLE_USER", "parts": [{"text": "?"}]}
OLD_MESSAGE = {"messageId": "m", "role": "user", "kind": "message", "parts": [{"kind": "text", "text": "?"}]}
PUSH = {"url": "http://169.254.169.254/latest/meta-data"}


@pytest.fixture
def client(served: Begin) -> Client:
    app = AgentApp(app_name="Friday", app_description="Helps.")
    app.query()(lambda self, msgs: Msg("Friday", "yes"))
    return served(app)


def call(client: Client, method: str, params: Any, **headers: str) -> dict[str, Any]:
    body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
    headers = headers or ({} if "/" in method else NEW)
    status, told = client.ask("POST", "/a2a", body, **headers)
    assert status == 200
    assert told["id"] == 7
    return dict(told)


def test_the_card_says_where_and_that_a_token_is_needed(client: Client) -> None:
    status, card = client.ask("GET", "/.well-known/agent-card.json")
    assert status == 200
    assert (card["name"], card["description"]) == ("Friday", "Helps.")
    where = f"{client.serving.url}/a2a"
    assert [(way["url"], way["protocolVersion"]) for way in card["supportedInterfaces"]] == [
        (where, "1.0"),
        (where, "0.3"),
    ]
    assert card["url"] == where
    scheme = card["securitySchemes"]["bearer"]
    assert scheme["httpAuthSecurityScheme"]["scheme"] == scheme["scheme"] == "Bearer"
    assert card["securityRequirements"]
    assert card["capabilities"] == {"streaming": True, "pushNotifications": False}
    assert client.serving.token not in str(card)
    assert client.ask("GET", "/.wellknown/agent-card.json") == (200, card)
    for path in ("/.well-known/agent-card.json", "/.wellknown/agent-card.json"):
        assert client.ask("GET", path, Authorization="")[0] == 401


def test_an_app_for_everybody_asks_for_no_token(served: Begin) -> None:
    _, card = served(AgentApp(insecure=True)).ask("GET", "/.well-known/agent-card.json")
    assert "securitySchemes" not in card


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("SendMessage", {"message": MESSAGE, "configuration": {"taskPushNotificationConfig": PUSH}}),
        ("SendStreamingMessage", {"message": MESSAGE, "configuration": {"taskPushNotificationConfig": PUSH}}),
        ("message/send", {"message": OLD_MESSAGE, "configuration": {"pushNotificationConfig": PUSH}}),
        ("message/stream", {"message": OLD_MESSAGE, "configuration": {"pushNotificationConfig": PUSH}}),
        ("CreateTaskPushNotificationConfig", {"taskId": "t", **PUSH}),
        ("GetTaskPushNotificationConfig", {"taskId": "t", "id": "p"}),
        ("ListTaskPushNotificationConfigs", {"taskId": "t"}),
        ("DeleteTaskPushNotificationConfig", {"taskId": "t", "id": "p"}),
        ("tasks/pushNotificationConfig/set", {"taskId": "t", "pushNotificationConfig": PUSH}),
        ("tasks/pushNotificationConfig/get", {"id": "t"}),
        ("tasks/pushNotificationConfig/list", {"id": "t"}),
        ("tasks/pushNotificationConfig/delete", {"id": "t", "pushNotificationConfigId": "p"}),
    ],
)
def test_nobody_is_called_back(client: Client, method: str, params: Any) -> None:
    if method == "message/stream":  # its errors come in the stream
        body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
        _, told = client.ask("POST", "/a2a", body)
        assert "-32003" in told
        assert "push notifications are not sent" in told
        return
    error = call(client, method, params)["error"]
    assert error["code"] == -32003
    assert "push notifications are not sent" in error["message"]
    assert client.serving.app.book.running == []


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("Nothing", {}, -32601),
        ("tasks/nothing", {}, -32601),
        ("SendMessage", {"message": {"parts": [{"text": "?"}]}}, -32602),
        ("SendMessage", {"message": {**MESSAGE, "parts": []}}, -32602),
        ("SendMessage", {"message": {**MESSAGE, "parts": [{"filename": "x"}]}}, -32602),
        ("SendMessage", {"message": {**MESSAGE, "parts": [{"url": "file:///etc/passwd"}]}}, -32602),
        ("SendMessage", {"message": {**MESSAGE, "contextId": "../up"}}, -32602),
        ("SendMessage", {"message": {**MESSAGE, "contextId": "x" * 300}}, -32602),
        ("SendMessage", {"message": MESSAGE, "metadata": {"n": 99}}, -32602),
        ("SendMessage", {"message": {**MESSAGE, "taskId": "t"}}, -32001),
        ("SendMessage", {"message": 5}, -32602),
        ("SendMessage", {"message": {**MESSAGE, "parts": [{"text": "\ud800"}]}}, -32602),
        ("GetTask", {"id": "t"}, -32001),
        ("CancelTask", {"id": "t"}, -32001),
        ("SubscribeToTask", {"id": "t"}, -32001),
        ("ListTasks", {"pageSize": -1}, -32602),
        ("ListTasks", {"pageToken": "x"}, -32602),
        ("GetExtendedAgentCard", {}, -32007),
        ("message/send", {"message": {}}, -32600),
        ("tasks/get", {"id": "t"}, -32001),
        ("tasks/cancel", {"id": "t"}, -32001),
    ],
)
def test_what_is_wrong_is_said_as_json_rpc(client: Client, method: str, params: Any, code: int) -> None:
    assert call(client, method, params)["error"]["code"] == code
    assert call(client, "SendMessage", {"message": MESSAGE})["result"]["task"]["status"]["state"] == (
        "TASK_STATE_COMPLETED"
    )


def test_versions_are_told_apart(client: Client) -> None:
    assert (
        call(client, "SendMessage", {"message": MESSAGE}, **{"A2A-Version": "9.0"})["error"]["code"] == -32009
    )
    old = call(client, "message/send", {"message": OLD_MESSAGE})["result"]
    assert (old["kind"], old["status"]["state"]) == ("task", "completed")
    assert old["artifacts"][0]["parts"] == [{"kind": "text", "text": "yes"}]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", -32700),
        (b"[]", -32600),
        (b'{"method": "SendMessage"}', -32600),
        (b'[{"jsonrpc": "2.0", "id": 1, "method": "GetTask"}]', -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": ' + b"[" * 100_000, -32700),
    ],
)
def test_what_is_no_request_is_refused(client: Client, body: bytes, code: int) -> None:
    status, told = client.ask("POST", "/a2a", body, **NEW)
    assert (status, told["error"]["code"]) == (200, code)


def test_an_app_without_a_query_function_says_so(served: Begin) -> None:
    error = call(served(AgentApp()), "SendMessage", {"message": MESSAGE})["error"]
    assert error["code"] == -32004
    assert "no query function" in error["message"]


def test_the_package_is_loaded_by_the_first_request_alone() -> None:
    code = "import sys, nbagents.app as app; app.AgentApp().routes; print({'a2a', 'mcp'} & {*sys.modules})"
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert said.stdout.strip() == "set()"


def test_without_its_package_each_address_says_what_to_install(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith(("nbagents.app._a2a._", "a2a."))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "a2a", None)
    for method, path, code in (
        ("GET", "/.well-known/agent-card.json", "a2a_not_installed"),
        ("POST", "/a2a", -32603),
    ):
        status, told = client.ask(method, path, {} if method == "POST" else None)
        assert (status, told["error"]["code"]) == (501, code)
        assert "jupyter-nbagents[a2a]" in told["error"]["message"]


def test_an_agent_that_does_not_stop_is_not_waited_for(
    served: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nbagents.app._a2a import _stored_task

    monkeypatch.setattr(_stored_task, "STUBBORN", 0.2)
    app, may_end = AgentApp(), asyncio.Event()

    @app.query()
    async def answer(self: Any, msgs: Any) -> Any:
        while not may_end.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await may_end.wait()
        yield Msg("a", "done")

    client = served(app)
    asked = {"message": MESSAGE, "configuration": {"returnImmediately": True}}
    task_id = call(client, "SendMessage", asked)["result"]["task"]["id"]
    error = call(client, "CancelTask", {"id": task_id})["error"]
    assert error["code"] == -32002
    assert "has not yet" in error["message"]

    async def let_go() -> None:
        may_end.set()

    asyncio.run(client.serving.on_loop(let_go()))


def test_half_a_character_breaks_no_task(served: Begin, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "nbagents.app._answer")  # what pytest-xdist cannot carry
    app = AgentApp()

    @app.query()
    async def answer(self: Any, msgs: Any) -> Any:
        call = {"type": "tool_use", "id": "c", "name": "f", "input": {"a": "\ud800"}}
        yield Msg("half \ud800", [{"type": "text", "text": "said \ud800"}, call])
        raise RuntimeError("lost \ud800")

    client = served(app)
    task = call(client, "SendMessage", {"message": MESSAGE})["result"]["task"]
    assert task["status"]["state"] == "TASK_STATE_FAILED"
    assert "lost ?" in task["status"]["message"]["parts"][0]["text"]
    assert [(part["name"], part["parts"]) for part in task["artifacts"]] == [("half ?", [{"text": "said ?"}])]
