"""Calls of tools in a run: in its card and timeline, in what is written of it; while they run and after."""

from __future__ import annotations

import json
import threading

import pytest

from nbagents import AgentBase
from nbagents.exceptions import CallCancelledError
from nbagents.message import Msg
from nbagents.render import LiveRows, run_html, run_text
from nbagents.runs import Run
from nbagents.runs._export import json_of
from nbagents.tools import Toolkit


class Doer(AgentBase):
    """Calls one tool after the other, each a name and arguments."""

    def __init__(self, name, *functions):
        super().__init__(name)
        self.toolkit = Toolkit()
        for function in functions:
            self.toolkit.register_tool_function(function)

    async def reply(self, x=None):
        for number, (name, given) in enumerate(x.content):
            block = {"type": "tool_use", "id": str(number), "name": name, "input": given}
            await self.toolkit.call_tool_function(block).last()
        return "I have done it."


def add(a: int, b: int) -> int:
    return a + b


def hostile(text: str) -> str:
    return "<img src=x onerror=alert(1)>\nsecond line"


def test_calls_are_shown_with_what_they_were_given_and_answered():
    with Run("sums") as run:
        given = [("add", {"a": 2, "b": 3}), ("add", {"a": "x"}), ("hostile", {"text": "<b>"})]
        Doer("doer", add, hostile)(Msg("user", given)).result()
    text = run_text(run.view())
    assert "add(a=2, b=3) ✓ 5 · 0.0 s" in text
    assert 'add(a="x") ✗ ArgumentTypeError: add takes a, b;' in text
    assert "second line" in text
    html = run_html(run.view())
    assert html.count('<details class="nba-call">') == 3
    assert "answered:</p><pre>5</pre>" in html
    assert "I have done it." in html
    assert "<img" not in html
    assert "<b>" not in html
    assert "- `add(a=2, b=3)` → `5`" in run.to_markdown()
    (row,) = json.loads(json_of(run.view()))["messages"]
    first = row["tools"][0]
    assert (first["name"], first["arguments"], first["result"], first["state"]) == (
        "add",
        "a=2, b=3",
        "5",
        "done",
    )


def test_a_call_that_runs_is_seen_and_one_that_was_stopped_says_so():
    begun, go = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        go.wait(60)
        return "late"

    with Run("slow") as run:
        reply = Doer("doer", slow)(Msg("user", [("slow", {})]))
        assert begun.wait(20)
        view = run.view(live=True)
        (live,) = LiveRows().values(view.rows)
        assert "is calling slow" in live["html"]
        assert "slow() ▶ is running" in run_text(view)
        reply.cancel("stopped by you")
        with pytest.raises(CallCancelledError):
            reply.result()
    go.set()
    text = run_text(run.view())
    assert "slow() ■ stopped · " in text
    assert "tool" in {kind for lane in run.timeline for _, _, kind in lane.spans}


def test_a_tool_that_asks_an_agent_waits_meanwhile():
    gate = threading.Event()

    class Poet(AgentBase):
        def reply(self, x=None):
            gate.wait(0.05)
            return "a poem"

    poet = Poet("poet")

    def ask() -> str:
        return poet().content

    with Run("poem") as run:
        Doer("doer", ask)(Msg("user", [("ask", {})])).result()
    kinds = [kind for lane in run.timeline if lane.agent == "doer" for _, _, kind in lane.spans]
    assert "waits" in kinds
    assert "tool" in kinds
