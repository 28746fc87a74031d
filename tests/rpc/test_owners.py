"""Who owns a server ends it; exactly one has a name; a server that is stopped finishes what it does."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from remote_agents import Echo, Slow, settings

from nbagents.exceptions import AgentServerError, AgentServerNotAliveError, NbAgentsError
from nbagents.rpc import (
    Connection,
    OwnedServer,
    RpcAgent,
    RpcAgentClient,
    RpcAgentServerLauncher,
    ServerOptions,
    Spawned,
    connections,
    find_or_launch,
)
from nbagents.rpc._places import connection_folder, socket_folder
from nbagents.serverext._fleet import Fleet

pytestmark = [pytest.mark.posix, pytest.mark.usefixtures("runtime")]
LONG = os.environ.get("NBAGENTS_LONG") == "1"


def leftovers(runtime: Path) -> list[str]:
    return [path.name for path in runtime.rglob("*") if not path.is_dir() and path.name != "launch.lock"]


def outcome(fn, *args):
    try:
        return fn(*args)
    except NbAgentsError as error:
        return error


def runs(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


# ---------------------------------------------------------------------------- one for each name


def test_an_id_belongs_to_one_server():
    with RpcAgentServerLauncher(server_id="mine") as first:
        second = RpcAgentServerLauncher(server_id="mine")
        with pytest.raises(AgentServerError, match=r"'mine' runs already, as process \d+ of .*: stop it, or"):
            second.launch()
        with pytest.raises(AgentServerError, match="runs already"):
            second.launch(in_subprocess=False)
        assert RpcAgentClient(first.address, token=first.token).is_alive(), "and keeps its place"
        assert [c.server_id for c in connections()] == ["mine"]
    with RpcAgentServerLauncher(server_id="mine") as third:
        assert third.is_alive(), "once it has ended the id is free"


@pytest.mark.long
@pytest.mark.timeout(900 if LONG else 300)
def test_of_two_that_are_launched_at_once_one_has_the_id(runtime: Path):
    for number in range(50 if LONG else 5):
        options = ServerOptions(server_id=f"name{number}")
        got = []
        threads = [
            threading.Thread(target=lambda: got.append(outcome(Spawned.start, options)))  # noqa: B023
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        winners = [one for one in got if isinstance(one, Spawned)]
        (loser,) = [one for one in got if isinstance(one, NbAgentsError)]
        assert "runs already" in str(loser)
        (winner,) = winners
        assert winner.connection.server_id == f"name{number}"
        winner.stop()
    assert leftovers(runtime) == []


def test_files_that_a_dead_server_left_are_taken_over(runtime: Path):
    spawned = Spawned.start(ServerOptions(server_id="mine"))
    known = spawned.connection
    os.kill(spawned.process.pid, signal.SIGKILL)
    spawned.process.wait()
    # Its pid is somebody else's by now, its socket is there and nobody listens.
    known.pid = os.getpid()
    known.write()
    assert Path(known.address.removeprefix("unix:")).exists()
    again = Spawned.start(ServerOptions(server_id="mine", address=known.address, token=known.token))
    assert again.connection.address == known.address
    assert RpcAgentClient(known.address, token=known.token).is_alive()
    again.stop()
    spawned.stop()
    assert leftovers(runtime) == []


def test_a_socket_where_somebody_listens_is_left_alone():
    with RpcAgentServerLauncher() as launcher:
        other = Spawned.start(ServerOptions(address=launcher.address))
        assert other.connection.address != launcher.address
        client = RpcAgentClient(launcher.address, token=launcher.token)
        assert client.get_server_info()["id"] == launcher.server_id
        other.stop()
        assert client.is_alive()


def test_a_port_where_somebody_listens_is_left_alone():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AgentServerError, match=f"{port}.* is taken"):
            Spawned.start(ServerOptions(port=port))
        with pytest.raises(AgentServerError, match=f"{port}.* is taken"):
            Spawned.start(ServerOptions(port=port, address=f"127.0.0.1:{port}"))


# ---------------------------------------------------------------------------- the owner is gone

OWNER = """
import json, os, sys
from nbagents.rpc import RpcAgentServerLauncher
from nbagents.setup import Session
one, two = RpcAgentServerLauncher(), Session("/w/one.ipynb", headless=True)
one.launch()
two.server.ensure()
print(json.dumps([one.connection.pid, two.status().pid]), flush=True)
sys.stdin.read()
"""


@pytest.mark.long
@pytest.mark.linux
@pytest.mark.timeout(900 if LONG else 300)
def test_an_owner_that_is_killed_leaves_nothing(runtime: Path, wait_for):
    for _ in range(50 if LONG else 5):
        before = {process.pid for process in psutil.process_iter()}
        with subprocess.Popen(
            [sys.executable, "-c", OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as owner:
            pids = json.loads(owner.stdout.readline())
            assert all(map(runs, pids))
            owner.kill()
            owner.wait()
            begin = time.monotonic()
            wait_for(lambda: not any(map(runs, pids)))  # noqa: B023
            assert time.monotonic() - begin < 3
        assert leftovers(runtime) == []
        assert not {
            process.pid
            for process in psutil.process_iter(["pid", "cmdline", "environ"])
            if process.pid not in before and str(runtime) in (process.info["environ"] or {}).values()
        }


def test_what_a_dead_owner_and_a_dead_server_left_is_cleared_away(runtime: Path, wait_for):
    with subprocess.Popen(
        [sys.executable, "-c", OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as owner:
        pids = json.loads(owner.stdout.readline())
        names = {c.server_id for c in connections()}
        for pid in (owner.pid, *pids):  # the owner first: it has no time to start one again
            os.kill(pid, signal.SIGKILL)
        owner.wait()
        wait_for(lambda: not any(map(runs, pids)))
    for name in names:
        (socket_folder() / f"{name}.journal").touch()
    with RpcAgentServerLauncher():
        pass
    assert leftovers(runtime) == []


@pytest.mark.linux
def test_the_journal_of_a_dead_shared_server_is_kept_for_the_next_client(wait_for):
    first, spawned = find_or_launch(ServerOptions(owner="user", idle_seconds=60))
    (socket_folder() / f"{first.server_id}.journal").touch()
    os.kill(first.pid, signal.SIGKILL)
    spawned.process.wait()
    assert connections() == []
    assert (connection_folder() / f"{first.server_id}.json").exists()
    second, spawned = find_or_launch(ServerOptions(owner="user", idle_seconds=60))
    assert spawned is not None
    assert (second.server_id, second.address, second.token) == (first.server_id, first.address, first.token)
    RpcAgentClient(first.address, token=first.token).stop()
    assert spawned.wait(10)
    spawned.stop()


# ---------------------------------------------------------------------------- stopping under load


@pytest.mark.parametrize("how", ["signal", "stop"])
def test_a_server_that_is_stopped_ends_its_calls_first(how: str, runtime: Path, wait_for):
    with RpcAgentServerLauncher(custom_agent_classes=[Slow, Echo]) as launcher:
        client = RpcAgentClient(launcher.address, token=launcher.token)
        slow = []
        for number in range(50):
            client.create_agent({"class_name": "Slow", "args": [f"s{number}"]}, f"s{number}")
            slow.append(RpcAgent(f"s{number}", f"s{number}", connect=lambda: client.attachment))
        client.create_agent({"class_name": "Echo", "args": ["e"]}, "e")
        echo = RpcAgent("e", "e", connect=lambda: client.attachment)  # has nothing to wait for
        calls = [agent(1.0) for agent in slow]
        assert client.get_server_info()["pending"] == 50
        if how == "signal":
            os.kill(launcher.connection.pid, signal.SIGTERM)
        else:
            client.stop()
        refused = None
        while not isinstance(refused, NbAgentsError):
            refused = outcome(echo("x").result, 20)
        assert isinstance(refused, AgentServerNotAliveError)
        assert "is being stopped" in str(refused)
        assert [call.result(20).content for call in calls] == [f"s{number} slept" for number in range(50)]
        assert launcher._owned.spawned.process.wait(20) == 0
        launcher.wait_until_terminate()
        assert not launcher.is_alive()
    assert leftovers(runtime) == []


def test_one_that_is_stopped_twice_does_not_wait(wait_for):
    with RpcAgentServerLauncher(custom_agent_classes=[Slow]) as launcher:
        client = RpcAgentClient(launcher.address, token=launcher.token)
        client.create_agent({"class_name": "Slow", "args": ["s"]}, "s")
        call = RpcAgent("s", "s", connect=lambda: client.attachment)(60)
        assert client.get_server_info()["pending"] == 1
        begin = time.monotonic()
        os.kill(launcher.connection.pid, signal.SIGTERM)
        time.sleep(0.1)  # two signals at once are one
        os.kill(launcher.connection.pid, signal.SIGTERM)
        assert isinstance(outcome(call.result, 20), NbAgentsError)
        assert time.monotonic() - begin < 5
        assert launcher._owned.spawned.process.wait(20) == 0


@contextlib.contextmanager
def a_place(owner: str) -> Iterator[Callable[[], Connection]]:
    """Yield what finds the server of an owner, and starts one if there is none; end all that it started."""
    found: list[Connection] = []
    fleet = Fleet()
    owned = OwnedServer(ServerOptions(owner=owner, idle_seconds=60))

    def find() -> Connection:
        found.append(fleet.bring_up() if owner == "jupyter" else owned.ensure())
        return found[-1]

    try:
        yield find
    finally:
        fleet.close()
        owned.stop()
        for connection in found:
            if connection.is_alive():
                os.kill(connection.pid, signal.SIGKILL)


@pytest.mark.parametrize("owner", ["user", "process", "jupyter"])
def test_while_a_stopped_server_ends_its_calls_another_takes_its_place(owner: str, runtime: Path, wait_for):
    with a_place(owner) as find:
        first = find()
        client = RpcAgentClient(first.address, token=first.token)
        client.create_agent(settings(Slow, "s"), "s")
        call = RpcAgent("s", "s", connect=lambda: client.attachment)(3.0)
        assert client.get_server_info()["pending"] == 1
        assert find().server_id == first.server_id
        client.stop()
        wait_for(first.is_ending)
        second = find()
        assert second.server_id != first.server_id
        if owner == "user":
            assert find_or_launch(ServerOptions(owner="user"))[0].server_id == second.server_id
        assert first.is_alive(), "it ends its calls"
        other = RpcAgentClient(second.address, token=second.token)
        other.create_agent(settings(Echo, "e"), "e")
        echo = RpcAgent("e", "e", connect=lambda: other.attachment)
        assert echo("x").result(20).content == "e heard x"
        gc.collect()
        assert call.result(20).content == "s slept"
        wait_for(lambda: not first.is_alive())
        assert [known.server_id for known in connections()] == [second.server_id]
        assert echo("y").result(20).content == "e heard y"
    assert leftovers(runtime) == []
