"""Agents of servers that ask other agents: long chains, calls back, and what is seen of all of it."""

from __future__ import annotations

import threading

import pytest
from chain_agents import Asker, BlockingAsker, Chatty, Hop, Line, Narrow, Noted

from nbagents import events
from nbagents.exceptions import CallCancelledError
from nbagents.message import Msg


@pytest.mark.parametrize(("length", "blocking"), [(1000, False), (200, True)], ids=["async", "blocking"])
def test_a_long_chain_of_agents_finishes(remote, length: int, blocking: bool):
    line = remote(Line, "line", length, blocking)
    assert line().result(timeout=30).content == length


@pytest.mark.parametrize("blocking", [False, True])
def test_a_long_chain_can_be_cancelled(remote, client, wait_for, blocking: bool):
    length = 200 if blocking else 1000
    line, noted = remote(Line, f"long{length}", length, blocking), remote(Noted)
    message = line(1 if blocking else 30)
    wait_for(lambda: f"long{length}.0" in noted().content)  # the last one has been reached
    message.cancel()
    with pytest.raises(CallCancelledError):
        message.result(timeout=10)
    wait_for(lambda: client.get_server_info()["pending"] == 0)
    assert line().result(timeout=30).content == length  # and goes on working


@pytest.mark.parametrize("blocking", [False, True])
def test_forty_agents_that_wait_for_one_finish(remote, server, blocking: bool):
    target = remote(Asker, "target")
    kind = BlockingAsker if blocking else Asker
    askers = [remote(kind, f"asker{n}", server.address, target.agent_id) for n in range(40)]
    messages = [asker("ask") for asker in askers]
    assert [m.result(timeout=20).content for m in messages] == [f"asker{n} < target" for n in range(40)]


def test_forty_agents_that_wait_for_each_other_in_a_row_finish(remote, server):
    agents = [remote(BlockingAsker, "last")]
    for n in range(40):
        agents.append(remote(BlockingAsker if n % 2 else Asker, f"a{n}", server.address, agents[-1].agent_id))
    messages = [agent("ask") for agent in agents[1:]]
    assert all(m.result(timeout=20).content for m in messages)


def test_a_reply_that_waits_takes_no_place_of_those_that_run(remote):
    narrow = remote(Narrow)
    before = narrow(2).content
    try:
        assert remote(Line, "thin", 30, True)().result(timeout=20).content == 30
    finally:
        narrow(before).result(timeout=10)


@pytest.mark.parametrize("kinds", [(Asker, Asker), (BlockingAsker, Asker), (BlockingAsker, BlockingAsker)])
def test_servers_may_call_each_other_back(server, other, make_in, kinds):
    first = make_in(server, kinds[0], "first")
    second = make_in(other, kinds[1], "second", server.address, first.agent_id)
    assert first([other.address, second.agent_id]).content == "ready"
    # first asks second, which asks first, which is busy with just that
    assert first(Msg("user", "twice")).content == "first < second < first"


def test_a_chain_through_two_servers_goes_back_and_forth(server, other, make_in):
    last = make_in(server, Hop, "last")
    agent = last
    for n in range(12):
        here = server if n % 2 else other
        before = server if n % 2 == 0 else other
        agent = make_in(here, BlockingAsker if n % 3 else Asker, f"h{n}", before.address, agent.agent_id)
    assert agent(Msg("user", "down")).result(timeout=20).content.startswith("h11 < h10 < ")


@pytest.fixture
def heard():
    seen: list[events.Event] = []
    lock = threading.Lock()

    def hear(event: events.Event) -> None:
        with lock:
            seen.append(event)

    unsubscribe = events.subscribe(hear)
    yield seen
    unsubscribe()


def test_what_agents_say_streams_from_any_depth(server, other, make_in, heard, capsys, wait_for):
    deep = make_in(other, Chatty, "deep", inside=True)  # an agent inside an agent of another server
    top = make_in(server, Chatty, "top", True, other.address, deep.agent_id)
    message = top()
    assert message.result(timeout=10).content == "deep"
    names = ["top", "top.inner", "deep", "deep.inner"]
    for name in names:
        wait_for(lambda name=name: _said(heard, name, "delta") == "one two")
        assert _said(heard, name, "printed") == f"{name} prints\n"
        assert [e.data["message"].content for e in heard if e.agent == name and e.kind == "spoke"] == [
            "one two"
        ]
    out = capsys.readouterr().out
    assert [out.count(f"{name} prints") for name in names] == [1, 1, 1, 1]
    assert [out.count(f"{name}: one two") for name in names] == [1, 1, 1, 1]


def test_the_calls_below_a_call_are_told_with_their_place_and_end(server, other, make_in, heard, wait_for):
    deep = make_in(other, Chatty, "leaf")
    top = make_in(server, Chatty, "root", False, other.address, deep.agent_id)
    assert top().content == "deep"
    wait_for(lambda: [e for e in heard if e.kind == "delta" and e.agent == "leaf"])
    [root] = {e.call for e in heard if e.agent == "root"}
    below = [e for e in heard if e.parent == root]
    assert [e.kind for e in below if e.kind in ("queued", "started", "done")] == ["queued", "started", "done"]
    assert len({e.call for e in below}) == 1


def _said(heard: list[events.Event], agent: str, kind: str) -> str:
    return "".join(e.data["text"] for e in heard if e.kind == kind and e.agent == agent)
