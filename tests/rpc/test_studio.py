"""Telling a studio of servers and messages; and agents that do not notice when there is none."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from remote_agents import Echo, Failing

from nbagents.exceptions import UsageError
from nbagents.message import Msg
from nbagents.rpc import RpcAgentClient, RpcAgentServerLauncher, _studio
from nbagents.rpc._options import check_studio_url
from nbagents.rpc._studio import MOST_WAITING, Studio


class Studios:
    """A studio: what it was told, and how it answers."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict]] = []
        self.answer, self.gate = 200, threading.Event()
        self.gate.set()
        self.server: ThreadingHTTPServer | None = None
        self.port = 0

    def open(self) -> None:
        studios = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                studios.gate.wait(30)
                if studios.answer == 200:
                    studios.told.append((self.path, body))
                self.send_response(studios.answer)
                self.send_header("Location", "http://127.0.0.1:9/elsewhere")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def told_of(self, path: str) -> list[dict]:
        return [body for where, body in self.told if where == path]


@pytest.fixture
def studio() -> Iterator[Studios]:
    made = Studios()
    made.open()
    yield made
    made.gate.set()
    made.close()


REGISTER, PUSH = "/api/servers/register", "/api/messages/push"


def asked(client: RpcAgentClient, value: object, agent: str = "e") -> str:
    return client.update_placeholder(client.call_agent_func("_reply", value, agent), 10).content


@pytest.mark.parametrize("port", [None, 0])
def test_the_studio_hears_of_the_server_and_of_every_reply(
    runtime: Path, studio: Studios, wait_for: Callable, port: int | None
):
    options = {"custom_agent_classes": [Echo, Failing], "studio_url": studio.url + "/", "server_id": "mine"}
    with RpcAgentServerLauncher(port=port, **options) as launcher:
        client = RpcAgentClient(launcher.address)
        client.create_agent({"class_name": "Echo", "args": ["e"]}, "e")
        client.create_agent({"class_name": "Failing", "args": ["f"]}, "f")
        client.call_agent_func("_observe", Msg("user", "listen"), "e")
        assert asked(client, Msg("user", "hi")) == "e heard hi"
        with pytest.raises(ValueError, match="that went wrong"):
            asked(client, "ValueError", "f")
        assert asked(client, Msg("user", "ho")) == "e heard ho"
        wait_for(lambda: len(studio.told_of(PUSH)) == 2)
        host = launcher.address if port is None else "127.0.0.1"
        assert studio.told_of(REGISTER) == [{"server_id": "mine", "host": host, "port": launcher.port}]
        for said, message in zip(("hi", "ho"), studio.told_of(PUSH), strict=True):
            assert (message["name"], message["role"], message["content"]) == (
                "e",
                "assistant",
                f"e heard {said}",
            )
            assert set(message) == {
                *("run_id", "id", "name", "role", "content", "url", "metadata", "timestamp"),
            }
    assert [path for path, _ in studio.told] == [REGISTER, PUSH, PUSH]


def test_what_is_still_to_be_told_at_the_end_is_told(runtime: Path, studio: Studios):
    launcher = RpcAgentServerLauncher(custom_agent_classes=[Echo], studio_url=studio.url)
    launcher.launch(in_subprocess=False)
    client = RpcAgentClient(launcher.address)
    client.create_agent({"class_name": "Echo", "args": ["e"]}, "e")
    for number in range(20):
        asked(client, number)
    launcher.shutdown()
    assert len(studio.told_of(PUSH)) == 20


@pytest.mark.parametrize("how", ["away", "slow", "broken", "moved"])
def test_a_studio_that_is_none_harms_nothing(runtime: Path, studio: Studios, how: str):
    if how == "away":
        studio.close()
    elif how == "slow":
        studio.gate.clear()
    else:
        studio.answer = {"broken": 500, "moved": 302}[how]
    launcher = RpcAgentServerLauncher(custom_agent_classes=[Echo], studio_url=studio.url)
    launcher.launch()
    client = RpcAgentClient(launcher.address)
    client.create_agent({"class_name": "Echo", "args": ["e"]}, "e")
    begin = time.monotonic()
    for number in range(50):
        assert asked(client, number) == f"e heard {number}"
    assert time.monotonic() - begin < 5
    log = launcher.connection.log.read_text()
    begin = time.monotonic()
    launcher.shutdown()
    assert time.monotonic() - begin < 5
    said = [line for line in log.splitlines() if "studio" in line]
    assert len(said) == (0 if how == "slow" else 1), log


def test_a_studio_that_comes_back_is_told_what_it_missed(
    studio: Studios, monkeypatch: pytest.MonkeyPatch, wait_for, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(_studio, "RETRY_SECONDS", 0.05)
    studio.close()
    teller = Studio.of_server(studio.url, "s", "127.0.0.1:1", lambda _: True)
    for number in range(MOST_WAITING + 10):
        teller.tell(Msg("a", str(number)), "run")
    wait_for(lambda: caplog.records)
    studio.open()
    wait_for(lambda: len(studio.told_of(PUSH)) == MOST_WAITING, 30)
    assert [m["content"] for m in studio.told_of(PUSH)] == [str(n) for n in range(10, MOST_WAITING + 10)]
    assert studio.told_of(PUSH)[0]["run_id"] == "run"
    teller.end()
    teller.join()
    assert [record.levelno for record in caplog.records] == [logging.WARNING], "said once"


def test_a_message_that_cannot_be_written_is_left_out(studio: Studios, wait_for):
    teller = Studio.of_server(studio.url, "s", "127.0.0.1:1", lambda _: True)
    odd: list = []
    odd.append(odd)
    bad = Msg("a", "bad")
    bad._content = odd
    teller.tell(bad, "")
    teller.tell(Msg("a", "good"), "")
    wait_for(lambda: studio.told_of(PUSH))
    assert [m["content"] for m in studio.told_of(PUSH)] == ["good"]
    teller.end()
    teller.join()


@pytest.mark.parametrize(
    "url",
    ["", "localhost:5000", "ftp://localhost", "file:///etc/passwd", "http://", "http://[::1", "http://h:99999",
     "http://localhost?x=1", "http://localhost#x"],
)  # fmt: skip
def test_what_is_no_address_of_a_studio_is_refused(url: str):
    with pytest.raises(UsageError, match="is not an address"):
        RpcAgentServerLauncher(studio_url=url)


def test_messages_leave_the_machine_encrypted_or_on_demand():
    for url in ("http://studio.example.org", "http://192.0.2.1:5000"):
        with pytest.raises(UsageError, match="without TLS"):
            RpcAgentServerLauncher(studio_url=url)
        check_studio_url(url, insecure=True)
    for url in (
        "https://studio.example.org",
        "http://localhost:5000",
        "http://[::1]:5000",
        "http://127.0.0.1",
    ):
        check_studio_url(url)
    with pytest.raises(UsageError) as caught:
        RpcAgentServerLauncher(studio_url="http://me:secret@example.org")
    assert "secret" not in str(caught.value)
