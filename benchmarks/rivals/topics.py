"""Typed messages through a host, measured for `topic_peers.py`: the same program for both systems.

``python topics.py nbagents`` or ``autogen``; a host, a worker with the agents, and this client.
"""

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

if sys.argv[1] == "autogen":
    from autogen_core import (
        AgentId,
        MessageContext,
        RoutedAgent,
        TopicId,
        TypeSubscription,
        message_handler,
        try_get_known_serializers_for_type,
    )
    from autogen_ext.runtimes.grpc import GrpcWorkerAgentRuntime, GrpcWorkerAgentRuntimeHost
else:
    from nbagents.compat.autogen_ext.runtimes.grpc import GrpcWorkerAgentRuntime, GrpcWorkerAgentRuntimeHost

    from nbagents.compat.autogen_core import (
        AgentId,
        MessageContext,
        RoutedAgent,
        TopicId,
        TypeSubscription,
        message_handler,
        try_get_known_serializers_for_type,
    )

BENCHMARKS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TEXT = "x" * 200
SUBSCRIBERS, PUBLISHED = 100, 40
CASCADE_AGENTS, CASCADE_ROUNDS = 5, 5


@dataclass
class Text:
    """A message that is answered."""

    text: str


@dataclass
class News:
    """A message that is published."""

    text: str


@dataclass
class Step:
    """A message that each who hears it answers to all."""

    round: int


@dataclass
class Await:
    """Asks to be answered when so many messages have been heard."""

    count: int


class Heard:
    """Counts what the agents of the worker have heard."""

    count, wanted, enough = 0, -1, asyncio.Event()

    @classmethod
    def one(cls) -> None:
        cls.count += 1
        if cls.count == cls.wanted:
            cls.enough.set()


class Echo(RoutedAgent):
    """Answers what it is told, hears what is published, and answers steps to all."""

    def __init__(self) -> None:
        super().__init__("echo")

    @message_handler
    async def on_text(self, message: Text, ctx: MessageContext) -> Text:
        """Answer."""
        return message

    @message_handler
    async def on_news(self, message: News, ctx: MessageContext) -> None:
        """Hear."""
        Heard.one()

    @message_handler
    async def on_step(self, message: Step, ctx: MessageContext) -> None:
        """Hear, and answer to all."""
        Heard.one()
        if message.round < CASCADE_ROUNDS:
            await self.publish_message(Step(message.round + 1), TopicId("cascade", "c"))


class Counter(RoutedAgent):
    """Tells when the others have heard enough, and starts counting again."""

    def __init__(self) -> None:
        super().__init__("counter")

    @message_handler
    async def on_await(self, message: Await, ctx: MessageContext) -> Text:
        """Wait."""
        Heard.wanted = message.count
        if Heard.count < message.count:
            Heard.enough = asyncio.Event()
            await Heard.enough.wait()
        Heard.count, Heard.wanted = 0, -1
        return Text("enough")


async def host(address: str) -> None:
    """Run the host."""
    GrpcWorkerAgentRuntimeHost(address=address).start()
    print("up", flush=True)
    await asyncio.Event().wait()


async def connected(address: str) -> GrpcWorkerAgentRuntime:
    """Return a runtime that knows the messages."""
    runtime = GrpcWorkerAgentRuntime(host_address=address)
    await runtime.start()
    for kind in (Text, News, Step, Await):
        runtime.add_message_serializer(try_get_known_serializers_for_type(kind))
    return runtime


async def worker(address: str) -> None:
    """Run the agents."""
    runtime = await connected(address)
    await Echo.register(runtime, "echo", Echo)
    await Counter.register(runtime, "counter", Counter)
    for topic, number in (("news", SUBSCRIBERS), ("cascade", CASCADE_AGENTS)):
        for place in range(number):
            await Echo.register(runtime, f"{topic}{place}", Echo)
            await runtime.add_subscription(TypeSubscription(topic, f"{topic}{place}"))
    print("up", flush=True)
    await asyncio.Event().wait()


async def sequential(runtime: GrpcWorkerAgentRuntime, agent: AgentId) -> float:
    """Return how long a message and its answer take, one after the other: the median, in seconds."""
    times = []
    for _ in range(800):
        begin = time.perf_counter()
        await runtime.send_message(Text(TEXT), agent)
        times.append(time.perf_counter() - begin)
    return statistics.median(times[100:])


async def in_flight(runtime: GrpcWorkerAgentRuntime, agents: list[AgentId]) -> float:
    """Return how long each takes when every one of these agents is always being asked."""
    message, left = Text(TEXT), iter(range(3000))

    async def ask(agent: AgentId) -> None:
        for _ in left:
            await runtime.send_message(message, agent)

    begin = time.perf_counter()
    await asyncio.gather(*(ask(agent) for agent in agents))
    return (time.perf_counter() - begin) / 3000


async def measure_inside() -> dict[str, float]:
    """Ask agents that live in the host itself. AutoGen's host has none: there a worker has to have them."""
    from nbagents.rpc import RpcAgentServerLauncher

    sys.path.insert(0, BENCHMARKS)
    from echo_agent import Echo as Inside

    with RpcAgentServerLauncher(port=0, custom_agent_classes=[Inside]) as host:
        for number in range(64):
            Inside(f"inside{number}").to_dist(host="localhost", port=host.port)
        runtime = await connected(host.address)
        agents = [AgentId(f"inside{number}", "default") for number in range(64)]
        found = {"inside": await sequential(runtime, agents[0])}
        found["inside_in_flight"] = await in_flight(runtime, agents)
        await runtime.stop()
    return found


async def measure(address: str) -> dict[str, float]:
    """Return what `topic_peers.py` compares."""
    runtime = await connected(address)
    found = {"sequential": await sequential(runtime, AgentId("echo", "a0"))}
    found["in_flight"] = await in_flight(runtime, [AgentId("echo", f"a{number}") for number in range(64)])
    counter = AgentId("counter", "c")

    async def heard(count: int) -> None:
        await runtime.send_message(Await(count), counter)

    for rounds in (2, PUBLISHED):  # the first makes the agents
        begin = time.perf_counter()
        for _ in range(rounds):
            await runtime.publish_message(News(TEXT), TopicId("news", "n"))
        await heard(rounds * SUBSCRIBERS)
        found["delivery"] = (time.perf_counter() - begin) / (rounds * SUBSCRIBERS)
    steps = sum(CASCADE_AGENTS * (CASCADE_AGENTS - 1) ** step for step in range(CASCADE_ROUNDS))
    for _ in range(2):
        begin = time.perf_counter()
        await runtime.publish_message(Step(1), TopicId("cascade", "c"))
        await heard(steps)
        found["cascade"] = time.perf_counter() - begin
    begin = time.perf_counter()
    await asyncio.gather(*(Echo.register(runtime, f"r{number}", Echo) for number in range(1000)))
    found["registrations"] = time.perf_counter() - begin
    if sys.argv[1] != "autogen":
        found |= await measure_inside()
    return found


def main() -> None:
    """Measure; print one JSON object."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    children = []
    for role in ("host", "worker"):
        child = subprocess.Popen(
            [sys.executable, __file__, sys.argv[1], role, address], stdout=subprocess.PIPE
        )
        children.append(child)
        child.stdout.readline()
    try:
        print(json.dumps(asyncio.run(measure(address))), flush=True)
    finally:
        for child in children:
            child.kill()
            child.wait()
    os._exit(0)


if len(sys.argv) > 2:
    asyncio.run({"host": host, "worker": worker}[sys.argv[2]](sys.argv[3]))
else:
    main()
