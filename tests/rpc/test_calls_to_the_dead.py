"""A call that is made of a dead server, noticed or not, waits for the one that is started in its place."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mortal_agents import Tally

from nbagents import _loop, call_options
from nbagents.exceptions import AgentServerNotAliveError, ServerFailedError, ServerLostError
from nbagents.message import Msg
from nbagents.rpc import RpcAgent, RpcAgentClient, RpcAgentServerLauncher, connections

pytestmark = [pytest.mark.posix, pytest.mark.usefixtures("runtime")]


@pytest.fixture
def launcher() -> Iterator[RpcAgentServerLauncher]:
    """A server on a port, which this process starts again when it dies."""
    with RpcAgentServerLauncher(port=0, custom_agent_classes=[Tally]) as started:
        yield started


@pytest.fixture(
    params=[
        "put by its port",
        *(pytest.param(way, marks=pytest.mark.long) for way in ("by a client", "in its own server")),
    ]
)
def tally(request, tmp_path: Path) -> Iterator[RpcAgent]:
    """An agent that takes a moment over each reply; the ways in which its server may be known."""
    if request.param == "in its own server":
        agent = Tally("t", str(tmp_path), 0.3).to_dist()
        yield agent
        agent.stop()
        return
    launcher = request.getfixturevalue("launcher")
    if request.param == "put by its port":
        yield Tally("t", str(tmp_path), 0.3).to_dist(host="localhost", port=launcher.port)
        return
    client = RpcAgentClient(launcher.address, token=launcher.token)
    client.create_agent({"class_name": "Tally", "args": ["t", str(tmp_path), 0.3]}, "t")
    yield RpcAgent("t", "t", connect=lambda: client.attachment)


def kill() -> None:
    """Kill the server; return when its process has ended, which the loop may not have noticed."""
    (server,) = connections()
    os.kill(server.pid, signal.SIGKILL)
    if hasattr(os, "pidfd_open"):
        try:
            fd, poll = os.pidfd_open(server.pid), select.poll()
        except ProcessLookupError:  # it is gone already
            return
        poll.register(fd, select.POLLIN)
        assert poll.poll(20_000)
        os.close(fd)


def made_unnoticed(agent: RpcAgent, count: int = 1) -> list:
    """Kill the server, and make calls before the loop can notice: on the loop, in the same turn."""

    async def at_once():
        kill()
        return [agent(Msg("user", f"{number}")) for number in range(count)]

    return _loop.background().run(at_once())


def runs(folder: Path) -> list[str]:
    return [line.split(" ")[0] for line in (folder / "runs").read_text().splitlines()]


@pytest.mark.linux
def test_a_call_that_the_dead_server_cannot_have_read_is_made_of_the_next(tally, tmp_path: Path):
    assert tally(Msg("user", "first")).result(20).content == "first done"
    calls = made_unnoticed(tally, 3)
    assert [call.result(30).content for call in calls] == ["0 done", "1 done", "2 done"]
    assert runs(tmp_path) == ["first", "0", "1", "2"]


def test_a_call_that_is_made_after_a_death_waits_for_the_next_server(tally, tmp_path: Path, wait_for):
    under_way = tally(Msg("user", "first"))
    wait_for(lambda: tally._client().get_server_info()["pending"] == 1)
    kill()
    with pytest.raises(ServerLostError, match="may have done a part of its work"):
        under_way.result(20)
    assert tally(Msg("user", "second")).result(30).content == "second done"
    assert runs(tmp_path) == ["second"]


def test_a_marked_call_that_was_under_way_is_made_again(tally, tmp_path: Path, wait_for):
    with call_options(retry=True):
        calls = [tally(Msg("user", f"{number}")) for number in range(2)]
    wait_for(lambda: tally._client().get_server_info()["pending"] == 2)
    kill()
    assert [call.result(30).content for call in calls] == ["0 done", "1 done"]
    assert runs(tmp_path) == ["0", "1"]


@pytest.mark.long
def test_it_waits_as_long_as_its_owner_pauses(launcher, tmp_path: Path):
    tally = Tally("t", str(tmp_path), 0.3).to_dist(host="localhost", port=launcher.port)
    assert tally(Msg("user", "first")).result(20).content == "first done"
    deaths = launcher._owned._deaths
    deaths.pause = lambda: 0.0 if launcher.is_alive() else 12.0
    begin = time.monotonic()
    with call_options(retry=True):
        (call,) = made_unnoticed(tally)
    assert call.result(40).content == "0 done"
    assert time.monotonic() - begin > 12


@pytest.mark.long
def test_a_call_of_a_server_that_is_not_started_again_says_so(launcher, tmp_path: Path, wait_for):
    tally = Tally("t", str(tmp_path), 0.3).to_dist(host="localhost", port=launcher.port)
    for _ in range(5):
        with call_options(timeout=60):
            tally(Msg("user", "x")).result()
        kill()
    failed: Callable[[], bool] = lambda: launcher._owned.status().state == "failed"  # noqa: E731
    wait_for(failed, 20)
    begin = time.monotonic()
    with pytest.raises(ServerFailedError, match="died 5 times"):
        tally(Msg("user", "x")).result(40)
    assert time.monotonic() - begin < 5
    launcher.shutdown()
    with pytest.raises(AgentServerNotAliveError):
        tally(Msg("user", "x")).result(5)


OWNER = """
import sys
from nbagents.rpc import RpcAgentServerLauncher
from mortal_agents import Tally

with RpcAgentServerLauncher(port=0, custom_agent_classes=[Tally]) as launcher:
    print(launcher.port, flush=True)
    sys.stdin.read()
"""


def test_a_server_of_another_process_is_waited_for_too(tmp_path: Path):
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent,
    )
    try:
        port = int(owner.stdout.readline())
        tally = Tally("t", str(tmp_path), 0.3).to_dist(host="localhost", port=port)
        assert tally(Msg("user", "first")).result(20).content == "first done"
        assert made_unnoticed(tally)[0].result(30).content == "0 done"
    finally:
        owner.stdin.close()
        owner.wait(20)
        owner.stdout.close()
    begin = time.monotonic()
    with pytest.raises(AgentServerNotAliveError):
        tally(Msg("user", "x")).result(20)
    assert time.monotonic() - begin < 5, "nobody will start it again"
