"""Who spoke to whom, drawn, listed and as text; and what of it is never markup."""

from __future__ import annotations

import re

import pytest

from nbagents import AgentBase, Msg
from nbagents.render import HUB, EdgeView, GraphView, NodeView, graph_html, graph_text
from nbagents.runs import Run, graph_of


class Echo(AgentBase):
    async def reply(self, x=None):
        return Msg(self.name, "said")


class Asker(AgentBase):
    def __init__(self, name, other):
        super().__init__(name)
        self.other = other

    async def reply(self, x=None):
        return await self.other()


def lines(run):
    return graph_text(graph_of(run)).splitlines()[1:]


def test_messages_that_are_passed_on_are_counted_late_ones_too():
    poet, critic = Echo("poet"), Echo("critic")
    with Run("talk") as run:
        x = poet(Msg("user", "go"))
        for _ in range(2):
            x = critic(x)  # it may not have arrived yet
            x.result(10)
            x = poet(x)
            x.result(10)
    assert lines(run) == ["poet → critic: 2", "critic → poet: 2", "you → poet: 1"]


def test_who_asks_another_agent_speaks_to_it():
    with Run("asks") as run:
        assert Asker("asker", Echo("editor"))(Msg("user", "go")).content
    assert lines(run) == ["you → asker: 1", "asker → editor: 1"]


def test_a_hub_hears_and_who_was_silent_is_told():
    others = lambda name: tuple(each for each in ("a", "b", "c") if each != name)  # noqa: E731
    with Run("hub", audience=others) as run:
        Echo("a")(Msg("user", "go")).result(10)
        Echo("b")().result(10)
    assert lines(run) == ["you → a: 1", "a → hub: 1", "b → hub: 1", "silent so far: c"]
    assert 'class="nba-hub"' in graph_html(graph_of(run))


def test_a_run_in_which_nobody_speaks():
    with Run("nothing") as run:
        pass
    assert lines(run) == ["nobody has spoken to anybody"]
    assert graph_html(graph_of(run))


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '" onload="x', "&amp;", "\u202edlrow"])
def test_names_are_text(name):
    view = GraphView(name, (NodeView(name, 1, 2), NodeView("b")), (EdgeView(name, "b", 2),), (name,))
    html = graph_html(view)
    assert "<script" not in html
    assert not re.search(r"<[^>\"]*(\"[^\"]*\"[^>\"]*)* onload=", html)
    assert "\u202e" not in html + graph_text(view)


def test_a_crowd_is_drawn_up_to_a_limit_and_the_rest_is_said():
    nodes = tuple(NodeView(f"agent {number}", number, 1) for number in range(200))
    edges = tuple(EdgeView(f"agent {n}", f"agent {n + 1}", 1) for n in range(199))
    html = graph_html(GraphView("crowd", nodes, edges))
    assert "170 more are not drawn" in html
    assert len(html.encode()) < 30_000
    assert html.count("<circle") == 30
    assert HUB == "hub"
