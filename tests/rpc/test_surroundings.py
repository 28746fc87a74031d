"""Clients and servers in surroundings that are not theirs: forks, debug mode, nested loops, odd clocks."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from chain_agents import ClockBreaker
from remote_agents import Echo, Slow

from nbagents import context
from nbagents.exceptions import CallTimeoutError

SETUP = """
import asyncio, multiprocessing, sys, uuid
from nbagents.agents import AgentBase
from nbagents.rpc import RpcAgent, RpcAgentClient, RpcAgentServerLauncher

def make(client, name, *args):
    agent_id = uuid.uuid4().hex
    module, _, cls = name.partition(":")
    made = {"class_name": name, "args": [cls.lower(), *args], "import_path": sys.path}
    client.create_agent(made, agent_id)
    return RpcAgent(cls.lower(), agent_id, connect=lambda: client.attachment)
"""


def run(source: str, **env: str) -> tuple[str, str]:
    """Run a program; return what it said on both outputs."""
    paths = os.pathsep.join([*sys.path, str(Path(__file__).parent)])
    done = subprocess.run(
        [sys.executable, "-c", SETUP + textwrap.dedent(source)],
        capture_output=True,
        text=True,
        timeout=50,
        env={**os.environ, "PYTHONPATH": paths} | env,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


FORKS = """
class Local(AgentBase):
    async def reply(self, x=None):
        return "local"

def child(box, what):
    try:
        if what == "local":
            box.put(Local("l")().result(timeout=5).content)
        elif what == "client":
            box.put(RpcAgentClient(server.address, token=server.token).get_server_info())
        else:
            box.put(echo("child").result(timeout=5).content)
    except BaseException as error:
        box.put(f"{type(error).__name__}: {error}")

with RpcAgentServerLauncher() as server:
    client = RpcAgentClient(server.address, token=server.token)
    echo = make(client, "remote_agents:Echo")
    assert echo("before").content
    forks = multiprocessing.get_context("fork")
    for what in ("local", "client", "proxy"):
        flying = [echo(f"{n}") for n in range(50)]
        box = forks.SimpleQueue()
        process = forks.Process(target=child, args=(box, what))
        process.start()
        process.join(20)
        print(what, process.exitcode, box.get() if not box.empty() else None)
        assert all(message.content for message in flying)
    print(echo("after").content)
"""


@pytest.mark.posix
def test_a_fork_is_told_that_it_cannot_talk_to_servers_and_its_parent_goes_on():
    said, _ = run(FORKS)
    lines = said.splitlines()
    assert lines[0] == "local 0 local"
    for what, line in zip(("client", "proxy"), lines[1:3], strict=True):
        assert line.startswith(
            f"{what} 0 UsageError: this process is a fork of one that talked to agent servers"
        )
    assert lines[3] == "echo heard after"


DEBUG = """
server = RpcAgentServerLauncher()
server.launch(in_subprocess=False)
client = RpcAgentClient(server.address, token=server.token)
echo, counter = make(client, "remote_agents:Echo"), make(client, "remote_agents:Counter")
slow = make(client, "remote_agents:Slow")
assert all(message.content for message in [agent("x") for _ in range(200) for agent in (echo, counter)])
for _ in range(20):
    slow(5).cancel()
async def talk():
    return [(await message).content for message in [echo("a"), counter()]]
print(asyncio.run(talk()))
print(client.get_server_info()["pending"] >= 0)
server.shutdown()
print("over")
"""


def test_asyncios_debug_mode_has_nothing_to_say():
    said, errors = run(DEBUG, PYTHONASYNCIODEBUG="1", PYTHONWARNINGS="default")
    assert said.endswith("over\n")
    slow = [float(seconds) for seconds in re.findall(r"took (\d+\.\d+) seconds", errors)]
    assert max(slow, default=0) < 0.5, errors  # 0.1 on a machine that does nothing else
    for word in ("loop is closed", "never awaited", "never retrieved", "Task was destroyed"):
        assert word not in errors, errors


NESTED = """
import nbagents

async def cell():
    nbagents.allow_nested()
    async def inner():
        return (await echo("nested")).content
    print(asyncio.run(inner()), echo("blocking").content, (await echo("awaited")).content)

with RpcAgentServerLauncher() as server:
    echo = make(RpcAgentClient(server.address, token=server.token), "remote_agents:Echo")
    for _ in range(3):
        asyncio.run(cell())
print("over")
"""


def test_a_patched_loop_calls_agents_too():
    said, errors = run(NESTED)
    assert said == "echo heard nested echo heard blocking echo heard awaited\n" * 3 + "over\n"
    assert "loop is closed" not in errors


@pytest.mark.parametrize("days", [-1, 1])
def test_a_clock_that_jumps_ends_nothing_early_or_late(remote, days: int, monkeypatch: pytest.MonkeyPatch):
    breaker, slow, echo = remote(ClockBreaker), remote(Slow), remote(Echo)
    real = time.time
    assert slow(0).content
    running = slow(0.6)
    token = context.deadline.set(time.monotonic() + 0.5)
    try:
        late = slow(5)  # waits for the first one
    finally:
        context.deadline.reset(token)
    begin = time.monotonic()
    assert breaker(days).content == days  # in the server
    monkeypatch.setattr(time, "time", lambda: real() + days * 86_400)  # and here
    try:
        with pytest.raises(CallTimeoutError):
            late.result(timeout=10)
        assert 0.3 < time.monotonic() - begin < 1.5
        assert running.content == "slow slept"
        assert echo("x").content == "echo heard x"
        with pytest.raises(TimeoutError):
            slow(3).result(timeout=0.2)
    finally:
        assert breaker(0).content == 0
