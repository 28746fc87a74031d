"""A person stops one branch of a fan-out: what comes after it goes on with the others."""

from __future__ import annotations

import asyncio

import pytest

from nbagents.agents import STOPPED, AgentBase, scheduler
from nbagents.exceptions import CallCancelledError, CallStoppedError
from nbagents.message import Msg
from nbagents.pipelines import FanOutPipeline, SequentialPipeline
from nbagents.rpc import RpcAgentServerLauncher


class Opinion(AgentBase):
    async def reply(self, x=None):
        return "yes"


class Ponderer(AgentBase):
    async def reply(self, x=None):
        await asyncio.sleep(3600)


class Judge(AgentBase):
    async def reply(self, x=None):
        heard = [x] if isinstance(x, Msg) else x
        return ", ".join(message.name for message in heard)


@pytest.fixture(params=["here", "in a server"])
def place(request):
    if request.param == "here":
        yield lambda agent: agent
        return
    with RpcAgentServerLauncher(port=0, custom_agent_classes=[Opinion, Ponderer, Judge]) as server:
        yield lambda agent: agent.to_dist(host="localhost", port=server.port)


def begun(place):
    ann, bob, judge = place(Opinion("ann")), place(Ponderer("bob")), place(Judge("judge"))
    opinions = [ann(Msg("user", "?")), bob(Msg("user", "?"))]
    return opinions, judge(opinions)


def test_the_judge_goes_on_with_those_that_are_left(place):
    opinions, verdict = begun(place)
    opinions[0].result(20)
    opinions[1].cancel(STOPPED)
    assert verdict.result(20).content == "ann"
    with pytest.raises(CallStoppedError):
        opinions[1].result(20)


def test_what_code_cancels_is_not_left_out(place):
    opinions, verdict = begun(place)
    opinions[1].cancel("cancelled by the program")
    with pytest.raises(CallCancelledError, match="by the program"):
        verdict.result(20)


def test_with_nobody_left_there_is_nothing_to_judge(place):
    opinions, verdict = begun(place)
    bob = opinions[1]
    alone = place(Judge("alone"))([bob])
    bob.cancel(STOPPED)
    with pytest.raises(CallStoppedError):
        alone.result(20)
    assert verdict.result(20).content == "ann"


def test_a_message_by_itself_cannot_be_left_out(place):
    bob = place(Ponderer("bob"))(Msg("user", "?"))
    verdict = place(Judge("judge"))(bob)
    bob.cancel(STOPPED)
    with pytest.raises(CallStoppedError):
        verdict.result(20)


def test_a_pipeline_too():
    bob = Ponderer("bob")
    both = FanOutPipeline([Opinion("ann"), bob])
    verdict = SequentialPipeline([both, Judge("judge")])(Msg("user", "?"))
    while not (mine := [call for call in list(scheduler().live.values()) if call.agent is bob]):
        pass
    mine[0].cancel(STOPPED)
    assert verdict.result(20).content == "ann"
