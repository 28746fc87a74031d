"""A worker lets go of agents that have nothing to do, and they come back as they were."""

from __future__ import annotations

import asyncio
import itertools
import time

import pytest
from topic_agents import Answerer, Ask, Told
from topics_here import knows

from nbagents.exceptions import UsageError
from nbagents.rpc import GrpcWorkerAgentRuntime
from nbagents.topics import AgentId

pytestmark = pytest.mark.timeout(180)
numbers = itertools.count()


async def alone(runtime, *ids) -> None:
    """Wait until no other agents are there."""
    limit = time.monotonic() + 60
    while set(runtime._residents.ids) != set(ids):
        assert time.monotonic() < limit, runtime._residents.ids
        await runtime.topics()


def test_an_idle_agent_goes_and_comes_back_as_it_was_and_a_busy_one_stays(server):
    kind, closed = f"idle{next(numbers)}", []

    class Counting(Answerer):
        async def close(self) -> None:
            closed.append(str(self.id))

    async def main():
        runtime = GrpcWorkerAgentRuntime(server.address, idle_seconds=0.4)
        await runtime.start()
        knows(runtime, Told)
        await Counting.register(runtime, kind, Counting)
        idle, busy = AgentId(kind, "idle"), AgentId(kind, "busy")
        works = asyncio.ensure_future(runtime.send_message(Ask("wait"), busy))
        for _ in range(3):
            counted = await runtime.send_message(Ask("count"), idle)
        assert counted.numbers == [3]
        await alone(runtime, busy)
        assert closed == [str(idle)]
        assert (await runtime.save_state())[str(idle)] == {"count": 3}
        assert (await runtime.send_message(Ask("count"), idle)).numbers == [4]
        works.cancel()
        await alone(runtime)
        await runtime.stop()
        assert runtime._releasing is None
        await runtime.start()  # and what was released is still known
        assert (await runtime.send_message(Ask("count"), idle)).numbers == [5]
        await alone(runtime)
        await runtime.close()

    asyncio.run(main())


def test_no_time_is_no_idle_time():
    with pytest.raises(UsageError, match="more than 0"):
        GrpcWorkerAgentRuntime("127.0.0.1:1", idle_seconds=0)
