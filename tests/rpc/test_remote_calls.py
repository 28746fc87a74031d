"""Agents of a real server, called through their proxies."""

from __future__ import annotations

import asyncio
import contextvars
import json
import subprocess
import sys
import threading
import time

import grpc
import pytest
from remote_agents import (
    Blocking,
    Child,
    Counter,
    Echo,
    Gate,
    Mirror,
    Opener,
    Parent,
    Probe,
    Ring,
    Slow,
    Talker,
)

from nbagents import context, events
from nbagents.exceptions import (
    CallCancelledError,
    CallTimeoutError,
    DeadlockError,
)
from nbagents.hub import msghub
from nbagents.message import Msg, PlaceholderMessage
from nbagents.rpc._codec import encode_arguments
from nbagents.rpc._proto import agent_pb2 as pb

# ---------------------------------------------------------------------------- order and promises


def test_a_call_returns_at_once(remote):
    slow = remote(Slow)
    begin = time.monotonic()
    message = slow(0.3)
    assert time.monotonic() - begin < 0.2
    assert isinstance(message, PlaceholderMessage)
    assert repr(message) == "<waiting for slow>"
    assert message.content == "slow slept"


def test_calls_of_one_agent_run_in_order(remote):
    counter = remote(Counter)
    assert [message.content for message in [counter() for _ in range(50)]] == [str(n) for n in range(1, 51)]


def test_agents_work_at_the_same_time(remote):
    slow = [remote(Blocking if n % 2 else Slow, f"s{n}") for n in range(4)]
    begin = time.monotonic()
    for message in [agent(0.2) for agent in slow]:
        assert message.content
    assert time.monotonic() - begin < 0.7  # one after the other: 0.8


def test_messages_can_be_awaited(remote):
    echo = remote(Echo)

    async def talk() -> list[str]:
        return [(await message).content for message in [echo("a"), echo("b")]]

    assert asyncio.run(talk()) == ["echo heard a", "echo heard b"]


def test_a_message_keeps_what_it_is(remote):
    given = Msg(
        "user",
        [{"type": "text", "text": "grüß – 你好"}],
        url="https://example.org",
        metadata={"k": [1.5, None]},
    )
    heard = remote(Mirror)(given, b"\x00\xff", key=(1, {"nested": given})).content
    (args, kwargs) = heard
    assert args[0].to_dict() == given.to_dict()
    assert args[1] == b"\x00\xff"
    assert kwargs["key"][0] == 1
    assert kwargs["key"][1]["nested"].id == given.id


def test_containers_of_placeholders_arrive_as_messages(remote):
    echo, slow, mirror = remote(Echo), remote(Slow), remote(Mirror)
    first, second = echo("a"), slow(0.1)
    args, kwargs = mirror([first, {"k": (second, "plain")}], key=[first]).content
    assert args[0][0].content == "echo heard a"
    assert args[0][1]["k"][0].content == "slow slept"
    assert kwargs["key"][0].id == first.id


CLIENT = """
import json, sys
from nbagents.message import Msg
from nbagents.rpc import RpcAgent, RpcAgentClient

address, token, gate, echo = json.loads(sys.stdin.readline())
client = RpcAgentClient(address, token=token)
agents = [RpcAgent("x", agent_id, connect=lambda: client.attachment) for agent_id in (gate, echo)]
message = agents[1](agents[0]())
client.get_server_info()  # behind the calls, on the same stream
print("sent", flush=True)
sys.stdin.read()
"""


def test_a_placeholder_passed_on_never_comes_back_first(remote, server, wait_for):
    """The client that made the two calls is killed before the first has ended: the server finishes both."""
    gate, echo, opener, probe = remote(Gate, "g1"), remote(Echo), remote(Opener), remote(Probe)
    with subprocess.Popen(
        [sys.executable, "-c", CLIENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        child.stdin.write(
            json.dumps([server.address, server.token, gate.agent_id, echo.agent_id]).encode() + b"\n"
        )
        child.stdin.flush()
        assert child.stdout.readline() == b"sent\n"
        child.kill()
    assert probe("g1").content == "waits"
    opener("g1").result(10)
    wait_for(lambda: len(echo.memory.get_memory()) == 2)
    assert echo.memory.get_memory()[0].content == "g1 is open"


def test_a_promise_of_this_process_can_be_passed_to_a_server(remote):
    local, mirror = Slow("local"), remote(Mirror)
    begin = time.monotonic()
    message = mirror([local(0.2)])
    assert time.monotonic() - begin < 0.15
    assert message.content[0][0][0].content == "local slept"


def test_a_reply_of_a_server_can_be_passed_to_an_agent_of_this_process(remote):
    local = Echo("local")
    assert local(remote(Slow)(0.1)).content == "local heard slow slept"


def test_observing_takes_its_place_in_the_order(remote):
    echo, slow = remote(Echo), remote(Slow)
    echo.observe(slow(0.2))
    echo("now")
    assert [m.content for m in echo.memory.get_memory()] == ["slow slept", "now", "echo heard now"]


def test_a_message_is_observed_as_it_was_then(remote):
    first, second, message = remote(Echo, "a"), remote(Echo, "b"), Msg("user", "one")
    first.observe(message)
    assert first.memory.get_memory()[0].content == "one"
    message.content = "two"
    second.observe(message)
    assert second.memory.get_memory()[0].content == "two"


def test_a_hub_of_local_and_remote_agents(remote):
    here, there = Echo("here"), remote(Echo, "there")
    with msghub([here, there], announcement=Msg("host", "welcome")):
        here("a")
        there("b")
    expected = ["welcome", "here heard a", "b", "there heard b"]
    assert [m.content for m in there.memory.get_memory()] == expected
    assert [m.content for m in here.memory.get_memory()] == ["welcome", "a", "here heard a", "there heard b"]


def test_the_same_message_has_the_same_identity_everywhere(remote):
    echo, other = remote(Echo), Echo("other")
    with msghub([echo, other]):
        said = echo("x")
    assert said.id in [m.id for m in other.memory.get_memory()]
    assert said.id in [m.id for m in echo.memory.get_memory()]


def test_reading_the_memory_waits_for_the_calls_made_before(remote):
    echo, slow = remote(Echo), remote(Slow)
    echo(slow(0.2))
    assert [m.content for m in echo.memory.get_memory()] == ["slow slept", "echo heard slow slept"]


# ---------------------------------------------------------------------------- agents inside agents


def test_agents_of_an_agent_run_in_its_server_and_may_ask_it_back(remote):
    assert remote(Parent, "p", 3)("go").content == [f"p.{n} of p" for n in range(3)]


def test_calls_that_wait_for_each_other_end(remote):
    with pytest.raises(DeadlockError, match=r"wait for each other"):
        remote(Ring)().result(10)


def test_an_agent_may_be_called_by_a_local_one_that_it_does_not_know(remote):
    child = Child("local", parent=remote(Parent, "far", 0))
    assert child("x").content == "local of far"


# ---------------------------------------------------------------------------- ends


def test_a_cancelled_call_ends_over_there_too(remote, wait_for):
    slow, probe = remote(Slow, "victim"), remote(Probe)
    message = slow(60)
    wait_for(lambda: probe("victim").content == "began")
    begin = time.monotonic()
    message.cancel()
    with pytest.raises(CallCancelledError):
        message.result(5)
    wait_for(lambda: probe("victim").content == "cancelled")
    assert time.monotonic() - begin < 2
    assert slow(0.01).content == "victim slept", "the agent is free again"


def test_a_deadline_ends_the_call_on_both_sides(remote, wait_for, client, monkeypatch):
    slow, probe = remote(Slow, "late"), remote(Probe)
    sent, stream = [], client.attachment._stream
    put = stream.put
    monkeypatch.setattr(stream, "put", lambda frame: (sent.append(frame), put(frame)))

    def call() -> PlaceholderMessage:
        context.deadline.set(time.monotonic() + 0.3)
        return slow(60)

    begin = time.monotonic()
    message = contextvars.copy_context().run(call)
    with pytest.raises(CallTimeoutError):
        message.result(10)
    assert 0.25 < time.monotonic() - begin < 3
    wait_for(lambda: probe("late").content == "cancelled")
    assert 0 < sent[0].call.timeout_ms <= 300


def test_a_server_keeps_the_deadline_by_itself(remote, server):
    """A client that only talks: it sends a call with a deadline, and no word after it."""
    slow = remote(Slow)
    call = pb.Call(call="bare-1", method="_reply", agent=pb.Agent(key=slow.agent_id), timeout_ms=200)
    call.arguments.CopyFrom(encode_arguments((60,), {}, None))
    frames = [pb.Frame(hello=pb.Hello(protocol=1, session="bare")), pb.Frame(call=call)]
    over = threading.Event()

    def talk():
        yield pb.Batch(frames=frames).SerializeToString()
        over.wait(20)

    with grpc.insecure_channel(server.address) as channel:
        metadata = [("authorization", f"Bearer {server.token}")]
        stream = channel.stream_stream("/nbagents.v1.AgentServer/Attach")(talk(), metadata=metadata)
        told = (frame for data in stream for frame in pb.Batch.FromString(data).frames)
        update = next(frame.update for frame in told if frame.HasField("update"))
        over.set()
    assert (update.call, update.error.type) == ("bare-1", "CallTimeoutError")


def test_a_wait_that_times_out_leaves_the_call_running(remote):
    message = remote(Slow)(0.4)
    with pytest.raises(TimeoutError):
        message.result(0.05)
    assert message.content == "slow slept"


# ---------------------------------------------------------------------------- what happens on the way


def test_prints_and_deltas_arrive_with_their_run(remote, capsys):
    talker, heard = remote(Talker), []
    unsubscribe = events.subscribe(heard.append)

    def call() -> PlaceholderMessage:
        context.run.set("run-7")
        return talker()

    try:
        message = contextvars.copy_context().run(call)
        assert message.content == "done"
    finally:
        unsubscribe()
    mine = [event for event in heard if event.run == "run-7" and event.agent == "talker"]
    kinds = [e.kind for e in mine if e.kind != "printed"]
    assert list(dict.fromkeys(kinds)) == ["queued", "started", "delta", "spoke", "done"]
    pieces = [e.data["text"] for e in mine if e.kind == "delta"]
    assert "".join(pieces) == "one two three"
    assert pieces[0] == "one ", "the first one waits for nobody"
    assert "".join(e.data["text"] for e in mine if e.kind == "printed") == "talker thinks\n"
    assert {e.call for e in mine} == {message._promise.id}
    assert capsys.readouterr().out == "talker thinks\ntalker: one two three\n"


def test_what_agents_inside_do_is_told_with_their_parent(remote):
    parent, heard = remote(Parent, "boss", 1), []
    unsubscribe = events.subscribe(heard.append)
    try:
        message = parent("go")
        assert message.content
    finally:
        unsubscribe()
    inner = [event for event in heard if event.agent == "boss.0"]
    assert [event.kind for event in inner] == ["queued", "started", "done"]
    assert {event.parent for event in inner} == {message._promise.id}
