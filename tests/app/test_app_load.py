"""Many at once: in order, whole, refused where it is too much; and an end that loses nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from nbagents import Msg
from nbagents.app import AgentApp

from .conftest import Client, events_in

Begin = Callable[[AgentApp], Client]
LONG = bool(os.environ.get("NBAGENTS_LONG"))
CLIENTS, RETURNS = (1000, 500) if LONG else (100, 40)
BODY = json.dumps({"input": [{"content": "go"}]}).encode()


async def asks(client: Client, method: str = "POST", *more: str, until: int | None = None) -> str:
    """Ask once, and read to the end, or so many events."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.serving.port)
    body = BODY if method == "POST" else b""
    lines = [
        f"{method} /process HTTP/1.1",
        f"Host: 127.0.0.1:{client.serving.port}",
        f"Authorization: Bearer {client.serving.token}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *more,
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    text = b""
    while chunk := await reader.read(65536):
        text += chunk
        if until is not None and text.count(b"\nid: ") > until:
            break
    writer.close()
    return text.decode()


def events_of(text: str) -> list[dict[str, Any]]:
    """The events that came whole; the sizes of HTTP's chunks are lines of their own between them."""
    return events_in(text.rpartition("\n\n")[0] if "\n\n" in text else "")


@pytest.mark.long
def test_many_clients_each_read_their_own_whole_answer_in_order(served: Begin) -> None:
    app = AgentApp(rate=0)

    @app.query("text")
    async def answer(self: Any, msgs: Any) -> Any:
        for index in range(20):
            yield f"{index} "
            await asyncio.sleep(0.01)

    client = served(app)

    async def all_of_them() -> list[str]:
        return await asyncio.gather(*(asks(client) for _ in range(CLIENTS)))

    for text in asyncio.run(all_of_them()):
        assert text.startswith("HTTP/1.1 200")
        told = events_of(text)
        assert [event["sequence_number"] for event in told] == list(range(len(told)))
        assert told[-1]["output"][0]["content"][0]["text"] == "".join(f"{index} " for index in range(20))


@pytest.mark.long
def test_who_breaks_off_anywhere_reads_on_without_a_gap(served: Begin) -> None:
    app = AgentApp(rate=0)

    @app.query("text")
    async def answer(self: Any, msgs: Any) -> Any:
        for index in range(30):
            yield f"{index} "
            await asyncio.sleep(0.005)

    client, chance = served(app), random.Random(1)

    async def breaks_off() -> list[dict[str, Any]]:
        read = events_of(await asks(client, until=chance.randrange(30)))
        # What was cut in its midst does not count: it comes again.
        last = f"{read[0]['id']}:{read[-1]['sequence_number']}"
        return read + events_of(await asks(client, "GET", f"Last-Event-ID: {last}"))

    async def all_of_them() -> list[list[dict[str, Any]]]:
        return await asyncio.gather(*(breaks_off() for _ in range(RETURNS)))

    for told in asyncio.run(all_of_them()):
        assert [event["sequence_number"] for event in told] == list(range(len(told)))
        assert told[-1]["status"] == "completed"


def test_five_times_too_much_is_refused_fast_and_the_rest_is_served(served: Begin) -> None:
    app = AgentApp(max_running=10, rate=0)
    go_on = asyncio.Event()

    @app.query("text")
    async def answer(self: Any, msgs: Any) -> Any:
        yield "x"
        await go_on.wait()

    client = served(app)

    async def all_of_them() -> list[str]:
        answers = [asyncio.ensure_future(asks(client)) for _ in range(50)]
        refused = 0
        while refused < 40:  # these come at once, while the others wait
            done, _ = await asyncio.wait(answers, timeout=20, return_when=asyncio.FIRST_COMPLETED)
            assert done
            refused = sum(answer.done() for answer in answers)
            await asyncio.sleep(0)
        client.serving._loop.call_soon_threadsafe(go_on.set)  # type: ignore[union-attr]
        return await asyncio.gather(*answers)

    texts = asyncio.run(all_of_them())
    refused = [text for text in texts if text.startswith("HTTP/1.1 429")]
    assert len(refused) == 40
    assert all("retry-after: 1" in text.lower() for text in refused)
    assert sum(events_of(text)[-1]["status"] == "completed" for text in texts if text not in refused) == 10


def test_connections_that_say_nothing_keep_nobody_waiting(served: Begin) -> None:
    app = AgentApp(rate=0)
    app.query()(lambda self, msgs: Msg("a", "served"))
    client = served(app)
    slow = []
    try:
        for index in range(200):
            one = socket.create_connection(("127.0.0.1", client.serving.port), timeout=10)
            one.sendall(b"POST /process HTTP/1.1\r\nHost: x\r\n" if index % 2 else b"")
            slow.append(one)
        for _ in range(5):
            begun = time.monotonic()
            assert client.say("?")[-1]["status"] == "completed"
            assert time.monotonic() - begun < 5
    finally:
        for one in slow:
            one.close()


@pytest.mark.parametrize(
    "body",
    [
        b'{"input": [{"content": "x"}], "x": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"input": [{"content": "x"}], "x": {' + b",".join(b'"%d": 0' % n for n in range(200_000)) + b"}}",
        b'{"input": [' + b",".join([b"{}"] * 100_000) + b"]}",
        b'{"input": [{"content": "' + b"(a+)+" * 20_000 + b'"}], "session_id": "' + b"a" * 100_000 + b'!"}',
    ],
    ids=["deep", "many keys", "many messages", "long names"],
)
def test_what_is_made_to_take_long_does_not(served: Begin, body: bytes) -> None:
    app = AgentApp(rate=0)
    app.query()(lambda self, msgs: Msg("a", "served"))
    client = served(app)
    begun = time.monotonic()
    status, _ = client.ask("POST", "/process", body)
    assert status in (200, 400, 413, 422)
    assert client.ask("GET", "/health")[0] == 200
    assert time.monotonic() - begun < 10


def test_headers_without_end_are_refused(served: Begin) -> None:
    client = served(AgentApp(rate=0))
    with socket.create_connection(("127.0.0.1", client.serving.port), timeout=10) as sock:
        sock.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 200_000)
        with contextlib.suppress(ConnectionResetError):
            assert sock.recv(100).split(b" ")[1:2] in ([b"400"], [b"431"])
    assert client.ask("GET", "/health")[0] == 200


def refuses(client: Client, deadline: float) -> bool:
    """Does it refuse new clients before then?"""
    while time.monotonic() < deadline:
        try:
            client.open("GET", "/health")[0].close()
        except OSError:
            return True
    return False


SCRIPT = """
import asyncio, sys, nbagents.app as app
made = app.AgentApp(token="known-token")

@made.query("text")
async def answer(self, msgs):
    for index in range(20):
        yield f"{index} "
        await asyncio.sleep(0.05)

made.run(port=int(sys.argv[1]))
"""


@pytest.mark.posix
def test_an_end_under_load_lets_answers_be_read_to_their_end() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(port)], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert "serves at" in process.stderr.readline()

    class Started:
        token = "known-token"

    Started.port = port  # type: ignore[attr-defined]
    client = Client(Started())  # type: ignore[arg-type]
    held = [client.open("POST", "/process", BODY) for _ in range(20)]
    for _, response in held:
        response.readline()
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert refuses(client, begun + 10)
    for connection, response in held:
        told = events_in(response.read().decode())
        assert told[-1]["status"] == "completed"
        connection.close()
    process.communicate(timeout=20)
    assert process.returncode == 0
    assert time.monotonic() - begun < 12


@pytest.mark.parametrize(
    "path", ["//evil.example/", "/\\evil.example/", "/health/?next=//evil.example", "/health/"]
)
def test_nobody_is_sent_elsewhere(served: Begin, path: str) -> None:
    client = served(AgentApp())
    connection, response = client.open("GET", path)
    where = response.getheader("Location") or f"http://127.0.0.1:{client.serving.port}/"
    connection.close()
    assert where.startswith(f"http://127.0.0.1:{client.serving.port}/")


def test_errors_of_endpoints_tell_no_path_and_no_traceback(served: Begin) -> None:
    app = AgentApp()

    @app.endpoint("/bad")
    def bad() -> None:
        raise RuntimeError("no file /etc/secret/x.conf, key sk-canary-0123456789abcdef")

    status, told = served(app).ask("POST", "/bad", {})
    assert status == 500
    assert set(told["error"]) == {"code", "message", "id"}
    assert not [
        word for word in ("secret/x", "canary", "Traceback", "test_app_load") if word in json.dumps(told)
    ]


def test_tasks_of_others_look_like_none(served: Begin) -> None:
    app = AgentApp(tokens={"al": "token-of-al", "alice": "token-of-alice"})
    app.task("/long")(lambda: "done")
    client = served(app)
    _, told = client.ask("POST", "/long", {}, Authorization="Bearer token-of-alice")
    status, refused = client.ask("GET", f"/long/{told['task_id']}", None, Authorization="Bearer token-of-al")
    assert (status, refused["error"]["code"]) == (404, "task_not_found")
    assert (
        client.ask("GET", f"/long/{told['task_id']}", None, Authorization="Bearer token-of-alice")[0] == 200
    )
