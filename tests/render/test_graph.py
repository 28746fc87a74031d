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
    graph_picks,
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


def pick_of(view, title):
    """The name that somebody, or a pair, bears in the drawing; with what else is said of it."""
    html = graph_figure(view, 30_000, picks=True)
    found = re.search(rf'<g class="[^"]*" data-pick="(\w+)"([^>]*)><title>{re.escape(title)}: ', html)
    assert found, html
    return found.groups()


def shown(run, title):
    """Whose rows of a run are chosen by somebody or a pair in the drawing, in order."""
    agents = {row.key: row.agent for row in run.view().rows}
    return [agents[key] for key in graph_picks(graph_of(run)).get(pick_of(graph_of(run), title)[0], [])]


def test_what_can_be_chosen_leads_to_the_rows_that_were_said():
    poet, critic = Echo("poet"), Echo("critic")
    with Run("talk") as run:
        run.tell("go")
        x = poet(critic(poet(Msg("user", "go"))))
        x.result(10)
    assert lines(run) == ["you → poet: 1", "poet → critic: 1", "critic → poet: 1"]
    pairs = "you → poet", "poet → critic", "critic → poet"
    assert [shown(run, pair) for pair in pairs] == [["poet"], ["poet"], ["critic"]], (
        "of what you have asked the answer"
    )
    picks = graph_picks(graph_of(run))
    first, second = (picks[pick_of(graph_of(run), pair)[0]] for pair in pairs[:2])
    assert first == second, "it is the same message"
    assert [shown(run, name) for name in ("critic", "poet", "you")] == [["critic"], ["poet", "poet"], ["you"]]
    html = graph_figure(graph_of(run), 30_000, picks=True)
    assert set(re.findall(r'<button type="button" data-pick="(\w+)"', html)) == picks.keys()
    assert set(re.findall(r'<g class="[^"]*" data-pick="(\w+)"', html)) == picks.keys()
    saved = graph_figure(graph_of(run), 30_000)
    assert "<button" not in saved, "where no script runs there is nothing to choose"
    assert "data-pick" not in saved


def test_a_hub_leads_to_what_was_heard_in_it_and_an_agent_to_what_it_showed_besides():
    class Talker(Echo):
        async def reply(self, x=None):
            self.speak(Msg(self.name, "an aside"))
            return Msg(self.name, "said")

    with Run("hub", audience=lambda name: ("b",) if name == "a" else ()) as run:
        Talker("a")(Msg("user", "go")).result(10)
        Echo("b")().result(10)
    assert shown(run, "a") == ["a", "a"]
    assert shown(run, HUB) == ["a"]


def test_what_is_chosen_stays_that_while_others_speak_more():
    youssef, critic = Echo("youssef"), Echo("critic")
    with Run("talk") as run:
        run.tell("go")
        critic(youssef(Msg("user", "go"))).result(10)
        before, titles = graph_of(run), ("you → youssef", "youssef → critic", "youssef", "critic")
        for _ in range(2):
            youssef(critic(Msg("user", "again"))).result(10)
        after = graph_of(run)
    assert [edge.speaker for edge in before.edges] != [edge.speaker for edge in after.edges], "they moved"
    assert [pick_of(before, title) for title in titles] == [pick_of(after, title) for title in titles]
    # What was asked is yours, and not that of somebody whose name begins so.
    asked = [title for title in (*titles, "you") if pick_of(after, title)[1] == " data-asks"]
    assert asked == ["you → youssef", "you"]


def test_a_run_in_which_nobody_speaks():
    with Run("nothing") as run:
        pass
    assert lines(run) == ["nobody has spoken to anybody"]
    assert graph_html(graph_of(run))


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '" onload="x', "&amp;", "\u202edlrow"])
def test_names_are_text(name):
    nodes = NodeView(name, 1, 2, rows=("x",)), NodeView("b")
    view = GraphView(name, nodes, (EdgeView(name, "b", 2, ("x",)),), (name,))
    html = graph_html(view) + graph_figure(view, 30_000, picks=True)
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
