"""Reading an agent's data waits for the calls made before; an agent's own observe queues."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from plain_agents import AsyncDoes, Echo, Gate, awaited

from nbagents.agents import AgentBase
from nbagents.hub import msghub
from nbagents.message import Msg

# --------------------------------------------------------------------- reading an agent's data


class Counter(AgentBase):
    n = 0

    def __init__(self, gate: Gate | None = None) -> None:
        super().__init__("counter")
        self.gate = gate
        self.log: list[int] = []

    def reply(self, x=None):
        if self.gate is not None:
            _ = self.gate("go").content
        self.n += 1
        self.log.append(self.n)
        self.latest = self.n
        return self.n

    @property
    def double(self) -> int:
        return 2 * self.n


@pytest.mark.parametrize("name", ["n", "log", "latest", "double"])
def test_reading_an_agents_data_waits_for_the_calls_made_before(name):
    counter = Counter()
    counter()
    counter()
    assert getattr(counter, name) == {"n": 2, "log": [1, 2], "latest": 2, "double": 4}[name]


def test_reading_the_memory_waits_for_what_the_hub_has_passed_on():
    gate, listener = Gate(), Echo("listener")
    with msghub([gate, listener]):
        gate(Msg("user", "hi"))
    threading.Timer(0.1, gate.open).start()
    assert [m.content for m in listener.memory] == ["hi"]


def test_names_and_methods_are_read_without_waiting():
    counter = Counter(gate := Gate())
    reply = counter()
    assert counter.name == "counter"
    assert len(counter.agent_id) == 32
    assert counter.reply is not None
    assert repr(counter) == "<Counter counter>"
    assert '"name": "counter"' in str(counter)
    assert not reply.done()
    gate.open()
    assert reply.content == 1


def test_on_the_loop_an_agents_data_is_read_as_it_is():
    counter = Counter(gate := Gate())
    counter()

    async def look():
        return counter.n

    assert AsyncDoes("panel", look)().content == 0
    gate.open()
    assert counter.n == 1


def test_a_thread_of_the_agents_own_turn_reads_its_data_without_waiting():
    class Pools(AgentBase):
        def reply(self, x=None):
            self.factor = 3
            with ThreadPoolExecutor(2) as pool:
                return list(pool.map(lambda number: self.factor * number, [1, 2]))

    assert Pools("pools")().result(20).content == [3, 6]


def test_a_thread_waits_for_the_calls_that_it_has_made():
    counter, seen = Counter(), []

    def work() -> None:
        counter()
        seen.append(counter.n)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(20)
    assert seen == [1]


# ----------------------------------------------------------------------------- an own `observe`


class Listens(AgentBase):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.heard: list[str] = []

    def observe(self, x):
        self.heard.append(x.content)
        super().observe(x)
        return len(self.heard)

    def reply(self, x=None):
        self.observe(Msg(self.name, "own"))
        return list(self.heard)


class ListensAsync(Listens):
    async def observe(self, x):
        await asyncio.sleep(0)
        self.heard.append(x.content)
        self._observe_now(x)

    async def reply(self, x=None):
        await self.observe(Msg(self.name, "own"))
        return list(self.heard)


@pytest.mark.parametrize("kind", [Listens, ListensAsync])
def test_an_own_observe_queues_from_outside_and_runs_inside(kind):
    gate, listens = Gate(), kind("listens")
    listens.observe(gate(Msg("user", "late")))
    seen = listens.observe(Msg("user", "soon"))
    reply = listens()
    assert not seen.done()
    gate.open()
    assert reply.content == ["late", "soon", "own"]
    assert [m.content for m in listens.memory] == ["late", "soon", "own"]


def test_the_end_of_an_observe_can_be_waited_for():
    listens = Listens("listens")
    assert asyncio.run(awaited(listens.observe(Msg("user", "hi")))) == 1
    assert listens.observe(Msg("user", "again")).result(10) == 2


def test_a_hub_uses_the_own_observe_that_a_class_mixes_in():
    heard = []

    class Ear:
        def observe(self, x):
            heard.append((threading.current_thread().name, x.content))

    class Mixed(Ear, AgentBase):
        pass

    agent = Mixed("mixed")
    with msghub([agent], announcement=Msg("host", "hello")):
        pass
    assert agent.memory.size() == 0
    assert heard == [("nbagents-worker", "hello")]
