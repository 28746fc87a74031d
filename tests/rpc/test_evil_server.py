"""A client whose server means harm: it is told at once, stays small, and its other servers hear nothing."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from evil_server import ANSWERS, GREETINGS, HARMS, PLACE
from remote_agents import Echo

from nbagents import _loop, events
from nbagents.exceptions import (
    AgentServerError,
    AgentServerNotAliveError,
    MessageTooLargeError,
    NbAgentsError,
    ProtocolError,
    RemoteAgentError,
    VersionMismatchError,
)
from nbagents.rpc import Connection, RpcAgent, RpcAgentClient, _directory, _frames, _stream

TYPES: dict[str, type[NbAgentsError]] = {
    "never_greets": AgentServerNotAliveError,
    "hangs_up_instead_of_greeting": AgentServerNotAliveError,
    "breaks_instead_of_greeting": AgentServerNotAliveError,
    "is_of_another_version": VersionMismatchError,
    "answers_with_an_odd_error": RemoteAgentError,
    "sends_more_than_the_limit": MessageTooLargeError,
    "hangs_up": AgentServerNotAliveError,
}
"""What a victim is told, where that is not a ProtocolError."""
REQUESTS: dict[str, Callable[[RpcAgentClient], object]] = {
    "get_agent_list": RpcAgentClient.get_agent_list,
    "get_server_info": RpcAgentClient.get_server_info,
    "get_agent_memory": lambda client: client.get_agent_memory("x"),
    "call_agent_func": lambda client: client.call_agent_func("_reply", None, "x"),
    "update_placeholder": lambda client: client.update_placeholder(1, timeout=10),
    "create_agent": lambda client: client.create_agent({"class_name": "AgentBase"}, "x"),
}
DATA = {
    ("call_agent_func", "responds_with_a_number"),
    ("update_placeholder", "responds_with_a_number"),
    ("update_placeholder", "responds_with_a_list_of_numbers"),
    ("get_agent_list", "responds_with_a_gadget"),
}
"""Answers that are as good as any: a number is a task and a value, and a gadget is a dictionary."""
MOST_SECONDS = 10.0  # generous: a second is what it takes at most where the machine does nothing else
MOST_BYTES = 64 * 2**20


@pytest.fixture(scope="module")
def evil(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = str(tmp_path_factory.mktemp("e") / "s")
    command = [sys.executable, str(Path(__file__).with_name("evil_server.py")), path]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **pipes) as process:
        assert process.stdout.readline() == b"ready\n"
        yield f"unix:{path}"
        process.stdin.close()
        process.wait(10)


@pytest.fixture
def victim(evil: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], RpcAgent]:
    """A proxy of an agent in the evil server, which does this harm."""
    monkeypatch.setattr(_stream, "CONNECT_SECONDS", 1.0)
    return lambda harm: RpcAgent(harm, "x", connect=lambda: RpcAgentClient(evil, token=harm).attachment)


def memory(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    raise AssertionError(name)


@pytest.fixture
def small() -> Iterator[None]:
    """The memory of this process does not grow by much, at no time of the test."""
    if sys.platform != "linux":
        yield
        return
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = memory("VmRSS")
    yield
    assert memory("VmHWM") - before < MOST_BYTES


@pytest.fixture
def other(remote) -> Iterator[RpcAgent]:
    """An agent in an honest server, to which nothing happens."""
    echo = remote(Echo)
    waits = echo("before")
    yield echo
    assert waits.result(10).content == "echo heard before"
    assert echo("after").result(10).content == "echo heard after"


@pytest.mark.parametrize("harm", [*GREETINGS, *HARMS])
def test_whoever_is_harmed_is_told(victim, other, small, harm: str):
    begin = time.monotonic()
    message = victim(harm)("hello")
    assert other("meanwhile").result(MOST_SECONDS).content == "echo heard meanwhile"
    with pytest.raises(NbAgentsError) as caught:
        message.result(MOST_SECONDS)
    assert time.monotonic() - begin < MOST_SECONDS
    assert type(caught.value) is TYPES.get(harm, ProtocolError)
    assert len(str(caught.value)) < 2000
    assert not re.search(r"[\x00-\x09\x0b-\x1f]|\ngroup", str(caught.value)), str(caught.value)


@pytest.mark.parametrize("harm", ["crashes", "breaks_again_and_again"])
def test_a_server_that_breaks_again_and_again_is_given_up(victim, other, monkeypatch, harm: str):
    monkeypatch.setattr(_stream, "GRACE_SECONDS", 0.5)
    message = victim(harm)("hello")
    with pytest.raises(AgentServerNotAliveError, match="evil is gone: its connections kept breaking"):
        message.result(MOST_SECONDS)


@pytest.mark.parametrize("harm", ["tells_of_others_without_end", "acknowledges_without_end", "says_nothing"])
def test_whoever_is_kept_waiting_can_go(victim, other, small, harm: str):
    heard: list[events.Event] = []
    unsubscribe = events.subscribe(heard.append)
    agent = victim(harm)
    message = agent("hello")
    for _ in range(5):
        assert other("meanwhile").result(MOST_SECONDS).content == "echo heard meanwhile"
    with pytest.raises(TimeoutError):
        message.result(0.3)
    message.cancel()
    with pytest.raises(NbAgentsError):
        message.result(MOST_SECONDS)
    unsubscribe()
    assert [event for event in heard if event.agent == "poet"] == []
    leave(agent)


def test_the_first_answer_stands(victim, other):
    agent = victim("answers_twice")
    message = agent("hello")
    assert message.result(MOST_SECONDS).content == "first"
    assert other("meanwhile").result(MOST_SECONDS).content == "echo heard meanwhile"
    assert message.result(0).content == "first"
    leave(agent)


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("method", REQUESTS)
def test_answers_to_requests_are_typed(evil: str, method: str, answer: str):
    client = RpcAgentClient(evil, token=answer)
    if (method, answer) in DATA:
        REQUESTS[method](client)
        return
    with pytest.raises(AgentServerError) as caught:
        REQUESTS[method](client)
    assert len(str(caught.value)) < 500


def leave(agent: RpcAgent) -> None:
    _loop.background().run(agent._client().attachment.close())


# ---------------------------------------------------------------------------- in the place of another


def test_a_server_that_is_not_the_one_of_the_connection_file_is_left(evil: str, runtime: Path):
    """Whoever sits on the socket of a server whose file is still there is found out."""
    Connection.of_this_process("gone", evil, PLACE, "process").write()
    with pytest.raises(ProtocolError, match="is not the agent server gone that should be there"):
        RpcAgentClient(evil).get_agent_list()
    with pytest.raises(ProtocolError, match="is not the agent server gone that should be there"):
        _loop.background().run(_directory.peer("gone").open())


def test_a_server_that_never_acknowledges_ends_the_session(
    victim: Callable[[str], RpcAgent], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(_frames, "MAX_UNACKNOWLEDGED", 256 * 1024)
    monkeypatch.setattr(_frames, "STALL_SECONDS", 1.0)
    proxy, begun = victim("never_acknowledges"), time.monotonic()
    waiting = [proxy("x" * 40_000) for _ in range(50)]
    for one in waiting:
        with pytest.raises(ProtocolError, match="not acknowledged within"):
            one.result(20)
    assert time.monotonic() - begun < MOST_SECONDS
