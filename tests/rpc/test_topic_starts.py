"""A worker that is started and stopped at the same time leaves nothing behind."""

from __future__ import annotations

import asyncio
import random

import pytest
from topic_agents import Answerer, Ask, Told
from topics_here import knows

from nbagents.exceptions import RuntimeStateError
from nbagents.rpc import GrpcWorkerAgentRuntime
from nbagents.topics import AgentId

pytestmark = pytest.mark.timeout(120)


def test_a_worker_that_is_stopped_while_it_starts_leaves_its_host(server):
    kind = f"t{random.getrandbits(64):x}"

    async def main():
        runtime = GrpcWorkerAgentRuntime(server.address)
        await runtime.start()
        knows(runtime, Told)
        await Answerer.register(runtime, kind, Answerer)
        await runtime.stop()
        starting = asyncio.ensure_future(runtime.start())
        await asyncio.sleep(0)
        await asyncio.gather(starting, runtime.stop())
        with pytest.raises(RuntimeStateError):
            await runtime.send_message(Ask("hello"), AgentId(kind, "x"))
        other = GrpcWorkerAgentRuntime(server.address)
        await other.start()
        assert kind not in (await other.topics())["types"]
        await other.stop()
        await runtime.start()
        reply = await runtime.send_message(Ask("hello"), AgentId(kind, "x"))
        await runtime.stop()
        return reply.text

    assert asyncio.run(main()) == "hello"
