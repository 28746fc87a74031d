"""Pipelines as functions, and in the forms of both lines of AgentScope's versions."""

from __future__ import annotations

import asyncio

import pytest

from nbagents import pipelines
from nbagents.agents import AgentBase
from nbagents.exceptions import UsageError
from nbagents.message import Msg
from nbagents.pipelines import (
    FanOutPipeline,
    ForLoopPipeline,
    IfElsePipeline,
    SequentialPipeline,
    SwitchPipeline,
    WhileLoopPipeline,
)


class Adds(AgentBase):
    """Adds a step to the number that it is given."""

    def __init__(self, name: str = "adds", step: int = 1) -> None:
        super().__init__(name)
        self.step = step

    async def reply(self, x=None):
        return number(x) + self.step


def number(message) -> int:
    return message.content if isinstance(message, Msg) else message


def is_big(message) -> bool:
    return number(message) >= 3


def test_the_functional_forms_do_the_same():
    a, b = Adds("a"), Adds("b", 10)
    assert pipelines.sequentialpipeline([a, b], 0).content == 11
    assert [m.content for m in pipelines.fanoutpipeline([a, b], 0)] == [1, 10]
    assert pipelines.ifelsepipeline(is_big, a, b, 0).content == 10
    assert pipelines.ifelsepipeline(lambda x: False, str, x=0) == 0
    assert pipelines.switchpipeline(number, {0: b}, a, 0).content == 10
    assert pipelines.forlooppipeline(a, 9, is_big, 0).content == 3
    assert pipelines.forlooppipeline([str.upper], 2, x="a") == "A"
    assert pipelines.whilelooppipeline(a, lambda i, x: i < 4, 0).content == 4
    assert pipelines.placeholder("x") == "x"


class Spoils(AgentBase):
    async def reply(self, x=None, **words):
        before, x.content = x.content, "spoilt"
        return f"{before} {words}" if words else before


@pytest.mark.parametrize("gather", [True, False])
def test_the_forms_of_later_versions_are_awaited_or_read(gather):
    a, b, given = Adds("a"), Adds("b", 10), Msg("user", 0)
    spoilers = [Spoils("s"), Spoils("t")]

    async def main():
        assert (await pipelines.sequential_pipeline([a, b], given)).content == 11
        assert await pipelines.sequential_pipeline([str.upper], "a") == "A"
        replies = await pipelines.fanout_pipeline(spoilers, given, enable_gather=gather, to="all")
        assert [m.content for m in replies] == ["0 {'to': 'all'}"] * 2, "each has a copy of its own"
        assert [m.content for m in await pipelines.FanoutPipeline([a, b], gather)(given)] == [1, 10]
        assert (await pipelines.sequential_pipeline([], given)) is given
        assert (await pipelines.fanout_pipeline([], given, enable_gather=gather))[1:] == []

    asyncio.run(main())
    assert given.content == 0
    assert pipelines.sequential_pipeline([a, b], x=given).content == 11
    assert [m.content for m in pipelines.FanoutPipeline([a, b])(given)] == [1, 10]


def test_both_lines_of_versions_may_name_their_arguments():
    a, b = Adds("a"), Adds("b", 10)
    for kind in (SequentialPipeline, pipelines.FanoutPipeline):
        assert kind(agents=[a, b]).participants == kind(operators=[a, b]).participants == [a, b]
    assert SequentialPipeline(agents=[a, b])(msg=Msg("user", 0)).content == 11
    for named in ({"operators": [a, b], "x": Msg("user", 0)}, {"agents": [a, b], "msg": Msg("user", 0)}):
        assert pipelines.sequential_pipeline(**named).content == 11
    assert pipelines.sequential_pipeline(operators=[], x=7).result() == 7
    with pytest.raises(UsageError, match="not both"):
        SequentialPipeline([a], agents=[b])
    with pytest.raises(UsageError, match="No operators provided"):
        SequentialPipeline()


def test_a_pipeline_tells_who_takes_part():
    a, b, c = Adds("a"), Adds("b"), Adds("c")
    assert SequentialPipeline([a, b]).participants == [a, b]
    assert IfElsePipeline(is_big, a).participants == [a, pipelines.placeholder]
    assert SwitchPipeline(number, {1: a, 2: b}, c).participants == [a, b, c]
    assert ForLoopPipeline(a, 1).participants == [a]
    loop = WhileLoopPipeline([a, FanOutPipeline([b, c])])
    assert loop.participants[0] is a
    assert loop.agents() == [a, b, c]
