"""`msghub`: who hears what."""

from __future__ import annotations

import asyncio
import gc
import threading
import time

import pytest

from nbagents.agents import AgentBase
from nbagents.exceptions import UsageError
from nbagents.hub import MsgHub, msghub
from nbagents.message import Msg
from nbagents.pipelines import ForLoopPipeline


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
    assert len(b._audience) < 150


def test_a_hub_is_left_when_its_body_fails(agents):
    a, b, _ = agents
    with pytest.raises(ZeroDivisionError), msghub(agents):
        1 / 0  # noqa: B018
    a()
    assert heard(b) == []


def test_leaving_the_inner_hub_leaves_the_outer_one_open(agents):
    a, b, c = agents
    with msghub(agents, announcement=Msg("host", "to all")):
        with msghub([a, b], announcement=Msg("host", "to two")):
            a("inner")
        a("after")
        c("outer")
    a("over")
    assert heard(b) == ["to all", "to two", "inner", "after", "outer"]
    assert heard(c) == ["to all", "inner", "after", "outer"], "the outer hub listens all the time"


def test_hubs_may_overlap_and_end_in_any_order(agents):
    a, b, c = agents
    first, second = msghub([a, b], name="first"), msghub([a, c], name="second")
    with first:
        second.__enter__()
        a("both")
    a("second")
    second.__exit__(None, None, None)
    a("none")
    assert (heard(b), heard(c)) == (["both"], ["both", "second"])


def test_who_is_in_two_hubs_hears_each_message_once():
    class Counts(AgentBase):
        n = 0

        def observe(self, x):
            self.n += 1

    speaker, counts = Speaker("speaker"), Counts("counts")
    with msghub([speaker, counts]), msghub([counts, speaker]):
        speaker()
    assert counts.n == 1


def test_without_automatic_broadcast_only_what_is_broadcast_is_heard(agents):
    a, b, _ = agents
    with msghub(agents, announcement=Msg("host", "welcome"), enable_auto_broadcast=False) as hub:
        a("1")
        hub.broadcast(Msg("host", "news"))
        hub.set_auto_broadcast(True)
        a("2")
        hub.set_auto_broadcast(False)
        a("3")
    assert heard(b) == ["welcome", "news", "2"]


def test_an_inner_talk_is_private_while_the_outer_hub_is_silent(agents):
    a, b, c = agents
    with msghub(agents) as everyone:
        everyone.set_auto_broadcast(False)
        with msghub([a, b]):
            a("psst")
        everyone.set_auto_broadcast(True)
        a("aloud")
    assert (heard(b), heard(c)) == (["psst", "aloud"], ["aloud"])


def test_a_hub_that_is_over_connects_nobody(agents):
    a, b, c = agents
    with msghub([a, b]) as hub:
        pass
    hub.add(c)
    hub.set_auto_broadcast(True)
    a("alone")
    assert (heard(b), heard(c)) == ([], [])
    with hub:
        a("again")
    assert heard(c) == ["again"]


def test_an_audience_set_by_hand_takes_the_place_of_the_hubs(agents):
    a, b, c = agents
    with msghub(agents) as hub:
        a.rm_audience(b)
        a("1")
        hub.add([])  # it connects its members again
        a("2")
        b.clear_audience()
        b("3")
    assert (heard(a), heard(b), heard(c)) == (["1", "2"], ["2", "3"], ["1", "2"])


def test_a_broadcast_can_be_awaited(agents):
    async def main():
        async with MsgHub(agents, name="later version") as hub:
            await hub.broadcast(Msg("host", "one"))
            return [agent.memory.size() for agent in agents]

    assert asyncio.run(main()) == [1, 1, 1]


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


class Full:
    """A memory that takes nothing."""

    def add(self, memories):
        raise OSError("full")

    def get_memory(self):
        return []


def test_a_broadcast_that_somebody_cannot_take_is_told(capsys):
    alice, bob = Speaker("alice"), Speaker("bob")
    alice.memory = Full()
    with msghub([alice, bob], announcement=Msg("host", "hello")):
        pass
    assert [m.content for m in bob.memory.get_memory()] == ["hello"]
    told, limit = "", time.monotonic() + 10
    while "the failure of alice to observe was never read: OSError: full" not in told:
        assert time.monotonic() < limit, told
        gc.collect()
        told += capsys.readouterr().err


@pytest.mark.parametrize("odd", [3, "alice", None, Msg("a", "b")])
def test_what_is_no_agent_joins_no_hub_and_harms_nobody(odd):
    alice = Speaker("alice")
    with pytest.raises(UsageError, match="agents take part in a hub"):
        msghub([alice, odd])
    with msghub([alice]) as hub, pytest.raises(UsageError, match="agents take part in a hub"):
        hub.add([Speaker("bob"), odd])
    assert hub.participants == [alice]
    assert alice().content


@pytest.mark.parametrize("odd", ["hello", {"content": "hello"}, [Msg("a", "b"), "hello"]])
def test_a_hub_tells_messages_alone(odd):
    alice = Speaker("alice")
    with pytest.raises(UsageError, match="a hub tells its participants messages"):
        msghub([alice], announcement=odd)
    with msghub([alice]) as hub, pytest.raises(UsageError, match="a hub tells its participants messages"):
        hub.broadcast(odd)


def test_who_listens_to_agents_of_a_loop_hears_all_of_it_before_what_comes_after(agents):
    gate, (a, _, c) = Gate("gate"), agents
    with msghub([a, c]):
        ForLoopPipeline([gate, a], 2, lambda x: False)()
        c("after")
    gate._opened.set()
    assert heard(c) == ["a speaks", "a speaks", "after"]
