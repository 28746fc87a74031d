"""Pipelines of agents and of functions, as objects and as functions."""

from __future__ import annotations

import asyncio
import threading

import pytest

from nbagents.agents import AgentBase, scheduler
from nbagents.exceptions import CallCancelledError, UsageError
from nbagents.hub import msghub
from nbagents.message import Msg, PlaceholderMessage
from nbagents.pipelines import (
    FanOutPipeline,
    ForLoopPipeline,
    IfElsePipeline,
    SequentialPipeline,
    SwitchPipeline,
    WhileLoopPipeline,
)


class Adds(AgentBase):
    """Adds one to the number that it is given, and remembers the numbers."""

    def __init__(self, name: str = "adds", step: int = 1) -> None:
        super().__init__(name)
        self.step = step
        self.seen: list[int] = []

    async def reply(self, x=None):
        await asyncio.sleep(0)
        number = x.content if isinstance(x, Msg) else x
        self.seen.append(number)
        return number + self.step


class Gate(AgentBase):
    def __init__(self, name: str = "gate") -> None:
        super().__init__(name)
        self._begun, self._opened = threading.Event(), threading.Event()

    def reply(self, x=None):
        self._begun.set()
        assert self._opened.wait(20)
        return x


class Fails(AgentBase):
    async def reply(self, x=None):
        raise KeyError(f"{self.name} is broken")


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate._opened.set()


def number(message) -> int:
    return message.content if isinstance(message, Msg) else message


def submitted() -> int:
    """How many calls are on their way, once the loop has taken in those made so far."""
    scheduler().background.run(asyncio.sleep(0))
    return len(scheduler().live)


def is_big(message) -> bool:
    assert not isinstance(message, PlaceholderMessage), "conditions get the message itself"
    assert threading.current_thread().name == "nbagents-worker", "and a thread that may block"
    return number(message) >= 3


# ------------------------------------------------------------------------------------ functions


def test_pipelines_of_functions_run_in_the_caller_and_return_plain_values():
    where = []

    def double(x):
        where.append(threading.current_thread())
        return 2 * x

    def little(x):
        return x < 10

    assert SequentialPipeline([double, double])(1) == 4
    assert FanOutPipeline([double, str])(1) == [2, "1"]
    assert IfElsePipeline(little, double)(1) == 2
    assert IfElsePipeline(little, double)(11) == 11
    assert IfElsePipeline(little, double, [double, str])(11) == "22"
    assert SwitchPipeline(type, {int: double, str: [len, double]})("abc") == 6
    assert SwitchPipeline(type, {int: double})("abc") == "abc"
    assert SwitchPipeline(type, {}, str.upper)("abc") == "ABC"
    assert ForLoopPipeline(double, 3)(1) == 8
    assert ForLoopPipeline(double, 0)(1) == 1
    assert ForLoopPipeline([double, double], 9, lambda x: x > 10)(1) == 16
    assert WhileLoopPipeline(double, lambda i, x: little(x))(1) == 16
    assert WhileLoopPipeline(double)(1) == 1
    assert SequentialPipeline(double)({"a": 1}["a"]) == 2
    assert set(where) == {threading.main_thread()}


def test_a_loop_breaks_after_its_body_and_a_while_asks_before():
    order = []
    ForLoopPipeline(lambda x: order.append("body"), 9, lambda x: order.append("break?") or len(order) > 3)()
    assert order == ["body", "break?"] * 2
    order.clear()
    WhileLoopPipeline(lambda x: order.append("body"), lambda i, x: order.append(i) or i < 2)()
    assert order == [0, "body", 1, "body", 2]


def test_a_failure_of_a_function_is_the_callers():
    with pytest.raises(ZeroDivisionError):
        SequentialPipeline([lambda x: 1 // x])(0)
    with pytest.raises(RuntimeError, match="StopIteration"):
        IfElsePipeline(lambda x: next(iter(())), str)(0)


@pytest.mark.parametrize("make", [SequentialPipeline, FanOutPipeline, lambda ops: ForLoopPipeline(ops, 1)])
def test_a_pipeline_of_nothing_is_refused(make):
    with pytest.raises(ValueError, match="No operators provided"):
        make([])
    with pytest.raises(UsageError, match="agents, pipelines and functions, not of 'poet'"):
        make([str, "poet"])


def test_a_loop_of_less_than_nothing_is_refused():
    with pytest.raises(UsageError, match="not -1"):
        ForLoopPipeline(str, -1)


def test_async_functions_alone_are_refused_with_advice():
    async def double(x):
        await asyncio.sleep(0)

    with pytest.raises(UsageError, match="call it in an agent's reply"):
        SequentialPipeline([double])(1)


def test_a_pipeline_of_functions_works_inside_an_agents_turn():
    class Uses(AgentBase):
        async def reply(self, x=None):
            return SequentialPipeline([str.upper, str.title])(x)

    assert Uses("uses")("grey beads").result(20).content == "Grey Beads"


def test_a_function_of_a_plain_pipeline_may_start_one_of_agents():
    adds = Adds()
    inner = ForLoopPipeline(adds, 9, is_big)
    assert SequentialPipeline([lambda x: inner(x).content, str])(0) == "3"


# ------------------------------------------------------------------------------ without a look


def test_a_sequence_of_agents_is_submitted_at_once(gate):
    a, b = Adds("a"), Adds("b", 10)
    reply = SequentialPipeline([gate, a, SequentialPipeline([b, a])])(5)
    assert isinstance(reply, PlaceholderMessage)
    assert submitted() == 4, "the whole of it"
    gate._opened.set()
    assert (reply.content, reply.name) == (17, "a")


def test_a_loop_without_a_condition_is_submitted_at_once(gate):
    reply = ForLoopPipeline([gate, Adds()], 3)(0)
    assert submitted() == 6
    gate._opened.set()
    assert reply.content == 3


def test_branches_run_at_the_same_time():
    table = threading.Barrier(4)

    class Meets(AgentBase):
        def reply(self, x=None):
            table.wait(20)
            return f"{self.name} {x}"

    replies = FanOutPipeline([Meets(name) for name in "abcd"])("met")
    assert [reply.content for reply in replies] == ["a met", "b met", "c met", "d met"]


def test_a_fan_out_feeds_what_comes_after_it():
    class Sums(AgentBase):
        async def reply(self, xs=None):
            return sum(x.content for x in xs)

    pipeline = SequentialPipeline(
        [FanOutPipeline([Adds("a", 1), Adds("b", 10), Adds("c", 100)]), Sums("sums")]
    )
    assert pipeline(0).content == 111


def test_a_failure_goes_through_the_rest_unrun(capsys):
    after = Adds()
    reply = SequentialPipeline([Fails("a"), after, after])(0)
    with pytest.raises(KeyError, match="a is broken"):
        reply.result(20)
    assert after.seen == []
    scheduler().report()
    assert capsys.readouterr().err == ""


# --------------------------------------------------------------------------------- with a look


def test_a_pipeline_that_looks_returns_at_once_and_holds_its_agents(gate):
    adds = Adds()
    reply = WhileLoopPipeline([gate, adds], lambda i, x: number(x) < 5)(0)
    later = adds(100)
    assert not reply.done()
    gate._opened.set()
    assert reply.content == 5
    assert later.content == 101
    assert adds.seen == [0, 1, 2, 3, 4, 100], "what is called later comes after the whole loop"


def test_reading_an_agent_waits_for_the_pipeline_that_holds_it(gate):
    adds = Adds()
    WhileLoopPipeline(SequentialPipeline([gate, adds]), lambda i, x: i < 3)(0)
    threading.Timer(0.1, gate._opened.set).start()
    assert adds.seen == [0, 1, 2]


def test_conditions_get_messages_on_a_thread():
    adds = Adds()
    loop = ForLoopPipeline(adds, 10, is_big)
    assert loop(0).content == 3
    assert (loop.passes, loop.broke) == (3, True)
    assert ForLoopPipeline(adds, 2, is_big)(0).content == 2
    assert IfElsePipeline(is_big, Adds("yes", 100), Adds("no", 10))(adds(5)).content == 106
    assert IfElsePipeline(is_big, adds)(Msg("user", 0)).content == 0, "the branch that does nothing"
    switch = SwitchPipeline(number, {1: Adds("one", 10), 2: [adds, Adds("two", 20)]}, Adds("other", 0))
    assert [switch(x).content for x in (1, 2, 3)] == [11, 23, 3]


def test_every_pass_is_told():
    passes = []
    loop = ForLoopPipeline(Adds(), 3, on_pass=passes.append)
    assert loop(0).content == 3
    assert passes == [1, 2, 3]
    assert (loop.passes, loop.broke) == (3, False)


def test_pipelines_stand_inside_pipelines():
    a, b = Adds("a"), Adds("b", 10)
    inner = IfElsePipeline(is_big, lambda x: number(x), ForLoopPipeline([b], 5, is_big))
    outer = SequentialPipeline([a, FanOutPipeline([inner, a]), lambda xs: [number(x) for x in xs]])
    assert outer(0).result(20) == [11, 2]
    assert outer(5).result(20) == [6, 7]


def test_a_pipeline_of_functions_inside_one_of_agents_gets_a_thread():
    inner = IfElsePipeline(is_big, lambda x: "much", lambda x: "little")
    assert SequentialPipeline([Adds(), inner])(5).result(20) == "much"
    assert SequentialPipeline([Adds(), FanOutPipeline([inner, number])])(0).result(20) == ["little", 1]


def test_functions_among_agents_may_be_async_and_return_messages():
    a, b = Adds("a"), Adds("b", 10)

    async def ask(x):
        return await b(x)

    assert SequentialPipeline([a, ask, lambda x: b(x), is_big])(0).result(20) is True


def test_an_agent_may_run_a_pipeline_that_it_takes_part_in():
    class Leads(AgentBase):
        async def reply(self, x=None):
            if isinstance(x, Msg):
                return x.content + 1
            return await ForLoopPipeline([self, adds], 3, is_big)(Msg("leads", 0))

    adds = Adds()
    leads = Leads("leads")
    assert leads("start").result(20).content == 4
    assert adds.seen == [1, 3]


def test_in_a_hub_every_step_is_heard():
    a, b, listens = Adds("a"), Adds("b"), AgentBase("listens")
    with msghub([a, b, listens]):
        ForLoopPipeline([a, b], 3, is_big)(0)
        a(10)
    assert [m.content for m in listens.memory] == [1, 2, 3, 4, 11]


@pytest.mark.parametrize("error", [KeyError, StopIteration, KeyboardInterrupt])
def test_a_condition_that_fails_fails_the_pipeline(error):
    adds = Adds()

    def fail(x):
        raise error

    reply = ForLoopPipeline(adds, 3, fail)(0)
    with pytest.raises(RuntimeError if error is StopIteration else error):
        reply.result(20)
    assert adds(5).content == 6, "its agents are free again"


def test_an_agent_that_fails_fails_the_pipeline():
    adds = Adds()
    reply = WhileLoopPipeline([adds, Fails("a")], lambda i, x: True)(0)
    with pytest.raises(KeyError, match="a is broken"):
        reply.result(20)
    assert adds.seen == [0]


def test_a_cancelled_pipeline_ends_the_call_that_it_waits_for(gate):
    adds = Adds()
    reply = WhileLoopPipeline([adds, gate], lambda i, x: True)(0)
    assert gate._begun.wait(20)
    reply.cancel()
    with pytest.raises(CallCancelledError):
        reply.result(20)
    gate._opened.set()
    assert gate("free").content == "free"
    assert adds(5).content == 6
    assert adds.seen == [0, 5]


def test_a_pipeline_can_be_awaited():
    async def main():
        adds = Adds()
        return [
            (await SequentialPipeline([adds])(0)).content,
            (await ForLoopPipeline(adds, 9, is_big)(0)).content,
        ]

    assert asyncio.run(main()) == [1, 3]
