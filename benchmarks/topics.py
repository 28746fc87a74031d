"""What typed messages cost in one process, beside bare tasks.

    python benchmarks/topics.py [--subscribers 100] [--messages 200] [--registrations 1000]

A publication to many is compared with `create_task` and `gather` of as many handlers; the goal is a third of
their deliveries a second. Registrations are made at the same time; the goal is 0.2 s for a thousand.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from dataclasses import dataclass

from nbagents.runtime import RoutedAgent, SingleThreadedAgentRuntime, message_handler
from nbagents.topics import AgentId, MessageContext, TopicId, TypeSubscription


@dataclass
class Note:
    text: str


class Counts(RoutedAgent):
    """Counts what it hears."""

    heard = 0

    @message_handler
    async def hear(self, message: Note, ctx: MessageContext) -> None:
        Counts.heard += 1


class Publishes(RoutedAgent):
    """Publishes from a handler, as agents do."""

    @message_handler
    async def publish(self, message: int, ctx: MessageContext) -> None:
        for _ in range(message):
            await self.publish_message(Note("x"), TopicId("news", "all"))
            await asyncio.sleep(0)


class Asks(RoutedAgent):
    """Sends messages one after the other, from a handler."""

    @message_handler
    async def ask(self, message: int, ctx: MessageContext) -> float:
        begin, to = time.perf_counter(), AgentId("counts0", "all")
        for _ in range(message):
            await self.send_message(Note("x"), to)
        return (time.perf_counter() - begin) / message


async def bare(subscribers: int, messages: int) -> float:
    heard = 0

    async def hear(message: Note) -> None:
        nonlocal heard
        heard += 1

    begin = time.perf_counter()
    for _ in range(messages):
        note = Note("x")
        await asyncio.gather(*(asyncio.create_task(hear(note)) for _ in range(subscribers)))
    return heard / (time.perf_counter() - begin)


async def registered(number: int) -> tuple[SingleThreadedAgentRuntime, float]:
    runtime = SingleThreadedAgentRuntime()
    begin = time.perf_counter()
    await asyncio.gather(
        *(Counts.register(runtime, f"counts{index}", lambda: Counts("counts")) for index in range(number))
    )
    return runtime, time.perf_counter() - begin


async def published(subscribers: int, messages: int) -> float:
    runtime, _ = await registered(subscribers)
    for index in range(subscribers):
        await runtime.add_subscription(TypeSubscription("news", f"counts{index}"))
    await Publishes.register(runtime, "publishes", lambda: Publishes("publishes"))
    runtime.start()
    await runtime.send_message(1, AgentId("publishes", "x"))  # the agents are made
    await runtime.stop_when_idle()
    runtime.start()
    Counts.heard, begin = 0, time.perf_counter()
    await runtime.send_message(messages, AgentId("publishes", "x"))
    await runtime.stop_when_idle()
    assert Counts.heard == subscribers * messages
    return Counts.heard / (time.perf_counter() - begin)


async def asked(messages: int) -> tuple[float, float]:
    runtime, _ = await registered(1)
    await Asks.register(runtime, "asks", lambda: Asks("asks"))
    runtime.start()
    inside = await runtime.send_message(messages, AgentId("asks", "x"))
    begin, to = time.perf_counter(), AgentId("counts0", "all")
    for _ in range(messages):
        await runtime.send_message(Note("x"), to)
    outside = (time.perf_counter() - begin) / messages
    await runtime.close()
    return inside, outside


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subscribers", type=int, default=100)
    parser.add_argument("--messages", type=int, default=200)
    parser.add_argument("--registrations", type=int, default=1000)
    given = parser.parse_args()
    tasks = asyncio.run(bare(given.subscribers, given.messages))
    ours = asyncio.run(published(given.subscribers, given.messages))
    print(f"publish to {given.subscribers}: {ours:,.0f} deliveries a second", end=", ")
    print(f"bare tasks {tasks:,.0f}: {ours / tasks:.2f}")
    inside, outside = asyncio.run(asked(given.messages * 10))
    print(f"one message: {inside * 1e6:.0f} µs from a handler, {outside * 1e6:.0f} µs from another loop")
    _, seconds = asyncio.run(registered(given.registrations))
    print(f"{given.registrations} registrations: {seconds:.3f} s")


if __name__ == "__main__":
    main()
