"""Who gets in: by host, origin, token, type, size and rate; every address, every verb."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

from nbagents import Msg
from nbagents.app import AgentApp
from nbagents.app._serving import serve
from nbagents.exceptions import UsageError

from .conftest import Client

Begin = Callable[[AgentApp], Client]
BODY = {"input": [{"content": "?"}]}


@pytest.fixture
def client(served: Begin) -> Client:
    app = AgentApp(max_body=2000)
    app.query()(lambda self, msgs: Msg("a", "in"))
    app.endpoint("/own")(lambda: "in")
    app.task("/long")(lambda: "in")
    return served(app)


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO")


def test_without_a_token_nothing_is_open_but_health(client: Client) -> None:
    paths = [route.path.replace("{task_id}", "1") for route in client.serving.app.routes]
    assert {"/", "/process", "/process/stop", "/own", "/long/1", "/compatible-mode/v1/responses"} <= set(
        paths
    )
    assert {"/a2a", "/mcp", "/.well-known/agent-card.json", "/.wellknown/agent-card.json"} <= set(paths)
    answers = {
        (method, path): client.ask(method, path, BODY if method == "POST" else None, Authorization=token)[0]
        for path in [*paths, "/nothing", "/shutdown", "/admin/shutdown"]
        for method in METHODS
        for token in ("", "Bearer wrong", f"Basic {client.serving.token}", f"Bearer {client.serving.token}x")
    }
    open_to_all = {key for key, status in answers.items() if status != 401}
    assert open_to_all == {("GET", "/health"), ("HEAD", "/health")}
    assert client.ask("GET", "/health", Authorization="") == (200, {"status": "healthy"})


@pytest.mark.parametrize(
    "host",
    [
        "rebind.evil",
        "127.0.0.1.evil",
        "localhost.",
        "[::]",
        "0.0.0.0",
        "127.0.0.1:1",
        "localhost:x",
        "",
        "10.0.0.1",
    ],
)
def test_other_hosts_are_refused(client: Client, host: str) -> None:
    status, told = client.ask("POST", "/process", BODY, Host=host)
    assert (status, told["error"]["code"]) == (403, "host_not_allowed")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_other_sites_are_refused(client: Client, headers: dict[str, str]) -> None:
    connection, response = client.open("POST", "/process", BODY, **headers)
    assert response.status == 403
    assert not [name for name, _ in response.getheaders() if name.lower().startswith("access-control")]
    connection.close()
    own = {"Origin": client.serving.url, "Sec-Fetch-Site": "same-origin"}
    assert client.ask("POST", "/process", BODY, **own)[0] == 200


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b"{}", {"Content-Type": "multipart/form-data; boundary=x"}, 415),
        (b"{}", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        (b"{}", {"Content-Encoding": "gzip"}, 415),
        (b"x" * 3000, {}, 413),
        (b"x", {"Content-Length": "99999999"}, 413),
        (b"", {"Content-Length": "-1"}, 400),
    ],
)
def test_bodies_are_json_and_small(client: Client, body: bytes, headers: dict[str, str], status: int) -> None:
    assert client.ask("POST", "/process", body, **headers)[0] == status


def test_a_body_in_parts_is_measured_as_it_comes(client: Client) -> None:
    with socket.create_connection(("127.0.0.1", client.serving.port), timeout=10) as sock:
        head = f"POST /process HTTP/1.1\r\nHost: 127.0.0.1:{client.serving.port}\r\n"
        head += f"Authorization: Bearer {client.serving.token}\r\nContent-Type: application/json\r\n"
        sock.sendall((head + "Transfer-Encoding: chunked\r\n\r\n").encode())
        sock.sendall(b"1000\r\n" + b"x" * 0x1000 + b"\r\n0\r\n\r\n")
        assert b"413" in sock.recv(4096).split(b"\r\n")[0]


@pytest.mark.parametrize("path", ["/", "/health", "/nothing", "/own"])
def test_no_answer_is_a_page(client: Client, path: str) -> None:
    connection, response = client.open("GET", path)
    assert response.getheader("X-Content-Type-Options") == "nosniff"
    assert "default-src 'none'" in (response.getheader("Content-Security-Policy") or "")
    assert response.getheader("Access-Control-Allow-Origin") is None
    connection.close()


def test_websockets_are_refused(client: Client) -> None:
    status, _ = client.ask(
        "GET",
        "/process",
        None,
        Connection="Upgrade",
        Upgrade="websocket",
        **{"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="},
    )
    assert status in (400, 403, 426)


def test_a_user_is_who_the_token_says(served: Begin) -> None:
    app = AgentApp(tokens={"al": "token-of-al", "alice": "token-of-alice"})
    app.query()(lambda self, msgs, request=None: Msg("a", request.user_id))
    client = served(app)
    al, alice = {"Authorization": "Bearer token-of-al"}, {"Authorization": "Bearer token-of-alice"}
    spoof = {**BODY, "user_id": "alice", "stream": False}
    _, told = client.ask("POST", "/process", spoof, **al)
    assert told["output"][0]["content"][0]["text"] == "al"
    _, theirs = client.ask("POST", "/process", {**BODY, "stream": False}, **alice)
    for last in (theirs["id"], "response_" + "0" * 32):  # another's looks like none
        status, refused = client.ask("GET", "/process", None, **{"Last-Event-ID": f"{last}:1"}, **al)
        assert (status, refused["error"]["code"]) == (404, "response_not_found")
    status, refused = client.ask(
        "POST", "/compatible-mode/v1/responses", {"input": "?", "previous_response_id": theirs["id"]}, **al
    )
    assert (status, refused["error"]["code"]) == (404, "response_not_found")
    assert client.ask("GET", "/", Authorization="Bearer ")[0] == 401


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"token": ""}, "at least 8"),
        ({"token": "short"}, "at least 8"),
        ({"token": "with a blank in it"}, "no blank"),
        ({"tokens": {"bob": ""}}, "at least 8"),
        ({"tokens": {}}, "for each user"),
        ({"tokens": {"": "long-enough"}}, "for each user"),
        ({"tokens": {"al": "long-enough", "bob": "long-enough"}}, "the same token"),
        ({"token": "long-enough", "tokens": {"al": "also-long-enough"}}, "instead of token="),
        ({"token": "long-enough", "insecure": True}, "no token counts"),
        ({"tokens": {"al": "long-enough"}, "insecure": True}, "no token counts"),
    ],
)
def test_tokens_that_let_in_whoever_comes_are_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        AgentApp(**settings)


def test_who_asks_too_often_is_told_to_wait(served: Begin) -> None:
    app = AgentApp(rate=5)
    client = served(app)
    statuses = [client.ask("GET", "/")[0] for _ in range(30)]
    assert statuses[:5] == [200] * 5
    assert 429 in statuses
    connection, response = client.open("GET", "/")
    assert response.status == 429
    assert response.getheader("Retry-After") == "1"
    connection.close()


def test_more_than_it_can_do_is_refused_at_once(served: Begin) -> None:
    import threading

    app = AgentApp(max_running=2)
    go_on = threading.Event()

    @app.query()
    async def answer(self: Any, msgs: Any) -> Any:
        import asyncio

        yield "x"
        await asyncio.to_thread(go_on.wait, 20)

    client = served(app)
    held = [client.open("POST", "/process", BODY) for _ in range(2)]
    status, told = client.ask("POST", "/process", BODY)
    assert (status, told["error"]["code"]) == (429, "overloaded")
    go_on.set()
    for connection, response in held:
        assert b"completed" in response.read()
        connection.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_an_open_address_needs_tls_or_a_loud_word(host: str) -> None:
    with pytest.raises(UsageError, match="open to other machines") as raised:
        serve(AgentApp(), host, 0)
    assert "insecure=True" in (raised.value.hint or "")


def test_insecure_is_loud_and_serves_everybody(caplog: pytest.LogCaptureFixture) -> None:
    app = AgentApp(insecure=True)
    app.query()(lambda self, msgs: Msg("a", "in"))
    with serve(app, "0.0.0.0", 0) as serving:
        assert "without a token" in caplog.text
        client = Client(serving)
        assert client.ask("POST", "/process", BODY)[0] == 200
        assert client.ask("POST", "/process", BODY, Host="rebind.evil")[0] == 403
        assert client.ask("POST", "/process", BODY, Host=f"192.0.2.7:{serving.port}")[0] == 200
