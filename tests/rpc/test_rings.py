"""Agents of several servers that wait for each other are untied, or told; nothing hangs."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import time

import pytest
from chain_agents import BlockingConsultant, Consultant
from remote_agents import Echo

from nbagents.agents import AgentBase, scheduler
from nbagents.exceptions import DeadlockError, ProtocolError
from nbagents.rpc import RpcAgentClient, RpcAgentServerLauncher

LONG_BOUND = 20


@pytest.fixture(scope="module")
def third():
    with RpcAgentServerLauncher() as launcher:
        yield launcher


def consulting(places, kinds, make_in) -> list:
    """Make an agent in each place, of which each consults the next one, the last the first."""
    agents = [
        make_in(place, kind, f"c{n}") for n, (place, kind) in enumerate(zip(places, kinds, strict=True))
    ]
    for n, agent in enumerate(agents):
        after = (n + 1) % len(agents)
        assert agent("meet", whom=[places[after].address, agents[after].agent_id]).content == f"c{n}"
    return agents


@pytest.mark.parametrize("kinds", [(Consultant,) * 2, (BlockingConsultant,) * 2])
def test_two_servers_whose_agents_consult_each_other_go_on(server, other, make_in, kinds):
    agents = consulting([server, other], kinds, make_in)
    begin = time.monotonic()
    messages = [agent("go") for agent in agents]
    assert [m.result(timeout=LONG_BOUND).content for m in messages] == ["c0 asked c1", "c1 asked c0"]
    assert 1 < time.monotonic() - begin < 15  # only after a second does anybody ask
    assert [agent("heard").content for agent in agents] == [["meet", "go", "?"]] * 2
    # and again, now that they know each other
    messages = [agent("go") for agent in agents]
    assert all(m.result(timeout=LONG_BOUND).content for m in messages)


def test_a_ring_of_three_servers_is_untied(server, other, third, make_in):
    agents = consulting([server, other, third], [Consultant, BlockingConsultant, Consultant], make_in)
    messages = [agent("go") for agent in agents]
    said = [m.result(timeout=LONG_BOUND).content for m in messages]
    assert said == ["c0 asked c1", "c1 asked c2", "c2 asked c0"]


def test_a_ring_through_one_server_twice_is_untied(server, other, make_in):
    agents = consulting([server, server, other, server], [Consultant] * 4, make_in)
    messages = [agent("go") for agent in agents]
    assert all(m.result(timeout=LONG_BOUND).content for m in messages)


def test_what_waits_behind_a_ring_is_served(server, other, make_in):
    agents = consulting([server, other], [Consultant] * 2, make_in)
    messages = [agent("go") for agent in agents for _ in range(3)]
    messages += [agent("?") for agent in agents]
    assert all(m.result(timeout=LONG_BOUND).content for m in messages)


def test_calls_that_wait_for_nothing_but_time_are_left_alone(server, other, make_in):
    slow = make_in(other, Consultant, "slow")
    asker = make_in(server, Consultant, "asker")
    assert asker("meet", whom=[other.address, slow.agent_id]).content == "asker"
    assert slow("meet", whom=[other.address, make_in(other, Echo, "echo").agent_id]).content == "slow"
    busy = [slow("go") for _ in range(8)]  # 2.4 seconds
    assert asker("go").result(timeout=LONG_BOUND).content == "asker asked slow"
    assert all(m.content.startswith("slow asked") for m in busy)
    assert slow("heard").content == ["meet", *["go"] * 8, "?"]  # in its turn


class Knot(AgentBase):
    """Waits for a message that is made of its own reply."""

    def __init__(self, name):
        super().__init__(name)
        self._tail = concurrent.futures.Future()

    async def reply(self, x=None):
        return await (await asyncio.wrap_future(self._tail))


def test_messages_that_are_made_of_each_other_are_an_error_that_names_the_ring(server, make_in):
    knot, echo = Knot("knot"), make_in(server, Echo, "echo")
    message = knot()
    knot._tail.set_result(echo(message))
    with pytest.raises(
        DeadlockError, match=r"these calls wait for each other: .*knot.* -> .*echo|echo.*knot"
    ):
        message.result(timeout=LONG_BOUND)
    assert echo("x").content == "echo heard x"


@pytest.mark.parametrize(
    "question",
    [
        "",
        "[]",
        "{}",
        json.dumps({"call": "x", "round": "r", "trail": []}),
        json.dumps({"call": "x", "round": "r", "trail": [{"call": "y", "steps": [{"id": 3}]}]}),
        json.dumps({"call": "x" * 1000, "round": "r", "trail": [{"call": "y", "steps": []}]}),
        json.dumps({"call": "x", "round": "r", "trail": [{"call": "y", "steps": []}] * 65}),
        json.dumps(
            {
                "call": "x",
                "round": "r",
                "trail": [{"call": "y", "steps": [{"id": "", "label": "", "queued": True, "place": []}]}],
            }
        ),
    ],
)
def test_a_malformed_question_is_refused(client: RpcAgentClient, question: str):
    with pytest.raises(ProtocolError, match="malformed"):
        client._ask("waits", value=question)
    assert client.is_alive()


def test_a_call_that_is_not_there_waits_for_nothing(client: RpcAgentClient):
    question = {"call": "nobody", "round": "r", "trail": [{"call": "y", "steps": []}]}
    assert json.loads(client._ask("waits", value=json.dumps(question)).message) is None


def test_nobody_is_asked_where_nobody_waits():
    rings = scheduler().rings
    assert not rings._waiting
    assert not rings._tasks
