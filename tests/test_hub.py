"""`msghub`: who hears what."""

from __future__ import annotations

import asyncio
import threading

import pytest

from nbagents.agents import AgentBase
from nbagents.hub import msghub
from nbagents.message import Msg


class Speaker(AgentBase):
    """Says what it is given, or its name."""

    async def reply(self, x=None):
        await asyncio.sleep(0)
        self.memory.add(said := Msg(self.name, x if isinstance(x, str) else f"{self.name} speaks"))
        return said


class Gate(AgentBase):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._opened = threading.Event()

    def reply(self, x=None):
        assert self._opened.wait(20)
        self.memory.add(said := Msg(self.name, f"{self.name} at last"))
        return said


@pytest.fixture
def agents():
    return [Speaker(name) for name in "abc"]


def heard(agent) -> list[str]:
    return [message.content for message in agent.memory]


def test_everyone_hears_the_others_and_the_announcement(agents):
    a, b, c = agents
    with msghub(agents, announcement=Msg("host", "welcome")):
        a()
        b()
    a("outside")
    assert heard(a) == ["welcome", "a speaks", "b speaks", "outside"]
    assert heard(b) == heard(c) == ["welcome", "a speaks", "b speaks"]


def test_all_keep_the_same_message(agents):
    a, b, c = agents
    welcome = Msg("host", "welcome")
    with msghub(agents, announcement=welcome):
        reply = a()
    assert b.memory.get_memory() == [welcome, reply]
    assert [m.memory.get_memory()[1] for m in agents] == [reply.result()] * 3
    assert b.memory.get_memory()[1] is c.memory.get_memory()[1] is reply.result()
    assert type(b.memory.get_memory()[1]) is Msg


def test_an_announcement_may_be_several_messages_or_one_to_come(agents):
    gate = Gate("gate")
    with msghub(agents, announcement=[Msg("host", "one"), gate()]) as hub:
        hub.broadcast(gate())
        agents[0]()
    gate._opened.set()
    assert heard(agents[1]) == ["one", "gate at last", "gate at last", "a speaks"]


def test_a_broadcast_is_heard_by_all(agents):
    with msghub(agents) as hub:
        agents[0]()
        hub.broadcast(Msg("a", "to all, myself included"))
        hub.broadcast([Msg("host", "one"), Msg("host", "two")])
    for agent in agents:
        assert heard(agent) == ["a speaks", "to all, myself included", "one", "two"]


def test_who_joins_hears_from_then_on_and_who_leaves_no_longer(agents):
    a, b, c = agents
    members = [a, b]
    with msghub(members) as hub:
        a("1")
        hub.add(c)
        a("2")
        hub.delete([b])
        a("3")
        b("4")
        c("5")
    assert members == [a, c], "the caller's own list"
    assert heard(a) == ["1", "2", "3", "5"]
    assert heard(b) == ["1", "2", "4"]
    assert heard(c) == ["2", "3", "5"]


def test_a_tuple_of_participants_is_left_alone(agents):
    a, b, c = agents
    with msghub((a, b)) as hub:
        hub.add([c])
        assert hub.participants == [a, b, c]


def test_joining_twice_and_leaving_unasked_are_warned_about(agents):
    a, b, c = agents
    with msghub([a, b]) as hub:
        with pytest.warns(UserWarning, match="b is in the hub already") as caught:
            hub.add(b)
        assert caught[0].filename == __file__
        with pytest.warns(UserWarning, match="agent 'c' is not in this hub; participants are: a, b"):
            hub.delete(c)
        a()
    assert heard(b) == ["a speaks"]


def test_the_order_is_that_of_blocking_code(agents):
    gate, (a, b, c) = Gate("gate"), agents
    with msghub([gate, *agents], announcement=Msg("host", "welcome")):
        gate()
        a()  # it hears the gate first
        b("reply")
    c("outside")
    assert not gate._opened.is_set(), "nothing of this has waited"
    gate._opened.set()
    assert heard(c) == ["welcome", "gate at last", "a speaks", "reply", "outside"]
    assert heard(a) == ["welcome", "gate at last", "a speaks", "reply"]


def test_a_call_is_heard_by_those_who_listened_when_it_was_made(agents):
    """Also if it runs, and asks others, long after the hub."""
    gate, (a, b, c) = Gate("gate"), agents

    class Asks(AgentBase):
        async def reply(self, x=None):
            await gate()
            await a("nested")
            return "asked"

    asks = Asks("asks")
    with msghub([asks, a, b]):
        asks()
    with msghub([a, c]):
        a("later")
    gate._opened.set()
    assert heard(asks) == ["nested"]
    assert sorted(heard(b)) == ["asked", "nested"]
    assert heard(c) == ["later"]


def test_an_agent_of_the_hub_may_ask_another(agents):
    b, c = agents[1:]

    class Asks(AgentBase):
        def reply(self, x=None):
            _ = b("answer").content
            self.memory.add(said := Msg(self.name, "own"))
            return said

    asks = Asks("asks")
    with msghub([asks, b, c], announcement=Msg("host", "hi")):
        asks()
        c("end")
    assert heard(asks) == ["hi", "answer", "own", "end"]
    assert heard(b) == ["hi", "answer", "own", "end"]
    assert heard(c) == ["hi", "answer", "own", "end"]


def test_many_hubs_may_be_over_before_the_first_reply():
    """What listened then is known as long as a call may ask for it, and forgotten after."""
    gate, b, c = Gate("gate"), Speaker("b"), Speaker("c")

    class Asks(AgentBase):
        async def reply(self, x=None):
            await gate()
            await b(f"nested {x}")
            return f"asked {x}"

    asks = Asks("asks")
    for number in range(100):
        with msghub([asks, b, c]):
            asks(number)
    gate._opened.set()
    expected = [text for number in range(100) for text in (f"nested {number}", f"asked {number}")]
    assert sorted(heard(c)) == sorted(expected)
    assert [text for text in heard(c) if "asked" in text] == expected[1::2]
    for _ in range(100):
        with msghub([asks, b, c]):
            pass
    b("settled").result()
    assert len(b._hubs) < 150


def test_a_hub_is_left_when_its_body_fails(agents):
    a, b, _ = agents
    with pytest.raises(ZeroDivisionError), msghub(agents):
        1 / 0  # noqa: B018
    a()
    assert heard(b) == []


def test_leaving_the_inner_hub_ends_the_outer_one_for_its_members(agents):
    a, b, c = agents
    with msghub(agents):
        with msghub([a, b]):
            a("inner")
        a("after")
        c("outer")
    assert heard(b) == ["inner", "outer"]
    assert heard(c) == ["outer"]


def test_an_async_hub(agents):
    async def main():
        async with msghub(agents, announcement=Msg("host", "welcome")) as hub:
            await agents[0]()
            hub.broadcast(Msg("host", "bye"))

    asyncio.run(main())
    assert heard(agents[2]) == ["welcome", "a speaks", "bye"]


def test_an_audience_can_be_set_by_hand(agents):
    a, b, c = agents
    a.reset_audience(agents)
    a("1")
    a.rm_audience(b)
    a("2")
    a.clear_audience()
    a("3")
    assert (heard(a), heard(b), heard(c)) == (["1", "2", "3"], ["1"], ["1", "2"])
