"""Random programs: agents that run at the same time remember exactly what blocking code would have.

A plain, strictly blocking implementation of agents and hubs is the reference. The same random
program runs on both; the memories must be equal, message for message.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import time

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from nbagents.agents import AgentBase
from nbagents.exceptions import DeadlockError
from nbagents.hub import msghub
from nbagents.message import Msg

AGENTS = 5
EXAMPLES = int(os.environ.get("ORDER_EXAMPLES", "15"))


def digest(lines: list[str]) -> str:
    return hashlib.sha256("|".join(lines).encode()).hexdigest()[:8]


class Blocking:
    """The reference: an agent that does everything at once, in order."""

    def __init__(self, name: str) -> None:
        self.name, self.mem, self.audience, self.peers = name, [], (), []

    def __call__(self, x=None):
        said = self.reply(x)
        for listener in self.audience:
            listener.observe(said)
        return said

    def observe(self, x) -> None:
        self.mem.extend(x if isinstance(x, list) else [x])

    def reply(self, x=None):
        if x is not None:
            self.observe(x)
        for peer in self.peers:
            peer(f"{self.name}?{digest(self.mem)}")
        said = f"{self.name}:{digest(self.mem)}"
        self.mem.append(said)
        return said


class BlockingHub:
    def __init__(self, members, announcement=None) -> None:
        self.members, self.announcement = members, announcement

    def connect(self) -> None:
        for member in self.members:
            member.audience = [other for other in self.members if other is not member]

    def __enter__(self):
        self.connect()
        if self.announcement is not None:
            self.broadcast(self.announcement)
        return self

    def __exit__(self, *exc) -> None:
        for member in self.members:
            member.audience = ()

    def broadcast(self, msg) -> None:
        for member in self.members:
            member.observe(msg)

    def add(self, agent) -> None:
        self.members.append(agent)
        self.connect()

    def delete(self, agent) -> None:
        self.members.remove(agent)
        agent.audience = ()
        self.connect()


class Notes(AgentBase):
    """An agent that remembers every message, also one that it was given twice."""

    peers = ()

    def __init__(self, name: str) -> None:
        super().__init__(name, use_memory=False)
        self.notes = []

    def _observe_now(self, x) -> None:
        self.note(x)

    def note(self, x) -> None:
        if x is not None:
            self.__dict__["notes"].extend(x if isinstance(x, list) else [x])

    def lines(self) -> list[str]:
        return [m.content for m in self.__dict__["notes"]]

    def question(self) -> Msg:
        return Msg(self.name, f"{self.name}?{digest(self.lines())}")

    def answer(self) -> Msg:
        said = Msg(self.name, f"{self.name}:{digest(self.lines())}")
        self.note(said)
        return said


class Async(Notes):
    async def reply(self, x=None):
        self.note(x)
        if random.random() < 0.3:
            await asyncio.sleep(random.random() * 0.002)
        for peer in self.peers:
            await peer(self.question())
        return self.answer()


class Threaded(Notes):
    def reply(self, x=None):
        self.note(x)
        if random.random() < 0.3:
            time.sleep(random.random() * 0.002)
        for peer in self.peers:
            _ = peer(self.question()).content
        return self.answer()


class OwnObserve(Async):
    async def observe(self, x) -> None:
        await asyncio.sleep(0)
        self.note(x)


step = st.tuples(
    st.sampled_from(
        ["none", "arg", "last", "list", "bc", "bclast", "obs", "add", "del", "exit", "enter", "read"]
    ),
    st.integers(0, AGENTS - 1),
    st.integers(0, 50),
)


def play(program, agents, hub_of, say, read, always_hub: bool) -> None:
    said: list = []
    members = list(agents) if always_hub else list(agents[:3])
    hub = hub_of(members, say("init"))
    hub.__enter__()
    for number, (op, i, j) in enumerate(program):
        agent = agents[i]
        recent = said[-1 - j % min(len(said), 5)] if said else None
        if op == "none":
            said.append(agent())
        elif op == "arg":
            said.append(agent(say(f"m{number}")))
        elif op == "last" and said:
            said.append(agent(recent))
        elif op == "list" and said:
            said.append(agent([said[-1], say(f"l{number}"), recent]))
        elif op == "bc" and hub:
            hub.broadcast(say(f"b{number}"))
        elif op == "bclast" and hub and said:
            hub.broadcast(recent)
        elif op == "obs" and said:
            agent.observe(recent)
        elif op == "read" and said and j < 10:
            read(recent)
        elif not always_hub:
            if op == "add" and hub and agent not in members:
                hub.add(agent)
            elif op == "del" and hub and agent in members and len(members) > 1:
                hub.delete(agent)
            elif op == "exit" and hub:
                hub.__exit__(None, None, None)
                hub = None
            elif op == "enter" and not hub:
                members = [agents[(i + d) % AGENTS] for d in range(2 + j % 3)]
                hub = hub_of(members, say(f"ann{number}"))
                hub.__enter__()
    if hub:
        hub.__exit__(None, None, None)


def compare(program, seed: int, graph, always_hub: bool) -> None:
    random.seed(seed)
    reference = [Blocking(f"a{i}") for i in range(AGENTS)]
    ours = [kind(f"a{i}") for i, kind in enumerate([Async, Threaded, OwnObserve, Async, Threaded])]
    for i, peers in graph.items():
        reference[i].peers = [reference[p] for p in peers]
        ours[i].peers = [ours[p] for p in peers]
    play(program, reference, BlockingHub, lambda text: text, lambda said: said, always_hub)
    play(program, ours, msghub, lambda text: Msg("u", text), lambda said: said.content, always_hub)
    for blocking, agent in zip(reference, ours, strict=True):
        assert [m.content for m in agent.notes] == blocking.mem, agent.name


thorough = settings(
    phases=[Phase.explicit, Phase.generate],
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@thorough
@given(st.lists(step, min_size=200, max_size=200), st.integers(0, 9999))
def test_flat_programs_keep_the_order_of_blocking_code(program, seed) -> None:
    compare(program, seed, {}, always_hub=False)


GRAPHS = [
    {0: [1]},
    {0: [1, 2]},
    {0: [1], 1: [2], 2: [3]},
    {1: [0, 2], 0: [3]},
    {4: [0, 1], 0: [1], 1: [2, 3]},
]


@thorough
@given(st.lists(step, min_size=60, max_size=60), st.integers(0, 9999), st.sampled_from(GRAPHS))
def test_agents_that_consult_each_other_keep_the_order_of_blocking_code(program, seed, graph) -> None:
    compare(program, seed, graph, always_hub=True)


class Gossip(AgentBase):
    peers = ()

    async def reply(self, x=None):
        if self.peers and (x is None or x.name == "u"):
            await asyncio.gather(*(peer(Msg(self.name, "q")) for peer in self.peers))
        await asyncio.sleep(random.random() * 0.001)
        return Msg(self.name, "m")


class ThreadedGossip(Gossip):
    def reply(self, x=None):
        if self.peers and (x is None or x.name == "u"):
            for asked in [peer(Msg(self.name, "q")) for peer in self.peers]:
                _ = asked.content
        return Msg(self.name, "m")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_agents_that_all_ask_each_other_never_hang(seed: int) -> None:
    random.seed(seed)
    for round_ in range(20):
        agents = [random.choice([Gossip, ThreadedGossip])(f"g{i}") for i in range(8)]
        for agent in agents:
            agent.peers = random.sample(agents, random.randint(0, 4))
        with msghub(agents if round_ % 2 else agents[:2]):
            replies = [random.choice(agents)(Msg("u", number)) for number in range(40)]
        for reply in replies:
            try:
                assert reply.result(20).content == "m"
            except DeadlockError as error:
                pytest.fail(f"untied rings only: {error}")
