"""AutoGen 0.7.5, measured for `peers.py`: a host, a worker with the agents, and this client."""

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

from autogen_core import (
    AgentId,
    MessageContext,
    RoutedAgent,
    message_handler,
    try_get_known_serializers_for_type,
)
from autogen_ext.runtimes.grpc import GrpcWorkerAgentRuntime, GrpcWorkerAgentRuntimeHost

TEXT = "x" * 200


@dataclass
class Text:
    """A message."""

    text: str


class Echo(RoutedAgent):
    """Returns what it is given; one whose key begins with "s" after half a second."""

    def __init__(self) -> None:
        super().__init__("echo")

    @message_handler
    async def on_text(self, message: Text, ctx: MessageContext) -> Text:
        """Answer."""
        if self.id.key.startswith("s"):
            await asyncio.sleep(0.5)
        return message


async def host(address: str) -> None:
    """Run the host."""
    GrpcWorkerAgentRuntimeHost(address=address).start()
    print("up", flush=True)
    await asyncio.Event().wait()


async def connected(address: str) -> GrpcWorkerAgentRuntime:
    """Return a runtime that knows the message."""
    runtime = GrpcWorkerAgentRuntime(host_address=address)
    await runtime.start()
    runtime.add_message_serializer(try_get_known_serializers_for_type(Text))
    return runtime


async def worker(address: str) -> None:
    """Run the agents."""
    await Echo.register(await connected(address), "echo", Echo)
    print("up", flush=True)
    await asyncio.Event().wait()


async def measure(address: str) -> dict[str, float]:
    """Return what `peers.py` compares."""
    runtime, message, times = await connected(address), Text(TEXT), []
    for _ in range(800):
        begin = time.perf_counter()
        await runtime.send_message(message, AgentId("echo", "a0"))
        times.append(time.perf_counter() - begin)
    left = iter(range(3000))

    async def ask(agent: AgentId) -> None:
        for _ in left:
            await runtime.send_message(message, agent)

    begin = time.perf_counter()
    await asyncio.gather(*(ask(AgentId("echo", f"a{n}")) for n in range(64)))
    each = (time.perf_counter() - begin) / 3000
    begin = time.perf_counter()
    await asyncio.gather(*(runtime.send_message(message, AgentId("echo", f"s{n}")) for n in range(100)))
    fan_out = time.perf_counter() - begin
    return {"sequential": statistics.median(times[100:]), "in_flight": each, "fan_out": fan_out}


def main() -> None:
    """Measure; print one JSON object."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    children = []
    for role in ("host", "worker"):
        child = subprocess.Popen([sys.executable, __file__, role, address], stdout=subprocess.PIPE)
        children.append(child)
        child.stdout.readline()
    try:
        print(json.dumps(asyncio.run(measure(address))), flush=True)
    finally:
        for child in children:
            child.kill()
            child.wait()
    os._exit(0)


if len(sys.argv) > 1:
    asyncio.run({"host": host, "worker": worker}[sys.argv[1]](sys.argv[2]))
else:
    main()
