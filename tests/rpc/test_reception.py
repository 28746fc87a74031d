"""The private place where kernels ask for servers: who gets in, and what is understood there."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nbagents.exceptions import (
    AgentServerError,
    AgentServerNotAliveError,
    NbAgentsError,
    ProtocolError,
    ServerFailedError,
)
from nbagents.rpc import CUSTODIAN, KeptServer, Reception, RpcAgentServerLauncher, ServerOptions
from nbagents.rpc._custody import Custodian, custodian

pytestmark = [pytest.mark.posix, pytest.mark.usefixtures("runtime")]
Serve = Callable[[dict[str, Any]], dict[str, Any]]


class Desk:
    """A reception whose answer a test decides."""

    def __init__(self) -> None:
        self.wishes: list[dict[str, Any]] = []
        self.answer: Serve = lambda wish: {"server_id": "none"}
        self.reception = Reception(self._serve)
        self.path = self.reception.open()

    def _serve(self, wish: dict[str, Any]) -> dict[str, Any]:
        self.wishes.append(wish)
        return self.answer(wish)

    @property
    def about(self) -> Custodian:
        found = Custodian.read(self.path)
        assert found is not None
        return found

    def send(self, *lines: bytes, wait: float = 8.0) -> bytes:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(wait)
            line.connect(self.about.address.removeprefix("unix:"))
            try:
                line.sendall(b"".join(lines))
                return b"".join(iter(lambda: line.recv(65536), b""))
            except ConnectionError:
                return b""


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.reception.close()


def line(value: Any) -> bytes:
    return json.dumps(value).encode() + b"\n"


def test_only_its_user_can_find_and_enter_it(desk: Desk, runtime: Path):
    place = Path(desk.about.address.removeprefix("unix:"))
    assert desk.path.stat().st_mode & 0o777 == 0o600
    assert place.stat().st_mode & 0o777 == 0o600
    assert place.parent.stat().st_mode & 0o777 == 0o700
    assert desk.path.parent.stat().st_mode & 0o777 == 0o700
    assert desk.about.token not in repr(desk.about)
    assert len(desk.about.token) >= 40


def test_who_says_the_token_is_served(desk: Desk):
    assert desk.about.ask({"want": "x"}) == {"server_id": "none"}
    assert desk.wishes == [{"want": "x"}]


@pytest.mark.parametrize(
    "first",
    [
        {"token": "wrong"}, {"token": ""}, {"token": None}, {"token": ["a"]}, {"token": "\ud800"},
        {}, [], "x", {"TOKEN": "x"},
    ],
)  # fmt: skip
def test_who_does_not_say_the_token_is_refused(desk: Desk, first: Any):
    told = json.loads(desk.send(line(first), line({"want": "x"})) or b"{}")
    assert told.get("error", {"type": "ProtocolError"})["type"] == "ProtocolError"
    assert "server_id" not in told
    assert desk.about.token not in json.dumps(told)
    assert desk.wishes == []


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\n",
        b"{",
        b"\xff\xfe\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"[" * 60_000 + b"\n",
        b"x" * 200_000 + b"\n",
    ],
)
def test_what_is_no_line_of_ours_is_refused(desk: Desk, said: bytes):
    for before in (b"", line({"token": desk.about.token})):
        told = desk.send(before, said)
        assert told == b"" or json.loads(told)["error"]["type"] == "ProtocolError"
    assert desk.wishes == []
    assert desk.about.ask({"want": "x"}) == {"server_id": "none"}, "and others are served"


def test_who_says_nothing_is_sent_away(desk: Desk):
    began = time.monotonic()
    assert desk.send(line({"token": desk.about.token})) == b""
    assert 4 < time.monotonic() - began < 8


def test_many_who_say_nothing_hold_nobody_up(desk: Desk):
    held = []
    for _ in range(300):
        silent = socket.socket(socket.AF_UNIX)
        silent.connect(desk.about.address.removeprefix("unix:"))
        held.append(silent)
    try:
        limit = time.monotonic() + 15
        while desk.about.ask({"want": "x"}) is None:  # too many at a time; each has five seconds
            assert time.monotonic() < limit
            time.sleep(0.05)
    finally:
        for silent in held:
            silent.close()


def test_errors_arrive_as_they_were_raised(desk: Desk):
    failed = ServerFailedError("it died five times", hint="start it")
    failed.log_lines = ("a", "b")

    def fail(wish: dict[str, Any]) -> dict[str, Any]:
        raise failed

    desk.answer = fail
    with pytest.raises(ServerFailedError, match="it died five times") as raised:
        desk.about.ask({})
    assert (raised.value.hint, raised.value.log_lines) == ("start it", ("a", "b"))

    def break_(wish: dict[str, Any]) -> dict[str, Any]:
        raise RuntimeError("secret")

    desk.answer = break_
    with pytest.raises(NbAgentsError) as broken:
        desk.about.ask({})
    assert "secret" not in str(broken.value)


def test_one_that_is_closed_is_gone(desk: Desk):
    about = desk.about
    desk.reception.close()
    desk.reception.close()
    assert about.ask({}) is None
    assert not desk.path.exists()
    assert not Path(about.address.removeprefix("unix:")).exists()


def test_a_slow_server_holds_nobody_else_up(desk: Desk):
    go = threading.Event()

    def wait(wish: dict[str, Any]) -> dict[str, Any]:
        if wish.get("slow"):
            go.wait(20)
        return {"ok": True}

    desk.answer = wait
    slow = threading.Thread(target=desk.about.ask, args=({"slow": True},))
    slow.start()
    try:
        assert desk.about.ask({}) == {"ok": True}
        assert slow.is_alive()
    finally:
        go.set()
        slow.join()


# --------------------------------------------------------------------------- what a kernel does with it


@pytest.fixture
def kept(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> KeptServer:
    monkeypatch.setenv(CUSTODIAN, str(desk.path))
    return KeptServer()


def test_the_server_that_is_named_is_used(desk: Desk, kept: KeptServer):
    with RpcAgentServerLauncher(server_id="jupiter") as launcher:
        desk.answer = lambda wish: {"server_id": "jupiter"}
        connection, spawned = kept(ServerOptions(owner="user"))
        assert (connection.address, spawned) == (launcher.address, None)
    (wish,) = desk.wishes
    assert wish["want"] == "server"
    assert os.path.isabs(wish["python"])
    assert wish["again"] is True


def test_one_that_is_not_there_is_not_used(desk: Desk, kept: KeptServer):
    desk.answer = lambda wish: {"server_id": "../../etc"}
    connection, spawned = kept(ServerOptions(owner="user", idle_seconds=30))
    assert spawned is not None
    assert connection.owner == "user", "it starts one by itself"
    spawned.stop()


def test_a_jupyter_that_ends_is_not_replaced(desk: Desk, kept: KeptServer):
    def ending(wish: dict[str, Any]) -> dict[str, Any]:
        raise AgentServerNotAliveError("this Jupyter server is ending")

    desk.answer = ending
    with pytest.raises(AgentServerNotAliveError, match="is ending"):
        kept(ServerOptions(owner="user"))


def test_one_that_was_kept_is_not_replaced_unless_somebody_asks(desk: Desk, kept: KeptServer):
    with RpcAgentServerLauncher(server_id="jupiter"):
        desk.answer = lambda wish: {"server_id": "jupiter"}
        kept(ServerOptions(owner="user"))
    desk.reception.close()
    with pytest.raises(AgentServerNotAliveError, match="the Jupyter server that kept the agents has ended"):
        kept(ServerOptions(owner="user"))
    kept.reset()
    connection, spawned = kept(ServerOptions(owner="user", idle_seconds=30))
    assert spawned is not None
    assert connection.owner == "user"
    spawned.stop()


def test_a_server_of_one_s_own_is_never_asked_for(desk: Desk, kept: KeptServer):
    _, spawned = kept(ServerOptions(owner="process"))
    assert spawned is not None
    spawned.stop()
    assert desk.wishes == []


@pytest.mark.parametrize(
    "change",
    [
        {"host": "elsewhere"},
        {"boot": "earlier"},
        {"pid_started": "1"},
        {"pid": 2**22 + 1},
        {"more": 1},
        {"token": 5},
    ],
)  # fmt: skip
def test_a_file_that_tells_of_somebody_else_is_not_followed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
):
    monkeypatch.setenv(CUSTODIAN, str(desk.path))
    assert custodian() is not None
    desk.path.write_text(json.dumps(json.loads(desk.path.read_text()) | change))
    assert custodian() is None


def test_a_file_that_others_could_have_written_is_not_followed(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(CUSTODIAN, str(desk.path))
    desk.path.chmod(0o622)
    assert custodian() is None


def test_an_answer_that_never_ends_is_refused(runtime: Path):
    place = runtime / "sockets" / "x.s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        listener.listen()

        def flood() -> None:
            theirs, _ = listener.accept()
            with theirs:
                try:
                    while True:
                        theirs.sendall(b"x" * 65536)
                except OSError:
                    pass

        threading.Thread(target=flood, daemon=True).start()
        about = Custodian(f"unix:{place}", "t", os.getpid(), "", "", "", "")
        with pytest.raises(ProtocolError, match="too long"):
            about.ask({})


def test_no_other_machine_is_dialled():
    for address in ("example.org:80", "10.0.0.1:80", "127.0.0.1:x", "localhost:1"):
        about = Custodian(address, "t", os.getpid(), "", "", "", "")
        with pytest.raises(AgentServerError, match="no address of this machine"):
            about.ask({})
