"""Servers that die are started again by their owner, and what was under way there ends with a reason."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from mortal_agents import Glutton, Unlucky
from remote_agents import Counter, Echo, Slow

from nbagents.exceptions import (
    AgentServerNotAliveError,
    NbAgentsError,
    ServerFailedError,
    ServerLostError,
)
from nbagents.rpc import RpcAgent, RpcAgentClient, RpcAgentServerLauncher, connections

pytestmark = [pytest.mark.posix, pytest.mark.usefixtures("runtime")]
ROUNDS = 20 if os.environ.get("NBAGENTS_LONG") == "1" else 1


def leftovers(runtime: Path) -> list[str]:
    return [path.name for path in runtime.rglob("*") if not path.is_dir() and path.name != "launch.lock"]


def outcome(fn, *args):
    try:
        return fn(*args)
    except NbAgentsError as error:
        return error


def kill(launcher: RpcAgentServerLauncher, wait_for) -> int:
    """Kill the server; return the pid of the one that takes its place."""
    pid = launcher.connection.pid
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: launcher.connection.pid != pid and launcher.is_alive())
    return launcher.connection.pid


@contextlib.contextmanager
def killed_slow(launcher: RpcAgentServerLauncher, count: int, agents: int = 20) -> Iterator[list]:
    """Yield calls that are in flight in a server that is killed now."""
    client = RpcAgentClient(launcher.address, token=launcher.token)
    made = []
    for number in range(agents):
        client.create_agent({"class_name": "Slow", "args": [f"s{number}"]}, f"s{number}")
        made.append(RpcAgent(f"s{number}", f"s{number}", connect=lambda: client.attachment))
    calls = [made[number % agents](60) for number in range(count)]
    assert client.get_server_info()["pending"] == count
    os.kill(launcher.connection.pid, signal.SIGKILL)
    yield calls
    client.delete_all_agents()


# ---------------------------------------------------------------------------- calls in flight


def test_a_thousand_calls_in_flight_end_with_how_the_server_died(wait_for):
    with RpcAgentServerLauncher(custom_agent_classes=[Slow]) as launcher:
        for _ in range(ROUNDS):
            launcher._owned.reset()
            server_id, pid = launcher.server_id, launcher.connection.pid
            with killed_slow(launcher, 1_000) as calls:
                begin = time.monotonic()
                failures = [outcome(call.result, 20) for call in calls]
                taken = time.monotonic() - begin
                assert {type(failure) for failure in failures} == {ServerLostError}
                assert {failure.server_id for failure in failures} == {server_id}
                assert {failure.exit_status for failure in failures} == {"killed by signal 9 (SIGKILL)"}
                assert not any(failure.retryable for failure in failures)
                assert "repeat it only if that does no harm" in str(failures[0])
                assert taken < 0.5 * 4, "half a second on a machine of its own"
                wait_for(lambda: launcher.connection.pid != pid and launcher.is_alive())  # noqa: B023


@pytest.mark.linux
def test_a_frozen_server_is_noticed_and_is_of_use_again_afterwards():
    with RpcAgentServerLauncher(custom_agent_classes=[Slow, Echo]) as launcher:
        client = RpcAgentClient(launcher.address, token=launcher.token)
        for kind in ("Slow", "Echo"):
            client.create_agent({"class_name": kind, "args": [kind]}, kind)
        slow, echo = (RpcAgent(name, name, connect=lambda: client.attachment) for name in ("Slow", "Echo"))
        late = [slow(0.2) for _ in range(3)]
        assert client.get_server_info()["pending"] == 3
        os.kill(launcher.connection.pid, signal.SIGSTOP)
        begin = time.monotonic()
        failures = [outcome(call.result, 20) for call in late]
        assert time.monotonic() - begin < 5
        assert {type(failure) for failure in failures} == {ServerLostError}
        assert "is frozen, by a signal or a debugger" in str(failures[0])
        assert failures[0].hint == f"kill -CONT {launcher.connection.pid}"
        os.kill(launcher.connection.pid, signal.SIGCONT)
        assert [echo(f"{n}").content for n in range(3)] == [f"Echo heard {n}" for n in range(3)]
        assert slow(0.01).content == "Slow slept"
        assert all(type(outcome(call.result)) is ServerLostError for call in late), "late replies go nowhere"


@pytest.mark.linux
def test_a_frozen_server_can_be_shut_down(runtime: Path):
    launcher = RpcAgentServerLauncher()
    launcher.launch()
    os.kill(launcher.connection.pid, signal.SIGSTOP)
    begin = time.monotonic()
    launcher.shutdown()
    assert time.monotonic() - begin < 5
    assert leftovers(runtime) == []


# ---------------------------------------------------------------------------- revival


def test_a_server_that_died_is_started_again_as_the_same(runtime: Path, wait_for):
    with RpcAgentServerLauncher(custom_agent_classes=[Echo]) as launcher:
        before = launcher.server_id, launcher.address, launcher.token
        client = RpcAgentClient(launcher.address, token=launcher.token)
        over = threading.Event()
        threading.Thread(target=lambda: (launcher.wait_until_terminate(), over.set()), daemon=True).start()
        for _ in range(2):
            kill(launcher, wait_for)
            assert (launcher.server_id, launcher.address, launcher.token) == before
            assert client.is_alive(), "the client that was there is still good"
        assert not over.is_set()
        assert [c.server_id for c in connections()] == [launcher.server_id]
    assert over.wait(10)
    assert not launcher.is_alive()
    assert leftovers(runtime) == []


def test_a_server_on_a_port_is_started_again_on_that_port(wait_for):
    with RpcAgentServerLauncher(port=0) as launcher:
        port = launcher.port
        kill(launcher, wait_for)
        assert launcher.address == f"127.0.0.1:{port}"
        assert RpcAgentClient("localhost", port).is_alive()


def test_an_agent_comes_back_with_its_server(wait_for):
    agent = Counter("c").to_dist()
    assert agent().content == "1"
    (server,) = connections()
    os.kill(server.pid, signal.SIGKILL)
    said = outcome(agent().result, 20)  # it may have been on its way when the server died
    assert isinstance(said, ServerLostError) or said.content.isdigit(), repr(said)
    assert agent().content.isdigit()
    assert [c.server_id for c in connections()] == [server.server_id]
    agent.stop()
    wait_for(lambda: connections() == [])
    with pytest.raises(AgentServerNotAliveError, match="was stopped"):
        agent().result(10)


def test_a_shutdown_is_the_end(runtime: Path, wait_for):
    launcher = RpcAgentServerLauncher()
    launcher.launch()
    os.kill(launcher.connection.pid, signal.SIGKILL)
    launcher.shutdown()  # while it is being started again
    assert not launcher.is_alive()
    assert psutil.Process().children() == [] or all(
        child.status() == psutil.STATUS_ZOMBIE or "nbagents.rpc" not in child.cmdline()
        for child in psutil.Process().children()
    )
    assert leftovers(runtime) == []


def test_memory_that_runs_out_harms_one_server_only(wait_for):
    with RpcAgentServerLauncher(custom_agent_classes=[Glutton, Echo]) as launcher:
        client = RpcAgentClient(launcher.address, token=launcher.token)
        client.create_agent({"class_name": "Glutton", "args": ["g"]}, "g")
        mine = psutil.Process().memory_info().rss
        glutton = RpcAgent("g", "g", connect=lambda: client.attachment)
        failure = outcome(glutton().result, 60)
        assert isinstance(failure, NbAgentsError), failure
        assert psutil.Process().memory_info().rss < mine + 64 * 2**20
        os.kill(launcher.connection.pid, signal.SIGKILL)  # if it lives yet, there is little that it can do
        wait_for(client.is_alive, 20)
        client.create_agent({"class_name": "Echo", "args": ["e"]}, "e")
        assert RpcAgent("e", "e", connect=lambda: client.attachment)("x").content == "e heard x"


# ---------------------------------------------------------------------------- again and again


@pytest.mark.long
def test_a_server_that_dies_again_and_again_is_given_up(runtime: Path, wait_for):
    with RpcAgentServerLauncher(custom_agent_classes=[Unlucky]) as launcher:
        unlucky = Unlucky("u", to_dist={"lazy_launch": False})
        owned = unlucky._link.connect.__self__._launcher._owned
        spent = time.process_time()
        failures = []
        while not failures or not isinstance(failures[-1], ServerFailedError):
            failures.append(outcome(unlucky().result, 20))
            assert len(failures) < 50
        assert {type(failure) for failure in failures} == {ServerLostError, ServerFailedError}
        assert [f.exit_status for f in failures[:1]] == ["ended with status 7"]
        assert owned.status().state == "failed"
        assert time.process_time() - spent < 5
        failed = failures[-1]
        assert len(failed.log_lines) == 20
        assert "line 29" in failed.log_lines[-1]
        assert "died 5 times within 60 s" in str(failed)
        assert "line 29" in str(failed)
        assert "sk-0123456789abcdef" not in str(failed) + "".join(failed.log_lines)
        assert "launch()" in failed.hint
        begin = time.monotonic()
        assert type(outcome(unlucky().result, 10)) is ServerFailedError, "from now on at once"
        assert time.monotonic() - begin < 0.5
        assert launcher.is_alive(), "the other one has nothing to do with it"
        unlucky.stop()


@pytest.mark.long
def test_launching_again_starts_what_was_given_up(wait_for):
    launcher = RpcAgentServerLauncher()
    with launcher:
        for _ in range(4):
            kill(launcher, wait_for)
        os.kill(launcher.connection.pid, signal.SIGKILL)
        wait_for(lambda: launcher._owned.status().state == "failed")
        launcher.wait_until_terminate()
        with pytest.raises(ServerFailedError):
            launcher.bring_up()
        launcher.launch()
        assert RpcAgentClient(launcher.address, token=launcher.token).is_alive()
