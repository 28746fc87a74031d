"""A slow subscriber holds up those who publish to it, in their order, and nothing that is for others."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest
from topic_agents import Listener, Note
from topics_here import worker

from nbagents.exceptions import OverloadedError
from nbagents.rpc import RpcAgentServerLauncher
from nbagents.rpc._topics import _desk, _host
from nbagents.runtime import event
from nbagents.topics import AgentId, MessageContext, TopicId, TypeSubscription

pytestmark = pytest.mark.timeout(180)


class Slow(Listener):
    """Handles what it hears once it may, in its order."""

    def __init__(self):
        super().__init__()
        self.gate = asyncio.Event()
        self.turn = asyncio.Lock()

    @event
    async def hear(self, message: Note, ctx: MessageContext) -> None:
        async with self.turn:
            await self.gate.wait()
            self.heard.append(message.number)


@contextlib.contextmanager
def host():
    launcher = RpcAgentServerLauncher(port=0)
    launcher.launch(in_subprocess=False)
    try:
        yield launcher.address
    finally:
        launcher.shutdown()


async def waiting(runtime, so_many):
    """Wait until so many messages wait at the host."""
    limit = time.monotonic() + 60
    while sum(one["waiting"] for one in (await runtime.topics())["workers"].values()) != so_many:
        assert time.monotonic() < limit


@pytest.mark.parametrize("same_worker", [True, False])
def test_other_topics_pass_a_slow_subscriber(monkeypatch, same_worker):
    monkeypatch.setattr(_desk, "MOST_EVENTS", 5)
    monkeypatch.setattr(_host, "OVERLOAD_SECONDS", 60)

    async def main(address):
        async with worker(address) as serves, worker(address) as other, worker(address) as publisher:
            serves_too = serves if same_worker else other
            await Slow.register(serves, "slow", Slow, skip_class_subscriptions=True)
            await Listener.register(serves_too, "fast", Listener, skip_class_subscriptions=True)
            for topic, kind in [("news", "slow"), ("more", "slow"), ("else", "fast")]:
                await serves.add_subscription(TypeSubscription(topic, kind))
            held = [
                asyncio.ensure_future(publisher.publish_message(Note(n), TopicId("news", "x")))
                for n in range(9)
            ]
            await waiting(publisher, 4)
            # Another topic, for the same agent: it is heard after what waits for that.
            held.append(asyncio.ensure_future(publisher.publish_message(Note(9), TopicId("more", "x"))))
            for n in range(20):
                await asyncio.wait_for(publisher.publish_message(Note(n), TopicId("else", "x")), 30)
            await waiting(publisher, 5)
            # Another agent of the slow one's type is none of its concern either.
            await asyncio.wait_for(publisher.publish_message(Note(100), TopicId("news", "y")), 30)
            agent = await serves.try_get_underlying_agent_instance(AgentId("slow", "x"), Slow)
            fast = await serves_too.try_get_underlying_agent_instance(AgentId("fast", "x"), Listener)
            other_slow = await serves.try_get_underlying_agent_instance(AgentId("slow", "y"), Slow)
            for one in (agent, other_slow):
                serves._background.post(one.gate.set)
            await asyncio.gather(*held)
        return agent.heard, sorted(fast.heard), other_slow.heard

    with host() as address:
        heard, fast, other_slow = asyncio.run(main(address))
    assert heard == list(range(10))
    assert fast == list(range(20))
    assert other_slow == [100]


def test_each_topic_that_waits_too_long_is_told_for_itself(monkeypatch):
    monkeypatch.setattr(_desk, "MOST_EVENTS", 1)
    monkeypatch.setattr(_host, "OVERLOAD_SECONDS", 0.5)

    async def main(address):
        async with worker(address) as serves, worker(address) as publisher:
            await Slow.register(serves, "slow", Slow, skip_class_subscriptions=True)
            for topic in ("news", "more"):
                await serves.add_subscription(TypeSubscription(topic, "slow"))
            topics = [TopicId("news", "x"), TopicId("more", "y")]
            for topic in topics:
                await publisher.publish_message(Note(0), topic)
            work = [publisher.publish_message(Note(n), topic) for topic in topics for n in (1, 2)]
            ends = await asyncio.gather(*work, return_exceptions=True)
            for topic in topics:
                agent = await serves.try_get_underlying_agent_instance(AgentId("slow", topic.source), Slow)
                serves._background.post(agent.gate.set)
            return ends

    with host() as address:
        ends = asyncio.run(main(address))
    assert [type(end) for end in ends] == [OverloadedError] * 4
