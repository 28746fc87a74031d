"""However a handler between workers ends, or whatever it does to its worker, its message has an outcome."""

from __future__ import annotations

import asyncio
import random
import time

import pytest
from topic_agents import Ask, Listener, Note, Told
from topics_here import knows, worker

from nbagents.exceptions import CallCancelledError, NbAgentsError
from nbagents.rpc import GrpcWorkerAgentRuntime
from nbagents.runtime import RoutedAgent, event, rpc
from nbagents.topics import AgentId, MessageContext, TopicId, TypeSubscription

pytestmark = pytest.mark.timeout(120)


heard: list[str] = []


def name(start: str = "t") -> str:
    return f"{start}{random.getrandbits(64):x}"


class Publisher(RoutedAgent):
    """Publishes what it is asked to, and answers at once."""

    def __init__(self) -> None:
        super().__init__("publishes")

    @rpc
    async def ask(self, message: Ask, ctx: MessageContext) -> Told:
        await self.publish_message(Note(1), TopicId(message.text, "x"))
        return Told("published")


class Ender(RoutedAgent):
    """Tries to end the program."""

    def __init__(self) -> None:
        super().__init__("ends")

    @rpc
    async def ask(self, message: Ask, ctx: MessageContext) -> Told:
        raise SystemExit(3)

    @event
    async def hear(self, message: Note, ctx: MessageContext) -> None:
        raise KeyboardInterrupt


class Stopper(RoutedAgent):
    """Stops the worker that it lives in."""

    def __init__(self) -> None:
        super().__init__("stops")

    @rpc
    async def ask(self, message: Ask, ctx: MessageContext) -> Told:
        await self.runtime.stop()
        return Told("stopped")

    @event
    async def hear(self, message: Note, ctx: MessageContext) -> None:
        await self.runtime.stop()
        heard.append("stopped")


class Late(RoutedAgent):
    """Takes its time."""

    def __init__(self) -> None:
        super().__init__("is late")

    @event
    async def hear(self, message: Note, ctx: MessageContext) -> None:
        await asyncio.sleep(1)
        heard.append("late")


def test_a_subscriber_has_more_time_than_its_publisher(server):
    publisher, listener, topic = name("publisher"), name("listener"), name("topic")

    async def main():
        async with worker(server, **{publisher: Publisher}) as runtime:
            await Listener.register(runtime, listener, lambda: Listener(1.5))
            await runtime.add_subscription(TypeSubscription(topic, listener))
            await runtime.send_message(Ask(topic), AgentId(publisher, "x"), timeout=0.7)
            knows(runtime, Told)
            limit, heard = time.monotonic() + 10, []
            while not heard and time.monotonic() < limit:
                heard = (await runtime.send_message(Ask(""), AgentId(listener, "x"))).numbers
            return heard

    assert asyncio.run(main()) == [1]


def test_a_handler_that_tries_to_end_the_program_ends_alone(server):
    kind, topic = name("ender"), name("topic")

    async def main():
        async with worker(server, **{kind: Ender}) as runtime:
            await runtime.add_subscription(TypeSubscription(topic, kind))
            with pytest.raises(CallCancelledError, match=r"tried to end the program \(SystemExit\)"):
                await runtime.send_message(Ask("exit"), AgentId(kind, "x"), timeout=10)
            await runtime.publish_message(Note(1), TopicId(topic, "x"))
            limit = time.monotonic() + 10
            while time.monotonic() < limit:
                mine = [one for one in (await runtime.topics())["workers"].values() if one["given"]]
                if not mine:
                    return
                await asyncio.sleep(0.05)
            raise AssertionError(f"they are not answered: {mine}")

    asyncio.run(main())


def test_a_handler_may_stop_its_own_worker(server):
    kind = name("stopper")

    async def main():
        runtime = GrpcWorkerAgentRuntime(server.address)
        await runtime.start()
        await Stopper.register(runtime, kind, Stopper)
        async with worker(server) as other:
            knows(other, Told)
            began = time.monotonic()
            with pytest.raises(NbAgentsError):  # its worker has gone before it answered
                await other.send_message(Ask("stop"), AgentId(kind, "x"), timeout=20)
            assert time.monotonic() - began < 18
            await Stopper.register(other, kind, Stopper)  # the type is free

    asyncio.run(main())


def test_a_worker_that_is_stopped_by_a_handler_lets_others_of_that_message_end(server):
    stopper, late, topic = name("stopper"), name("late"), name("topic")
    heard.clear()

    async def main():
        runtime = GrpcWorkerAgentRuntime(server.address)
        await runtime.start()
        for kind, made in ((stopper, Stopper), (late, Late)):
            await made.register(runtime, kind, made, skip_class_subscriptions=True)
            await runtime.add_subscription(TypeSubscription(topic, kind))
        async with worker(server) as other:
            await other.publish_message(Note(1), TopicId(topic, "x"))
            limit = time.monotonic() + 20
            while "stopped" not in heard:
                assert time.monotonic() < limit
                await asyncio.sleep(0.05)

    asyncio.run(main())
    assert heard == ["late", "stopped"]
