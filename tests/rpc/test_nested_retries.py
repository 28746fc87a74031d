"""A call that is made again does not do again what the agents it asked have done already."""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest
from nested_agents import Deaf, Ear, Fickle, Foreman, Worker

from nbagents import call_options, msghub
from nbagents.exceptions import ServerLostError
from nbagents.message import Msg
from nbagents.rpc import RpcAgent, RpcAgentClient, RpcAgentServerLauncher, connections

pytestmark = [pytest.mark.posix, pytest.mark.usefixtures("runtime")]


def kill(*agents: RpcAgent) -> None:
    """Kill the servers of these agents."""
    servers = {agent._link.here().server_id for agent in agents}
    for connection in connections():
        if connection.server_id in servers:
            os.kill(connection.pid, signal.SIGKILL)


def runs(folder: Path) -> list[str]:
    return (folder / "runs").read_text().splitlines() if (folder / "runs").exists() else []


def goes_on(folder: Path) -> None:
    (folder / "go on").touch()


@pytest.mark.parametrize("dies", ["the caller's", "both servers"])
def test_what_was_asked_of_others_is_not_asked_again(tmp_path: Path, wait_for, dies: str):
    workers = [Worker(name, str(tmp_path)).to_dist() for name in ("one", "two")]
    foreman = Foreman("foreman", str(tmp_path), workers).to_dist()
    with call_options(retry=True):
        call = foreman(Msg("user", "x"))
    wait_for(lambda: "foreman has all" in runs(tmp_path))
    kill(foreman, *(workers if dies == "both servers" else ()))
    wait_for(lambda: runs(tmp_path).count("foreman begins") == 2, 20)
    goes_on(tmp_path)
    first = "one did x first as number 1"
    both = ["one did both as number 2", f"two did {first} as number 1"]
    assert call.result(30).content == [
        first,
        *both,
        "two did it as number 2",
        "two did it as number 3",
    ]
    done = [line for line in runs(tmp_path) if not line.startswith("foreman")]
    assert len(done) == 5, done
    assert len({line.split()[-1] for line in done}) == 5, "each has a key of its own"
    assert len(workers[0].memory) == 2
    for agent in (foreman, *workers):
        agent.stop()


def test_nor_of_those_in_the_same_server(tmp_path: Path, wait_for):
    with RpcAgentServerLauncher() as launcher:
        client = RpcAgentClient(launcher.address, token=launcher.token)

        def make(cls: type, name: str, *args: object) -> RpcAgent:
            settings = {
                "class_name": f"{cls.__module__}:{cls.__name__}",
                "args": [name, str(tmp_path), *args],
                "kwargs": {},
                "import_path": sys.path,
            }
            client.create_agent(settings, name)
            return RpcAgent(name, name, kind=cls.__name__, connect=lambda: client.attachment)

        workers = [make(Worker, name) for name in ("one", "two")]
        foreman = make(Foreman, "foreman", workers)
        with call_options(retry=True):
            call = foreman(Msg("user", "x"))
        wait_for(lambda: "foreman has all" in runs(tmp_path))
        kill(foreman)
        wait_for(lambda: runs(tmp_path).count("foreman begins") == 2, 20)
        goes_on(tmp_path)
        assert call.result(30).content[-1] == "two did it as number 3"
        assert Counter(line.split()[0] for line in runs(tmp_path)) == {"foreman": 4, "one": 2, "two": 3}
        assert len(workers[0].memory) == 2


def test_another_question_gets_its_own_answer(tmp_path: Path, wait_for):
    worker = Worker("one", str(tmp_path)).to_dist()
    fickle = Fickle("fickle", str(tmp_path), worker).to_dist()
    with call_options(retry=True):
        call = fickle(Msg("user", "x"))
    wait_for(lambda: len(runs(tmp_path)) == 1)
    kill(fickle)
    wait_for(lambda: len(runs(tmp_path)) == 2, 20)
    goes_on(tmp_path)
    assert call.result(30).content == "one did question 2 as number 2"
    for agent in (fickle, worker):
        agent.stop()


# ---------------------------------------------------------------------------- what agents hear


@pytest.mark.parametrize("marked", [True, False])
def test_what_a_server_had_not_heard_yet_is_told_again(tmp_path: Path, wait_for, marked: bool):
    ear = Ear("ear", str(tmp_path), 0.2).to_dist()
    assert ear().result(20).content == []
    told = [Msg("user", f"line {number}") for number in range(6)]
    with call_options(retry=marked):
        heard = [ear.observe(message) for message in told]
    wait_for(lambda: len(runs(tmp_path)) == 2)
    kill(ear)
    if marked:
        for one in heard:
            one.result(30)
        assert ear().result(20).content == [message.content for message in told]
        assert len(runs(tmp_path)) in (6, 7), "what is kept is not heard twice"
    else:
        with pytest.raises(ServerLostError):
            heard[-1].result(30)
    ear.stop()


def test_a_hub_misses_no_message(tmp_path: Path, wait_for):
    with RpcAgentServerLauncher() as launcher:
        client = RpcAgentClient(launcher.address, token=launcher.token)

        def make(cls: type, name: str) -> RpcAgent:
            settings = {
                "class_name": f"{cls.__module__}:{cls.__name__}",
                "args": [name, str(tmp_path)],
                "kwargs": {},
                "import_path": sys.path,
            }
            client.create_agent(settings, name)
            return RpcAgent(name, name, kind=cls.__name__, connect=lambda: client.attachment)

        listeners = [make(Deaf, "deaf"), make(Ear, "ear"), make(Worker, "three"), make(Worker, "four")]
        speaker = Worker("speaker", str(tmp_path)).to_dist()
        assert speaker(Msg("user", "up?")).result(20)
        with call_options(retry=True):
            held = listeners[0]()  # it hears what is said when it has woken up
            with msghub([*listeners, speaker], announcement=Msg("host", "welcome")):
                said = speaker(Msg("user", "something"))
            said.result(20)
        wait_for(lambda: len(listeners[2].memory) == 2)
        kill(listeners[0])
        goes_on(tmp_path)
        assert held.result(30).content == "woke up"
        expected = ["welcome", said.content]
        for listener in (listeners[0], *listeners[2:]):
            assert [message.content for message in listener.memory] == expected, listener.name
        assert listeners[1]().result(20).content == expected
        assert [line for line in runs(tmp_path) if line.startswith("ear")] == [
            f"ear heard {text}" for text in expected
        ]
        speaker.stop()
