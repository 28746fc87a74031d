"""``%agents topics``: who hears what, in this kernel and at the notebook's server, and what has passed."""

from __future__ import annotations

import re
from typing import Any

import pytest

pytestmark = pytest.mark.notebook

AGENTS = """
from dataclasses import dataclass
import nbagents
from nbagents import *
from nbagents.rpc import GrpcWorkerAgentRuntime
from nbagents.runtime import RoutedAgent, message_handler
from nbagents.topics import TypePrefixSubscription, TypeSubscription, TopicId

@dataclass
class Note:
    text: str

class Listener(RoutedAgent):
    @message_handler
    async def hear(self, message: Note, ctx: MessageContext) -> None:
        pass
"""


def row(card: str, first: str) -> list[str]:
    found = [re.split(r"\s{2,}", line) for line in card.split("\n")]
    return next(cells for cells in found if cells[0] == first)


def test_a_runtime_of_the_kernel_and_what_passes_in_it(new_kernel: Any):
    kernel = new_kernel()
    kernel.run("%load_ext nbagents")
    assert "none yet" in kernel.run("%agents topics").card
    assert not kernel.run(AGENTS).error
    cell = """
village = SingleThreadedAgentRuntime()
for name in ("anna", "bert"):
    await Listener.register(village, name, lambda: Listener("listens"))
    await village.add_subscription(TypeSubscription("alarm", name))
await village.add_subscription(TypePrefixSubscription("news.", "bert"))
await village.publish_message(Note("waits"), TopicId("alarm", "x"))
"""
    assert not kernel.run(cell).error
    card = kernel.run("%agents topics").card
    assert "topics of village · this kernel" in card
    assert row(card, "anna") == ["anna", "this kernel", "alarm"]
    assert row(card, "bert") == ["bert", "this kernel", "alarm, news.*"]
    assert row(card, "alarm") == ["alarm", "0", "0", "1"]
    assert not kernel.run("village.start()\nawait village.stop_when_idle()").error
    card = kernel.run("%agents topics").card
    assert row(card, "alarm")[:4] == ["alarm", "1", "2", "0"]
    published, delivered = map(float, row(card, "alarm")[4].removesuffix(" a second").split(" → "))
    assert 0 < published < delivered
    assert row(kernel.run("%agents topics").card, "alarm")[4] == "0.0 → 0.0 a second"
    kernel.run("await village.close()")
    assert "village" not in kernel.run("%agents topics").card


HOST = """
from nbagents.setup import session
address = session().server.client().address
worker = GrpcWorkerAgentRuntime(address)
await worker.start()
await Listener.register(worker, "anna", lambda: Listener("listens"))
await worker.add_subscription(TypeSubscription("alarm", "anna"))
await worker.add_subscription(TypeSubscription("alarm", "poet"))
await worker.add_subscription(TypeSubscription("alarm", "ghost"))
"""
ELSEWHERE = """
import subprocess, sys
code = '''
import asyncio, sys
from nbagents.rpc import GrpcWorkerAgentRuntime
from nbagents.runtime import RoutedAgent, message_handler
from nbagents.topics import MessageContext

class Far(RoutedAgent):
    @message_handler
    async def hear(self, message: str, ctx: MessageContext) -> None:
        pass

async def main():
    worker = GrpcWorkerAgentRuntime(sys.argv[1])
    await worker.start()
    await Far.register(worker, "far", lambda: Far("far away"))
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await worker.stop()

asyncio.run(main())
'''
far = subprocess.Popen([sys.executable, "-c", code, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print(far.stdout.readline(), far.pid)
"""


def test_a_host_its_workers_and_its_own_agents(new_kernel: Any):
    kernel = new_kernel()
    kernel.run("%load_ext nbagents")
    kernel.run("%%agent poet\nYou are a poet.")
    for cell in (AGENTS, HOST):
        assert not kernel.run(cell).error
    started = kernel.run(ELSEWHERE)
    assert "ready" in started.stdout, started.stderr
    pid = started.stdout.split()[-1]
    try:
        card = kernel.run("%agents topics").card
        assert "topics of the agent server of this notebook" in card
        assert row(card, "anna") == ["anna", "this kernel", "alarm"]
        assert row(card, "poet") == ["poet", "the server", "alarm"]
        assert row(card, "ghost") == ["ghost", "nowhere yet", "alarm"]
        assert row(card, "far") == ["far", f"a worker, process {pid}", "far:*"]
        fire = "await worker.publish_message(Note('fire'), TopicId('alarm', 'default'))"
        kernel.run(f"for _ in range(3):\n    {fire}")
        kernel.run("await worker.publish_message(Note('psst'), TopicId('nobody', 'x'))")
        card = kernel.run("%agents topics {address}").card
        assert card.startswith("topics of ")
        assert row(card, "alarm")[:3] == ["alarm", "3", "6"]
        assert row(card, "nobody")[:3] == ["nobody", "1", "0"]
    finally:
        kernel.run("far.communicate(timeout=20); await worker.stop()")
    left = kernel.run("%agents topics").card
    assert "anna" not in left
    assert "far" not in left


def test_what_is_no_address_is_refused(kernel: Any):
    assert "it goes like this: %agents topics [HOST:PORT]" in kernel.run("%agents topics poet").stderr


TALKS = """
from nbagents.runs import Run
from nbagents.runtime import RoutedProxy

class Talker(RoutedAgent):
    @message_handler
    async def talk(self, message: Msg, ctx: MessageContext) -> str:
        await self.publish_message(Note(message.content), TopicId("gossip", "default"))
        return f"I heard {message.content!r}"

worker = GrpcWorkerAgentRuntime(address)
await worker.start()
await Talker.register(worker, "talker", lambda: Talker("talks"))
await Listener.register(worker, "listener", lambda: Listener("listens"))
await worker.add_subscription(TypeSubscription("gossip", "listener"))
ann = RoutedProxy("ann", worker, "talker")
"""


def test_a_workers_agent_is_addressed_in_a_cell_and_its_run_has_a_graph(new_kernel: Any):
    kernel = new_kernel()
    kernel.run("%load_ext nbagents")
    kernel.run("%%agent poet\nYou are a poet.")
    for cell in (AGENTS, HOST.split("worker =")[0], TALKS):
        assert not kernel.run(cell).error
    card = kernel.run("%%agents\n@ann hello there\n@poet {ann}").card
    assert "I heard 'hello there'" in card
    graph = kernel.run("%agents graph").card.split("\n")
    assert "ann → talker: 1" in graph
    assert "talker → #gossip: 1" in graph
    assert "#gossip → listener: 1" in graph
    timeline = kernel.run("%agents timeline").card
    assert "ann" in timeline
    assert "talker" in timeline
    both = kernel.run("%%pipeline ann -> poet\nonce more").card
    assert "I heard 'once more'" in both
    kernel.run("await worker.stop()")
