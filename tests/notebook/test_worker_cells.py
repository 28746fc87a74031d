"""Two workers and their host as AutoGen's users write them in cells, which are run again as cells are."""

from __future__ import annotations

import socket
from typing import Any

import pytest

pytestmark = [pytest.mark.notebook, pytest.mark.timeout(180)]

HOST = """
from nbagents.compat.autogen_ext.runtimes.grpc import GrpcWorkerAgentRuntimeHost

host = GrpcWorkerAgentRuntimeHost(address="localhost:{port}")
host.start()
"""
AGENTS = """
from dataclasses import dataclass

from nbagents.compat.autogen_core import (
    DefaultTopicId, MessageContext, RoutedAgent, default_subscription, message_handler
)

@dataclass
class Heard:
    text: str

@default_subscription
class Echo(RoutedAgent):
    def __init__(self, name: str) -> None:
        super().__init__("Echoes")
        self._name, self._times = name, 0

    @message_handler
    async def hear(self, message: Heard, ctx: MessageContext) -> None:
        self._times += 1
        if self._times <= 3:
            print(f"{self._name} {self._times}")
            await self.publish_message(Heard(self._name), DefaultTopicId())
"""
WORKERS = """
import asyncio
import time

from nbagents.compat.autogen_ext.runtimes.grpc import GrpcWorkerAgentRuntime

left = GrpcWorkerAgentRuntime(host_address="localhost:{port}")
await left.start()
await Echo.register(left, "left", lambda: Echo("left"))
right = GrpcWorkerAgentRuntime(host_address="localhost:{port}")
await right.start()
await Echo.register(right, "right", lambda: Echo("right"))
await right.publish_message(Heard("go"), DefaultTopicId())
limit = time.monotonic() + 30
while (await left.topics())["counts"]["delivered"] < 8 and time.monotonic() < limit:
    await asyncio.sleep(0.05)
"""
ANOTHER = """
another = GrpcWorkerAgentRuntime(host_address="localhost:{port}")
await another.start()
await Echo.register(another, "left", lambda: Echo("left"))
"""
END = "await left.stop()\nawait right.stop()"
SAID = sorted(f"{name} {time}" for name in ("left", "right") for time in (1, 2, 3))


def test_cells_in_autogens_terms_say_what_they_say_there_each_time(new_kernel: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    host, workers = HOST.replace("{port}", port), WORKERS.replace("{port}", port)
    kernel = new_kernel()
    for _ in range(2):  # the second time all cells are run again, and the host is still there
        assert kernel.run(host).error == ""
        assert kernel.run(AGENTS).error == ""
        said = kernel.run(workers)
        assert said.error == ""
        assert sorted(said.stdout.splitlines()) == SAID
        assert "left" in kernel.run("left").card
        assert "is served by another worker already" in kernel.run(ANOTHER.replace("{port}", port)).error
        assert kernel.run("await another.stop()").error == ""
        assert kernel.run(END).error == ""
    assert kernel.run("await host.stop()").error == ""
