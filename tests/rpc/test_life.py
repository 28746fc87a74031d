"""How servers begin, end, and are ended."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from remote_agents import Echo, Killer, Slow

from nbagents.exceptions import (
    AgentServerNotAliveError,
    NbAgentsError,
    ServerLostError,
    UsageError,
)
from nbagents.rpc import (
    Connection,
    RpcAgent,
    RpcAgentClient,
    RpcAgentServerLauncher,
    ServerOptions,
    connections,
    find_or_launch,
    find_shared,
)
from nbagents.rpc._places import connection_folder, socket_folder


def leftovers(runtime: Path) -> list[str]:
    return [path.name for path in runtime.rglob("*") if not path.is_dir() and path.name != "launch.lock"]


def made(launcher: RpcAgentServerLauncher, cls: type, agent_id: str) -> RpcAgent:
    client = RpcAgentClient(launcher.address, token=launcher.token)
    settings = {"class_name": f"remote_agents:{cls.__name__}", "args": [agent_id], "import_path": sys.path}
    client.create_agent(settings, agent_id)
    return RpcAgent(agent_id, agent_id, connect=lambda: client.attachment)


@contextlib.contextmanager
def script(text: str):
    """Run a program that prints one line of JSON and then waits for its standard input to end."""
    with subprocess.Popen(
        [sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        try:
            yield child, json.loads(child.stdout.readline())
        finally:
            child.kill()


LAUNCH = """
import json, os, sys, time
from nbagents.rpc import RpcAgentServerLauncher
launcher = RpcAgentServerLauncher()
launcher.launch()
print(json.dumps([launcher.connection.pid, launcher.address]), flush=True)
sys.stdin.read()
"""
FORK = """
child = os.fork()
if not child:
    time.sleep(60)
    os._exit(0)
print("""
LAUNCH_AND_FORK = LAUNCH.replace("print(", FORK).replace("launcher.address]", "child]")
SHARE = """
import json, sys
from nbagents.rpc import ServerOptions, find_or_launch
connection, spawned = find_or_launch(ServerOptions(owner="user", idle_seconds=30))
print(json.dumps([connection.server_id, connection.pid, spawned is not None]), flush=True)
sys.stdin.read()
"""


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


# ---------------------------------------------------------------------------- death


@pytest.mark.parametrize("port", [None, 0])
def test_when_a_server_is_killed_every_call_ends_with_a_reason(runtime: Path, port: int | None):
    with RpcAgentServerLauncher(port=port, custom_agent_classes=[Slow, Echo]) as launcher:
        client = RpcAgentClient(launcher.address, token=launcher.token)
        agents = []
        for number in range(20):
            client.create_agent({"class_name": "Slow", "args": [f"s{number}"]}, f"s{number}")
            agents.append(RpcAgent(f"s{number}", f"s{number}", connect=lambda: client.attachment))
        calls = [agents[number % 20](60) for number in range(200)]
        fetched = client.call_agent_func("_reply", 60, "s0")
        failures = []
        waiting = threading.Thread(
            target=lambda: failures.append(outcome(client.update_placeholder, fetched))
        )
        waiting.start()
        assert client.get_server_info()["pending"] == 201
        os.kill(launcher.connection.pid, signal.SIGKILL)
        begin = time.monotonic()
        failures += [outcome(call.result, 10) for call in calls]
        waiting.join(10)
        assert time.monotonic() - begin < 2
        assert {type(failure) for failure in failures} == {ServerLostError}
        assert len(failures) == 201
        assert "is gone: it was killed by signal 9 (SIGKILL)" in str(failures[0])
        assert not client.is_alive()
        assert agents[0](0.01).result(20).content == "s0 slept", "later ones are made of the next server"
    assert leftovers(runtime) == []


def outcome(fn, *args):
    try:
        return fn(*args)
    except NbAgentsError as error:
        return error


def test_an_agent_that_kills_its_server_ends_its_call(runtime: Path):
    with RpcAgentServerLauncher() as launcher:
        assert isinstance(outcome(made(launcher, Killer, "k")().result, 10), AgentServerNotAliveError)


@pytest.mark.linux
@pytest.mark.parametrize(
    "text", [LAUNCH, LAUNCH_AND_FORK], ids=["alone", "with a fork that holds the lifeline"]
)
def test_a_server_ends_with_its_owner_whatever_happens_to_it(runtime: Path, wait_for, text: str):
    with script(text) as (child, (pid, other)):
        assert runs(pid)
        child.kill()
        child.wait()
        wait_for(lambda: not runs(pid))
        assert leftovers(runtime) == []
        if isinstance(other, int):
            os.kill(other, signal.SIGKILL)


def test_a_script_that_ends_takes_its_server_along(runtime: Path, wait_for):
    with script(LAUNCH) as (child, (pid, _)):
        child.stdin.close()
        assert child.wait(10) == 0
        wait_for(lambda: not runs(pid))
    assert leftovers(runtime) == []


@pytest.mark.posix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_server_in_order(runtime: Path, wait_for, number: signal.Signals):
    with RpcAgentServerLauncher() as launcher:
        os.kill(launcher.connection.pid, number)
        wait_for(lambda: not launcher.is_alive())
        assert launcher._owned.spawned.process.returncode == 0
    assert leftovers(runtime) == []


# ---------------------------------------------------------------------------- shutdown


def test_an_idle_server_ends_soon_and_leaves_nothing(runtime: Path):
    taken = []
    for _ in range(3):
        with RpcAgentServerLauncher() as launcher:
            echo = made(launcher, Echo, "e")
            assert echo("x").content
            begin = time.monotonic()
        taken.append(time.monotonic() - begin)
        assert not launcher.is_alive()
    assert min(taken) < 0.3
    assert leftovers(runtime) == []


def test_shutdown_tells_those_who_wait(runtime: Path):
    launcher = RpcAgentServerLauncher()
    launcher.launch()
    waiting = made(launcher, Slow, "s")(60)
    RpcAgentClient(launcher.address, token=launcher.token).get_server_info()
    launcher.shutdown()
    error = outcome(waiting.result, 10)
    assert isinstance(error, NbAgentsError)
    assert "server" in str(error)


def test_shutdown_twice_and_before_the_launch(runtime: Path):
    launcher = RpcAgentServerLauncher()
    launcher.shutdown()
    assert not launcher.is_alive()
    launcher.launch()
    assert launcher.is_alive()
    with pytest.raises(UsageError, match="has launched its server already"):
        launcher.launch()
    launcher.shutdown()
    launcher.shutdown()
    assert not launcher.is_alive()


def test_a_launcher_that_was_not_launched_says_so():
    launcher = RpcAgentServerLauncher(server_id="abc")
    assert launcher.server_id == "abc"
    for ask in (lambda: launcher.address, lambda: launcher.token, launcher.wait_until_terminate):
        with pytest.raises(UsageError, match="is not launched yet"):
            ask()


@pytest.mark.parametrize("in_subprocess", [True, False])
def test_waiting_ends_when_a_client_stops_the_server(runtime: Path, in_subprocess: bool):
    launcher = RpcAgentServerLauncher(custom_agent_classes=[Echo])
    launcher.launch(in_subprocess=in_subprocess)
    client = RpcAgentClient(launcher.address, token=launcher.token)
    waiting = threading.Thread(target=launcher.wait_until_terminate)
    waiting.start()
    assert waiting.is_alive()
    client.stop()
    waiting.join(10)
    assert not waiting.is_alive()
    assert not launcher.is_alive()
    assert not client.is_alive()
    launcher.shutdown()
    assert leftovers(runtime) == []


def test_a_server_in_this_process(runtime: Path):
    with RpcAgentServerLauncher(port=0) as other, contextlib.ExitStack() as stack:
        launcher = RpcAgentServerLauncher(port=0, custom_agent_classes=[Echo])
        launcher.launch(in_subprocess=False)
        stack.callback(launcher.shutdown)
        assert launcher.port != other.port
        assert launcher.connection.pid == os.getpid()
        client = RpcAgentClient("localhost", launcher.port)
        client.create_agent({"class_name": "Echo", "args": ["e"]}, "e")
        echo = RpcAgent("e", "e", connect=lambda: client.attachment)
        assert echo(echo("x")).content == "e heard e heard x"
        assert len(echo.memory.get_memory()) == 3


# ---------------------------------------------------------------------------- the shared server


@pytest.mark.linux
def test_the_server_of_a_user_outlives_who_launched_it(runtime: Path, wait_for):
    with script(SHARE) as (child, (server_id, pid, launched)):
        assert launched
        child.kill()
        child.wait()
    known = find_shared()
    assert (known.server_id, known.pid, known.owner) == (server_id, pid, "user")
    again, spawned = find_or_launch(ServerOptions(owner="user"))
    assert (again.server_id, spawned) == (server_id, None)
    RpcAgentClient(known.address).stop()
    wait_for(lambda: not runs(pid))
    assert find_shared() is None
    assert leftovers(runtime) == []


@pytest.mark.linux
def test_a_program_that_leaves_the_server_of_a_user_behind_ends_silently(runtime: Path, wait_for):
    command = [sys.executable, "-W", "error", "-c", SHARE]
    ended = subprocess.run(command, input=b"", capture_output=True, timeout=50)
    assert (ended.returncode, ended.stderr) == (0, b"")
    known = find_shared()
    RpcAgentClient(known.address).stop()
    wait_for(lambda: not runs(known.pid))


@pytest.mark.long
@pytest.mark.linux
def test_notebooks_that_start_at_once_agree_on_one_server(runtime: Path, wait_for):
    with contextlib.ExitStack() as stack:
        children = [
            subprocess.Popen([sys.executable, "-c", SHARE], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            for _ in range(4)
        ]
        for child in children:
            stack.callback(child.communicate)
        answers = [json.loads(child.stdout.readline()) for child in children]
        assert len({server_id for server_id, _, _ in answers}) == 1
        assert sum(launched for _, _, launched in answers) == 1
        assert len(connections()) == 1
    RpcAgentClient(find_shared().address).stop()
    wait_for(lambda: not runs(answers[0][1]))


@pytest.mark.linux
def test_a_server_that_nobody_uses_ends(runtime: Path, wait_for):
    connection, spawned = find_or_launch(ServerOptions(owner="user", idle_seconds=0.4))
    client = RpcAgentClient(connection.address)
    begin = time.monotonic()
    while time.monotonic() - begin < 1.2:  # thrice as long, but attached
        assert client.is_alive()
    made_client_leave(client)
    wait_for(lambda: not runs(connection.pid), 5)
    assert leftovers(runtime) == []
    spawned.stop()


def made_client_leave(client: RpcAgentClient) -> None:
    from nbagents import _loop

    _loop.background().run(client.attachment.close())


def test_stale_connection_files_are_removed_and_foreign_ones_kept(runtime: Path):
    with RpcAgentServerLauncher() as launcher:
        mine = launcher.connection
        lost = subprocess.Popen([sys.executable, "-c", ""])
        lost.wait()
        socket_path = socket_folder() / "dead-1.s"
        socket_path.touch()

        def copied(**changes: object) -> Connection:
            fields = {name: getattr(mine, name) for name in mine.__slots__}
            connection = Connection(**(fields | changes))
            connection.write()
            return connection

        gone = {"owner_pid": lost.pid}
        dead = copied(server_id="dead", pid=lost.pid, address=f"unix:{socket_path}", **gone)
        dead.log.touch()
        reused = copied(server_id="reused", pid_started="1", **gone)
        awaited = copied(server_id="awaited", pid=lost.pid)  # its owner, this process, may revive it
        foreign = copied(server_id="foreign", host="elsewhere")
        rebooted = copied(server_id="rebooted", boot="another")
        odd = connection_folder() / "odd.json"
        odd.write_text("{")
        odd.chmod(0o600)
        renamed = connection_folder() / "renamed.json"
        renamed.write_text(mine.path.read_text())
        renamed.chmod(0o600)
        found = {c.server_id for c in connections()}
        assert found == {mine.server_id, "foreign", "rebooted"}
        assert [c.path.exists() for c in (dead, reused, foreign, rebooted)] == [False, False, True, True]
        assert awaited.path.exists()
        assert not dead.log.exists()
        assert not socket_path.exists()
        assert odd.exists()
        assert foreign.is_foreign()
        assert rebooted.is_foreign()
        assert not foreign.fits_here()
