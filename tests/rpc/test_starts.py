"""What cannot start says so; what starts leaves the program and its places as they were."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from remote_agents import Echo

from nbagents.exceptions import (
    AgentCreationError,
    AgentServerError,
    AgentServerNotAliveError,
    UsageError,
    VersionMismatchError,
)
from nbagents.rpc import (
    Connection,
    RpcAgentClient,
    RpcAgentServerLauncher,
    ServerOptions,
    Spawned,
)
from nbagents.rpc._places import socket_folder


def leftovers(runtime: Path) -> list[str]:
    return [path.name for path in runtime.rglob("*") if not path.is_dir() and path.name != "launch.lock"]


# ---------------------------------------------------------------------------- what cannot start


@pytest.mark.parametrize("in_subprocess", [True, False])
def test_a_busy_port_is_named(runtime: Path, in_subprocess: bool):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        launcher = RpcAgentServerLauncher(port=port)
        with pytest.raises(AgentServerError, match=f"port {port} of localhost is taken"):
            launcher.launch(in_subprocess=in_subprocess)
        assert not launcher.is_alive()
    assert leftovers(runtime) == []


@pytest.mark.long
def test_two_servers_never_share_a_port(runtime: Path):
    with (
        RpcAgentServerLauncher(port=0) as first,
        pytest.raises(AgentServerError, match=f"port {first.port} of localhost is taken"),
    ):
        RpcAgentServerLauncher(port=first.port).launch()


@pytest.mark.parametrize("port", [-1, 65536, "80", 1.5])
def test_what_is_no_port_is_refused(port):
    with pytest.raises(UsageError, match="is not a port"):
        RpcAgentServerLauncher(port=port)


def test_other_wrong_options_are_refused(tmp_path: Path):
    for options in (
        {"server_id": "../x"},
        {"max_pool_size": 0},
        {"max_timeout_seconds": 0},
        {"agent_dir": str(tmp_path / "nowhere")},
        {"studio_url": "localhost:5000"},
    ):
        with pytest.raises(UsageError):
            RpcAgentServerLauncher(**options)
    with pytest.raises(UsageError, match="owned by process, jupyter, service, user"):
        Spawned.start(ServerOptions(owner="nobody"))


def test_a_class_that_no_server_can_import_is_refused(runtime: Path):
    class Inner(Echo):
        pass

    with pytest.raises(AgentCreationError, match="move the class to the top level of a module"):
        RpcAgentServerLauncher(custom_agent_classes=[Inner]).launch()
    assert leftovers(runtime) == []


def test_a_server_whose_interpreter_is_missing_says_so(runtime: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(AgentServerError, match="ended at its start with status 1: it said nothing"):
        RpcAgentServerLauncher().launch()
    assert leftovers(runtime) == []


def test_a_server_that_does_not_start_in_time_says_so(
    runtime: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    idler = tmp_path / "idler"
    idler.write_text("#!/bin/sh\nexec sleep 60\n")
    idler.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(idler))
    monkeypatch.setattr("nbagents.rpc._spawn.START_SECONDS", 0.2)
    with pytest.raises(AgentServerError, match="did not start within"):
        RpcAgentServerLauncher().launch()
    assert leftovers(runtime) == []


def test_a_server_of_another_version_is_told_apart(runtime: Path, monkeypatch: pytest.MonkeyPatch):
    with RpcAgentServerLauncher() as launcher:
        monkeypatch.setattr("nbagents.rpc._stream.__version__", "0.0.1")
        with pytest.raises(VersionMismatchError, match=r"is of nbagents .*, this is 0\.0\.1") as caught:
            RpcAgentClient(launcher.address, token=launcher.token).get_agent_list()
        assert caught.value.hint == "%agents server stop --all, then run the cell again"


def test_what_is_no_server_of_ours_is_told_apart():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        stranger = RpcAgentClient("localhost", port, token="t")
        threading.Thread(target=lambda: listening.accept()[0].close(), daemon=True).start()
        with pytest.raises(AgentServerError):
            stranger.get_agent_list()
    with pytest.raises(AgentServerNotAliveError):
        RpcAgentClient("localhost", port, token="t").get_agent_list()


# ---------------------------------------------------------------------------- names and places


def test_the_random_state_of_the_program_is_left_alone(runtime: Path):
    import random

    random.seed(7)
    before = random.getstate()
    ids = {RpcAgentServerLauncher.generate_server_id("localhost", 1) for _ in range(100)}
    with RpcAgentServerLauncher() as launcher:
        assert launcher.server_id
    assert random.getstate() == before
    assert len(ids) == 100
    assert all(len(server_id) == 8 for server_id in ids)


@pytest.mark.posix
def test_a_long_runtime_folder_is_not_used_for_sockets(runtime: Path, monkeypatch: pytest.MonkeyPatch):
    long = runtime / ("x" * 90)
    long.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(long))
    assert not socket_folder().is_relative_to(runtime)
    with RpcAgentServerLauncher(server_id="a" * 128) as launcher:
        assert len(launcher.address.removeprefix("unix:")) <= 100
        assert RpcAgentClient(launcher.address).is_alive()


def test_a_launcher_that_nobody_holds_keeps_its_server(runtime: Path, wait_for):
    def launched() -> Connection:
        launcher = RpcAgentServerLauncher()
        launcher.launch()
        return launcher.connection

    connection = launched()
    client = RpcAgentClient(connection.address)
    assert client.is_alive()
    client.stop()
    wait_for(lambda: not connection.is_alive())


# ---------------------------------------------------------------------------- what need not be loaded

LISTER = """
import sys
from nbagents.agents import AgentBase


class Lister(AgentBase):
    def reply(self, x=None):
        return list(sys.modules)
"""
FIRST_REPLY = """
import json, sys
from lister import Lister
from nbagents.message import Msg
from nbagents.rpc import RpcAgent, RpcAgentClient, RpcAgentServerLauncher

with RpcAgentServerLauncher(custom_agent_classes=[Lister]) as launcher:
    client = RpcAgentClient(launcher.address, token=launcher.token)
    client.create_agent({"class_name": "Lister", "args": ["lister"]}, "lister")
    there = RpcAgent("lister", "lister", connect=lambda: client.attachment)(Msg("user", "hi")).content
print(json.dumps([list(sys.modules), there]))
"""
NOT_YET = {
    "difflib", "nbagents.asking._question", "nbagents.budget._ledger", "nbagents.memory._in_memory",
    "nbagents.models._base", "nbagents.recording._tape", "nbagents.rpc._tls", "nbagents.rpc._unit",
    "nbagents.store._audit", "nbagents.tools._toolkit", "nbagents.topics._registry",
    "nbagents.tracing._messages",
}  # fmt: skip
"""What takes long to load, and what an agent that neither thinks nor asks has no use for."""


def test_a_first_reply_waits_for_nothing_that_it_does_not_need(runtime: Path, tmp_path: Path):
    (tmp_path / "lister.py").write_text(LISTER)
    run = subprocess.run(
        [sys.executable, "-c", FIRST_REPLY], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    here, there = json.loads(run.stdout)
    assert NOT_YET.intersection(here) == set()
    assert NOT_YET.intersection(there) == set()
    assert "sqlite3" in there, "its agents are kept"
    assert "sqlite3" not in here
