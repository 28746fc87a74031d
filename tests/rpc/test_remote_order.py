"""Random programs with half of the agents in a server remember exactly what blocking code would have."""

from __future__ import annotations

import os
import random

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from remote_agents import Notes, digest

from nbagents.hub import msghub
from nbagents.message import Msg

AGENTS = 4
EXAMPLES = int(os.environ.get("NBAGENTS_EXAMPLES", "8"))


class Plain:
    """The reference: an agent that does everything at once, in order."""

    def __init__(self, name: str) -> None:
        self.name, self.notes, self.audience, self.peers = name, [], (), []

    def __call__(self, x=None):
        if x is not None:
            self.observe(x)
        for peer in self.peers:
            peer(f"{self.name}?{digest(self.notes)}")
        said = f"{self.name}:{digest(self.notes)}"
        self.notes.append(said)
        for listener in self.audience:
            listener.observe(said)
        return said

    def observe(self, x) -> None:
        self.notes.extend(x if isinstance(x, list) else [x])


class PlainHub:
    def __init__(self, members, announcement) -> None:
        self.members, self.announcement = members, announcement

    def __enter__(self):
        for member in self.members:
            member.audience = [other for other in self.members if other is not member]
        self.broadcast(self.announcement)
        return self

    def __exit__(self, *exc) -> None:
        for member in self.members:
            member.audience = ()

    def broadcast(self, message) -> None:
        for member in self.members:
            member.observe(message)


def play(program, agents, hub_of, say) -> None:
    said: list = []
    with hub_of(agents, say("hello")) as hub:
        for number, (op, i, j) in enumerate(program):
            agent, recent = agents[i], said[-1 - j % min(len(said), 4)] if said else None
            if op == "none" or not said:
                said.append(agent())
            elif op == "text":
                said.append(agent(say(f"m{number}")))
            elif op == "last":
                said.append(agent(recent))
            elif op == "list":
                said.append(agent([said[-1], say(f"l{number}"), recent]))
            elif op == "observe":
                agent.observe(recent)
            else:
                hub.broadcast(recent if j % 2 else say(f"b{number}"))


step = st.tuples(
    st.sampled_from(["none", "text", "last", "last", "list", "observe", "broadcast"]),
    st.integers(0, AGENTS - 1),
    st.integers(0, 20),
)


@settings(
    phases=[Phase.explicit, Phase.generate],
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(
    st.lists(step, min_size=60, max_size=60),
    st.integers(0, 9999),
    st.sampled_from([{}, {0: [1]}, {0: [1, 3], 2: [3]}]),
)
def test_remote_agents_keep_the_order_of_blocking_code(remote, program, seed, graph) -> None:
    random.seed(seed)
    names = [f"a{i}" for i in range(AGENTS)]
    plain = [Plain(name) for name in names]
    ours = [remote(Notes, name) if i % 2 else Notes(name) for i, name in enumerate(names)]
    for i, peers in graph.items():  # local agents that consult remote ones
        plain[i].peers = [plain[p] for p in peers]
        ours[i].peers = [ours[p] for p in peers]
    play(program, plain, PlainHub, lambda text: text)
    play(program, ours, msghub, lambda text: Msg("u", text))
    for reference, agent in zip(plain, ours, strict=True):
        assert agent(Msg("reader", "notes?")).content == reference.notes, agent.name
