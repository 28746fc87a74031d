"""Many agents made alike: created in batches, asked at once, each known by its number."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest
from remote_agents import Counter, Echo, Odd, Slow

from nbagents import AgentGroup, Msg, call_options
from nbagents._process import is_stopped
from nbagents.exceptions import (
    AgentCreationError,
    AgentServerNotAliveError,
    CallCancelledError,
    CallTimeoutError,
    RemoteAgentError,
    UsageError,
)


@pytest.fixture(scope="module")
def group():
    with AgentGroup(Counter, 2500, ["counter"], servers=2) as made:
        yield made


def test_every_agent_of_every_server_answers_in_order(group):
    replies = group.ask()
    assert len(replies) == len(group) == 2500
    assert len({reply.id for reply in replies.result(30)}) == 2500
    assert replies.done()
    assert not replies.failures()


def test_two_questions_reach_each_agent_in_their_order(group):
    first, second = group.ask(), group.ask()
    before = [int(reply.content) for reply in first]
    assert [int(reply.content) for reply in second] == [n + 1 for n in before]


def test_a_member_is_a_proxy_like_any_other(group):
    told = int(group[17]().content)
    assert int(group[17]().content) == told + 1
    assert group[-1].agent_id == group[2499].agent_id
    with pytest.raises(IndexError, match="2500"):
        group[2500]


def test_replies_can_be_awaited_from_another_loop(group):
    async def all_of_them():
        return await group.ask()

    assert len(asyncio.run(all_of_them())) == 2500


def test_a_message_is_in_every_memory_when_observe_returns(group):
    group.observe(Msg("host", "hear this"))
    for number in (0, 1249, 1250, 2499):
        assert group[number].memory.get_memory()[-1].content == "hear this"


def test_failures_are_told_by_number_and_raised_where_they_are_read():
    with AgentGroup(Odd, 3, ["odd"]) as odd:
        replies = odd.ask("surrogate")
        with pytest.raises(RemoteAgentError, match=r"Odd-1.*half"):
            replies[1]
        with pytest.raises(RemoteAgentError):
            replies.result(10)
        assert sorted(replies.failures()) == [0, 1, 2]


def test_a_server_that_dies_ends_its_replies_and_no_others(wait_for):
    with AgentGroup(Echo, 4, ["echo"], servers=2) as echoes:
        pids = [client.get_server_info()["pid"] for client in echoes._clients]
        os.kill(pids[1], signal.SIGSTOP)
        wait_for(lambda: is_stopped(pids[1]))  # or it might answer yet
        replies = echoes.ask("x")
        assert replies[0].content == replies[1].content == "echo heard x"
        os.kill(pids[1], signal.SIGKILL)
        with pytest.raises(AgentServerNotAliveError):
            replies[2]


def test_what_is_cancelled_is_not_waited_for(group):
    replies = group.ask()
    replies.cancel()
    with pytest.raises(CallCancelledError):
        replies.result(10)
    assert group[0]().content  # and the agents go on


def test_a_time_out_is_told_with_how_many_are_missing():
    with AgentGroup(Slow, 2, ["slow"]) as slow:
        assert [reply.content for reply in slow.ask(0.01).result(20)] == ["slow slept"] * 2
        late = slow.ask(30.0)
        with pytest.raises(TimeoutError, match=r"2 of 2 agents did not answer in 0\.1 s"):
            late.result(0.1)
        late.cancel()


def test_a_group_s_calls_have_the_deadline_of_their_options_and_are_not_repeated():
    with AgentGroup(Slow, 2, ["slow"]) as slow:
        with call_options(timeout=0.2):
            late = slow.ask(30.0)
        with pytest.raises(CallTimeoutError):
            late.result(20)
        with call_options(retry=True), pytest.raises(UsageError, match="not repeated"):
            slow.ask(0.0)


def test_an_agent_that_cannot_be_made_ends_the_group_s_servers():
    with pytest.raises(AgentCreationError, match="Echo could not be made"):
        AgentGroup(Echo, 5, ["echo"], {"no_such_option": 1})


@pytest.mark.parametrize(("count", "servers"), [(0, 1), (1, 0), (-1, 1)])
def test_a_group_has_agents_and_servers(count, servers):
    with pytest.raises(UsageError, match="at least one agent"):
        AgentGroup(Echo, count, ["echo"], servers=servers)
