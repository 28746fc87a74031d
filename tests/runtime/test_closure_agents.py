"""Agents that are one function, and proxies."""

import asyncio
import queue
from typing import Any

import pytest
from clerks import ME, Ask, Note, started

from nbagents.exceptions import CantHandleException, UsageError
from nbagents.runtime import AgentProxy, ClosureAgent, ClosureContext
from nbagents.topics import AgentId, DefaultSubscription, DefaultTopicId, MessageContext

RESULTS = AgentId("results", "default")


async def collecting(**options):
    results = queue.Queue()

    async def collect(agent: ClosureContext, message: Note | int, ctx: MessageContext) -> str:
        """Collects results."""
        results.put((agent.id, message))
        return "taken"

    runtime = await started()
    await ClosureAgent.register_closure(
        runtime, "results", collect, subscriptions=lambda: [DefaultSubscription()], **options
    )
    return runtime, results


def test_a_function_collects_what_is_published():
    async def main():
        runtime, results = await collecting()
        await runtime.publish_message(Note("a"), DefaultTopicId())
        assert await runtime.send_message(3, RESULTS) == "taken"
        assert (await runtime.agent_metadata(RESULTS))["description"] == "Collects results."
        await runtime.stop_when_idle()
        assert [results.get_nowait() for _ in range(2)] == [(RESULTS, Note("a")), (RESULTS, 3)]
        assert await runtime.agent_save_state(RESULTS) == {}

    asyncio.run(main())


@pytest.mark.parametrize("policy", ["warn", "ignore", "error"])
def test_what_it_does_not_take(policy, caplog):
    async def main():
        runtime, results = await collecting(unknown_type_policy=policy)
        with pytest.raises(CantHandleException, match="takes Note or int, not Ask"):
            await runtime.send_message(Ask("x"), RESULTS)
        await runtime.publish_message(Ask("x"), DefaultTopicId())
        await runtime.stop_when_idle()
        assert results.empty()

    asyncio.run(main())
    # A warning is an error in these tests: it is the handler's failure then.
    assert ("takes Note or int, not Ask" in caplog.text) is (policy != "ignore")


def test_it_may_take_anything_and_must_say_what_it_takes():
    async def anything(agent: ClosureContext, message: Any, ctx: MessageContext) -> str:
        return type(message).__name__

    async def unsaid(agent, message, ctx): ...

    async def main():
        runtime = await started()
        await ClosureAgent.register_closure(runtime, "any", anything)
        assert await runtime.send_message({1}, AgentId("any", "x")) == "set"
        with pytest.raises(UsageError, match="annotate the message"):
            await ClosureAgent.register_closure(runtime, "unsaid", unsaid)
        with pytest.raises(UsageError, match="unknown_type_policy"):
            ClosureAgent("x", anything, "shout")
        await runtime.stop()

    asyncio.run(main())


def test_a_proxy_is_an_address_with_methods():
    async def main():
        runtime = await started()
        proxy = AgentProxy(ME, runtime)
        assert proxy.id == ME
        assert (await proxy.metadata)["description"] == "a clerk"
        assert await proxy.send_message(Ask("x"), sender=RESULTS) == "x"
        await proxy.load_state({"heard": ["a"]})
        assert await proxy.save_state() == {"heard": ["a"]}
        await runtime.stop()

    asyncio.run(main())
