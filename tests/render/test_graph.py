"""Who spoke to whom, drawn, listed and as text; and what of it is never markup."""

from __future__ import annotations

import re

import pytest

from nbagents import AgentBase, Msg
from nbagents.render import (
    HUB,
    EdgeView,
    GraphView,
    NodeView,
    RowView,
    RunView,
    graph_figure,
    graph_html,
    graph_text,
    run_html,
    run_text,
)
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


def everybody(count):
    names = [f"agent {number} of a crowd" for number in range(count)]
    edges = [EdgeView(one, other, 900 - n) for n, one in enumerate(names) for other in names if one != other]
    return GraphView("crowd", tuple(NodeView(name, 1, 5) for name in names), tuple(edges))


@pytest.mark.parametrize("cap", [200_000, 30_000, 12_000, 2_000])
def test_what_spoke_least_is_left_out_of_a_card_in_which_there_is_little_room(cap):
    html = graph_figure(everybody(30), cap)
    assert len(html.encode()) <= cap
    assert "agent 0 of a crowd → agent 1 of a crowd: 900" in html
    assert "more pairs" in html
    assert ("<svg" in html) == (cap > 2_000)


@pytest.mark.parametrize("crowd", [6, 30])
@pytest.mark.parametrize(("count", "is_drawn"), [(12, True), (60, False)])
def test_a_graph_leaves_room_for_every_message(crowd, count, is_drawn):
    rows = tuple(RowView(f"agent {n} of a crowd", "word " * 900, 1) for n in range(count))
    view, graph = RunView("crowd", rows=rows), everybody(crowd)
    html, text = run_html(view, graph=graph), run_text(view, graph=graph)
    assert len(html.encode()) <= 30_000
    assert len(text.encode()) <= 30_000
    assert html.count("<article") == run_html(view).count("<article")
    assert ("<svg" in html) == (is_drawn and crowd == 6)
    for shown in (html, text):
        assert "agent 0 of a crowd → agent 1 of a crowd: 900" in shown
