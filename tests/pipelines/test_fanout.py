"""A fan-out as a whole: it is cancelled whole, and fails as soon as one does."""

from __future__ import annotations

import asyncio

import pytest

from nbagents.agents import AgentBase
from nbagents.pipelines import FanOutPipeline, fanout_pipeline


class Patient(AgentBase):
    """Waits until it is cancelled."""

    ended = 0

    async def reply(self, x=None):
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            self.ended += 1
            raise


class Fails(AgentBase):
    async def reply(self, x=None):
        raise ValueError("no")


def test_a_cancelled_wait_cancels_every_branch():
    patient = [Patient(name) for name in "abc"]

    async def main():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(fanout_pipeline(patient), 0.2)

    asyncio.run(main())
    assert [agent.ended for agent in patient] == [1, 1, 1]


def test_a_failure_waits_for_nobody():
    async def main():
        slow = Patient("slow")
        with pytest.raises(ValueError, match="no"):
            await asyncio.wait_for(fanout_pipeline([slow, Fails("bad")]), 20)

    asyncio.run(main())


def test_a_fan_out_without_gathering_asks_one_after_the_other():
    order = []

    class Notes(AgentBase):
        async def reply(self, x=None):
            order.append(f"{self.name} begins")
            await asyncio.sleep(0)
            order.append(f"{self.name} ends")
            return self.name

    replies = FanOutPipeline([Notes("a"), Notes("b")], enable_gather=False)(0)
    assert [m.content for m in replies.result(20)] == ["a", "b"]
    assert order == ["a begins", "a ends", "b begins", "b ends"]
