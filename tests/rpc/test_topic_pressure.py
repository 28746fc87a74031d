"""A slow subscriber holds up those who publish to it, in their order, and nothing that is for others."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time

import pytest
from topic_agents import Listener, Note
from topics_here import worker

from nbagents.exceptions import OverloadedError
from nbagents.rpc import RpcAgentServerLauncher
from nbagents.rpc._agents import AgentTable
from nbagents.rpc._loader import AgentClasses
from nbagents.rpc._methods import STREAM_REQUESTS
from nbagents.rpc._proto import agent_pb2 as pb
from nbagents.rpc._results import Results
from nbagents.rpc._run_book import RunBook
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


class Reader:
    """Whoever reads what a session is sent: its outcomes, by their numbers."""

    full = False

    def __init__(self):
        self.outcomes, self.posts, self.two = {}, [], asyncio.Event()

    def put(self, frame: pb.Frame) -> None:
        if frame.WhichOneof("kind") == "outcome":
            self.outcomes[frame.outcome.id] = frame.outcome.WhichOneof("outcome")
            if len(self.outcomes) > 1:
                self.two.set()
        else:
            self.posts.append(frame.post.id)

    async def room(self) -> None:
        pass


def post(number: int, source: str) -> pb.Frame:
    frame = pb.Frame()
    frame.post.id, frame.post.topic.type, frame.post.topic.source = number, "news", source
    return frame


def outcome(number: int) -> pb.Frame:
    frame = pb.Frame()
    frame.outcome.id = number
    frame.outcome.done.SetInParent()
    return frame


def request(value) -> bytes:
    return STREAM_REQUESTS["declare"](value=json.dumps(value)).SerializeToString()


def desks(*names: str):
    """Return the places of sessions at a host; the first one serves whoever wants the news."""
    host = _host.TopicHost(AgentTable(AgentClasses(private=True)), Results(), RunBook())
    made = [host.desk(name, Reader()) for name in names]
    steps = [["type", "slow", False], ["subscribe", "1", "slow", "news", False]]
    host.answered(made[0], "declare", request({"steps": steps}))
    return host, made


def test_what_waits_takes_as_long_as_there_are_topics(monkeypatch):
    monkeypatch.setattr(_desk, "MOST_EVENTS", 1)

    async def seconds(topics: int) -> float:
        host, (_, publisher) = desks("serves", "publishes")
        began = time.process_time()
        for number in range(2 * topics):
            publisher.handle("post", post(number + 1, f"s{number % topics}"))
        assert len(publisher.waiting) == topics
        assert host._pass_on(publisher)
        publisher.close()
        return time.process_time() - began

    few = min(asyncio.run(seconds(1000)) for _ in range(3))
    assert asyncio.run(seconds(12_000)) < 36 * few


def test_room_that_comes_just_after_a_look_is_seen(monkeypatch):
    monkeypatch.setattr(_desk, "MOST_EVENTS", 1)

    async def main():
        host, (serves, publisher) = desks("serves", "publishes")
        for number in (1, 2):
            publisher.handle("post", post(number, "x"))
        looked, look = asyncio.Event(), host._pass_on

        def pass_on(desk):
            slow = look(desk)
            if not looked.is_set():
                looked.set()
                handled = outcome(serves.writer.posts[0])
                asyncio.get_running_loop().call_soon(serves.handle, "outcome", handled)
            return slow

        monkeypatch.setattr(host, "_pass_on", pass_on)
        await asyncio.wait_for(publisher.writer.two.wait(), 5)
        return publisher.writer.outcomes

    assert asyncio.run(main()) == {1: "done", 2: "done"}


def test_who_retires_does_not_hold_up_what_waits(monkeypatch):
    monkeypatch.setattr(_desk, "MOST_EVENTS", 1)

    async def main():
        host, (serves, publisher) = desks("serves", "publishes")
        for number in (1, 2):
            publisher.handle("post", post(number, "x"))
        await asyncio.sleep(0)  # it is looked at
        host.answered(serves, "retire", request({}))
        await asyncio.wait_for(publisher.writer.two.wait(), 5)
        return publisher.writer.outcomes

    assert asyncio.run(main()) == {1: "done", 2: "done"}
