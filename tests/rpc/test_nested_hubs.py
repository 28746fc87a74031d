"""Random programs of nested hubs and pipelines, half of the agents in a server, keep the order."""

from __future__ import annotations

import os
import random

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from remote_agents import Notes, digest

from nbagents.hub import msghub
from nbagents.message import Msg
from nbagents.pipelines import (
    FanOutPipeline,
    ForLoopPipeline,
    IfElsePipeline,
    SequentialPipeline,
    SwitchPipeline,
    WhileLoopPipeline,
)

AGENTS = 4
EXAMPLES = int(os.environ.get("NBAGENTS_EXAMPLES", "6"))


class Plain:
    """The reference: an agent that does everything at once, in order."""

    def __init__(self, name: str) -> None:
        self.name, self.notes, self.hubs = name, [], []

    def __call__(self, x=None):
        if x is not None:
            self.observe(x)
        said = f"{self.name}:{digest(self.notes)}"
        self.notes.append(said)
        hearers = [agent for hub in self.hubs if hub.loud for agent in hub.members if agent is not self]
        for agent in dict.fromkeys(hearers):
            agent.observe(said)
        return said

    def observe(self, x) -> None:
        self.notes.extend(x if isinstance(x, list) else [x])


class PlainHub:
    def __init__(self, members, announcement) -> None:
        self.members, self.announcement, self.loud = list(members), announcement, True

    def __enter__(self):
        for member in self.members:
            member.hubs.append(self)
        self.broadcast(self.announcement)
        return self

    def __exit__(self, *exc) -> None:
        for member in self.members:
            member.hubs.remove(self)

    def broadcast(self, message) -> None:
        for member in self.members:
            member.observe(message)

    def add(self, agent) -> None:
        self.members.append(agent)
        agent.hubs.append(self)

    def delete(self, agent) -> None:
        self.members.remove(agent)
        agent.hubs.remove(self)

    def set_auto_broadcast(self, enable: bool) -> None:
        self.loud = enable


def letter(x) -> str:
    """The last letter of what was said, by which pipelines branch."""
    return (x if isinstance(x, str) else x.content)[-1]


def pipelines(a, b, c):
    """One of each kind; they run on agents of ours and on plain ones."""
    return [
        SequentialPipeline([a, b, c]),
        SequentialPipeline([FanOutPipeline([a, b]), c]),
        IfElsePipeline(lambda x: letter(x) < "8", [a, b], c),
        SwitchPipeline(lambda x: letter(x) > "7", {True: a, False: [b, a]}),
        ForLoopPipeline([a, b], 3, lambda x: letter(x) > "b"),
        ForLoopPipeline([a, b], 2),
        WhileLoopPipeline([b, c], lambda i, x: i < 2 and letter(x) < "c"),
    ]


def play(program, agents, hub_of, say) -> None:
    said: list = [agents[0]()]
    hubs: list = []
    for number, (op, i, j) in enumerate(program):
        agent, recent = agents[i], said[-1 - j % min(len(said), 3)]
        hub, members = (hubs[-1], hubs[-1].participants_now) if hubs else (None, [])
        if op == "call":
            said.append(agent(recent if j % 2 else say(f"m{number}")))
        elif op == "pipe":
            trio = [agents[(i + step) % AGENTS] for step in range(3)]
            said.append(pipelines(*trio)[j % 7](recent))
        elif op == "enter" and len(hubs) < 3:
            chosen = [agents[(i + step) % AGENTS] for step in range(2 + j % 3)]
            hub = hub_of(chosen, say(f"welcome {number}"))
            hub.participants_now = list(chosen)
            hub.__enter__()
            hubs.append(hub)
        elif op == "exit" and hubs:
            hubs.pop(j % len(hubs)).__exit__(None, None, None)
        elif op == "broadcast" and hub:
            hub.broadcast(recent)
        elif op == "loud" and hub:
            hub.set_auto_broadcast(j % 2 == 0)
        elif op == "move" and hub and agent not in members:
            hub.add(agent)
            members.append(agent)
        elif op == "move" and hub and len(members) > 1:
            hub.delete(agent)
            members.remove(agent)
    for hub in hubs:
        hub.__exit__(None, None, None)


step = st.tuples(
    st.sampled_from(["call", "call", "pipe", "pipe", "enter", "exit", "broadcast", "loud", "move"]),
    st.integers(0, AGENTS - 1),
    st.integers(0, 20),
)


@settings(
    phases=[Phase.explicit, Phase.generate],
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(step, min_size=50, max_size=50), st.integers(0, 9999))
def test_nested_hubs_and_pipelines_keep_the_order_of_blocking_code(remote, program, seed) -> None:
    random.seed(seed)
    names = [f"a{i}" for i in range(AGENTS)]
    plain = [Plain(name) for name in names]
    ours = [remote(Notes, name) if i % 2 else Notes(name) for i, name in enumerate(names)]
    play(program, plain, PlainHub, lambda text: text)
    play(program, ours, msghub, lambda text: Msg("u", text))
    for reference, agent in zip(plain, ours, strict=True):
        assert agent(Msg("reader", "notes?")).content == reference.notes, agent.name
