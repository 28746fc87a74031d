"""Many agents made alike: created in batches, asked at once, each known by its number."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest
from remote_agents import Counter, Echo, Odd

from nbagents import AgentGroup, Msg
from nbagents.exceptions import (
    AgentCreationError,
    AgentServerNotAliveError,
    CallCancelledError,
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


def test_a_server_that_dies_ends_its_replies_and_no_others():
    with AgentGroup(Echo, 4, ["echo"], servers=2) as echoes:
        pids = [client.get_server_info()["pid"] for client in echoes._clients]
        os.kill(pids[1], signal.SIGSTOP)
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


def test_an_agent_that_cannot_be_made_ends_the_group_s_servers():
    with pytest.raises(AgentCreationError, match="Echo could not be made"):
        AgentGroup(Echo, 5, ["echo"], {"no_such_option": 1})


@pytest.mark.parametrize(("count", "servers"), [(0, 1), (1, 0), (-1, 1)])
def test_a_group_has_agents_and_servers(count, servers):
    with pytest.raises(UsageError, match="at least one agent"):
        AgentGroup(Echo, count, ["echo"], servers=servers)
