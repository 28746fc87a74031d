"""A question to a group is a call like any other: of its run, of its caller's chain, and sure to end."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest
from chain_agents import Chair
from remote_agents import Echo, Slow

from nbagents import AgentGroup, Msg, call_options, context, events
from nbagents.agents import AgentBase, scheduler
from nbagents.exceptions import CallCancelledError, RemoteAgentError, ServerLostError
from nbagents.rpc import _group, _group_reply


@pytest.fixture
def slow():
    with AgentGroup(Slow, 3, ["slow"]) as group:
        yield group


def pending(group: AgentGroup) -> int:
    return sum(client.get_server_info()["pending"] for client in group._clients)


@pytest.mark.parametrize("how", ["all at once", "one by one"])
def test_members_may_ask_the_one_who_asks_them(server, make_in, how):
    chair = make_in(server, Chair, "chair", server.address)
    assert chair(how).result(30).content == ["chair"] * 3


def test_a_question_ends_with_its_run(slow, wait_for):
    reset = context.run.set("run 1")
    try:
        replies = slow.ask(60.0)
    finally:
        context.run.reset(reset)
    wait_for(lambda: pending(slow) == 3)
    assert scheduler().stop_run("run 1") == 1
    with pytest.raises(CallCancelledError, match="3 agents was stopped"):
        replies[1]
    assert sorted(replies.failures()) == [0, 1, 2]
    wait_for(lambda: pending(slow) == 0)


class Poll(AgentBase):
    def __init__(self, name, group):
        super().__init__(name)
        self.group = group

    async def reply(self, x=None):
        return len(await self.group.ask(x))


def test_a_question_ends_with_the_call_that_asked_it(slow, wait_for):
    poll = Poll("poll", slow)
    with call_options(retry=True):
        assert poll(0.01).content == 3
    asked = poll(60.0)
    wait_for(lambda: pending(slow) == 3)
    asked.cancel()
    wait_for(lambda: pending(slow) == 0)


def test_what_is_cancelled_ends_over_there(slow, wait_for):
    replies, others = slow.ask(60.0), slow.ask(0.0)
    wait_for(lambda: pending(slow) == 6)
    replies.cancel()
    assert [reply.content for reply in others.result(20)] == ["slow slept"] * 3


def test_who_answers_is_told_as_of_any_call(slow):
    heard: list[events.Event] = []
    reset, stop = context.run.set("run 2"), events.subscribe(heard.append)
    try:
        assert len(slow.ask(0.01).result(20)) == 3
    finally:
        stop()
        context.run.reset(reset)
    assert {event.run for event in heard} == {"run 2"}
    for kind in ("queued", "started", "done"):
        assert len({event.call for event in heard if event.kind == kind}) == 3, kind
    done = [event for event in heard if event.kind == "done"]
    assert {event.data["message"].content for event in done} == {"slow slept"}
    assert [event.agent for event in done if event.call == done[0].call] == ["Slow-0"]


def test_a_message_that_has_not_arrived_is_waited_for_over_there(server, make_in):
    with AgentGroup(Echo, 3, ["echo"], servers=2) as echoes:
        late = make_in(server, Slow, "late")(0.3)
        replies = echoes.ask(late)
        assert not late.done(), "ask does not wait"
        assert [reply.content for reply in replies.result(20)] == ["echo heard late slept"] * 3
        failed = make_in(server, Echo, "failing")(Msg("user", "x"), "too", "many")
        with pytest.raises(RemoteAgentError):
            echoes.ask(failed).result(20)


def kill(group: AgentGroup, wait_for) -> None:
    """Kill the group's server; return when that has been noticed."""
    there = group._launchers[0].attach()
    os.kill(group._launchers[0].connection.pid, signal.SIGKILL)
    wait_for(lambda: not there.is_open())


@pytest.mark.posix
def test_the_rest_waits_for_the_server_that_is_started_again(monkeypatch, wait_for):
    monkeypatch.setattr(_group, "CHUNK", 2)
    monkeypatch.setattr(_group_reply, "WINDOW", 4)
    with AgentGroup(Slow, 10, ["slow"], servers=1, durable=True) as group:
        replies = group.ask(0.5)
        wait_for(lambda: pending(group) == 4)
        os.kill(group._launchers[0].connection.pid, signal.SIGKILL)
        assert replies[9].content == "slow slept"
        assert asyncio.run(outcome(replies)) is ServerLostError
        assert sorted(replies.failures()) == [0, 1, 2, 3]
        kill(group, wait_for)
        assert group[0](0.0).result(30).content == "slow slept", "so does a call of one"
        kill(group, wait_for)
        with call_options(retry=True):
            group.observe(Msg("host", "hear this"))
        assert group[9].memory.get_memory()[-1].content == "hear this"


async def outcome(replies):
    try:
        return await replies
    except ServerLostError as error:
        return type(error)


def test_a_failure_that_nobody_reads_is_reported_once(capfd, slow):
    replies = slow.ask("no number")
    asyncio.run(until_done(replies))
    del replies
    scheduler().report()
    assert capfd.readouterr().err.count("3 agents was never read") == 1
    read = slow.ask("no number")
    with pytest.raises(RemoteAgentError):
        read.result(20)
    del read
    scheduler().report()
    assert "3 agents was never read" not in capfd.readouterr().err


async def until_done(replies) -> None:
    async with asyncio.timeout(20):
        while not replies.done():  # noqa: ASYNC110  # nothing is read
            await asyncio.sleep(0.01)
