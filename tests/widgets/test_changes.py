"""What the page is told of a run: applied in turn, the changes make the same state as the whole one."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from nbagents.render import EdgeView, GraphView, LaneView, NodeView, RowView, RunView, SectionView
from nbagents.widgets._changes import Changes


def _apply(state: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Do what the page does with a change."""
    rows = {row["key"]: row for row in state["rows"]}
    for part in change.get("rows", []):
        known = rows.get(part["key"], {})
        rest = {name: value for name, value in part.items() if name not in ("add", "more")}
        row = {**known, **rest}
        if "add" in part:
            row["text"] = known["text"] + part["add"]
        if "more" in part:
            row["blocks"] = [*known["blocks"], *part["more"]]
        rows[part["key"]] = row
    order = change.get("order", [row["key"] for row in state["rows"]])
    picks = {**state.get("picks", {}), **change.get("picks", {})}
    picks = {pick: keys for pick, keys in picks.items() if pick not in change.get("gone", [])}
    told = {"picks": picks} if picks or "picks" in state else {}
    return {**state, **change.get("run", {}), **told, "rows": [rows[key] for key in order]}


def _shown(state: dict[str, Any]) -> dict[str, Any]:
    rows = []
    for row in state["rows"]:
        kept = dict(row)
        if not row.get("open"):
            for name in ("blocks", "done", "began", "elapsed"):
                kept.pop(name, None)
        rows.append(kept)
    return {**state, "rows": rows}


def test_changes_add_up_to_the_state():
    random.seed(7)
    words = ["grey ", "beads\n\n", "on **the** ", "glass 🌧 ", "```\ncode\n", "```\n", "- one\n\n"]
    rows: list[RowView | SectionView] = []
    changes = Changes({"run": "r"})
    state, _ = changes.take(RunView("r", "running", 0.0))
    for step in range(300):
        choice = random.random()
        if choice < 0.08 or not rows:
            rows.insert(
                random.randint(0, len(rows)),
                RowView("a", "", 0, "running", live=True, key=f"c{step}", began=float(step)),
            )
        elif choice < 0.1:
            rows.append(SectionView(f"pass {step}", f"s{step}"))
        else:
            place = random.randrange(len(rows))
            row = rows[place]
            if isinstance(row, RowView) and row.live:
                end = random.random() < 0.1
                new = (
                    replace(row, state="done", live=False, elapsed=1.0, began=None)
                    if end
                    else replace(row, text=row.text + random.choice(words))
                )
                rows[place] = new
        lanes = (LaneView("a", 0, ((0.0, step / 10, "model"),)),)
        whole, change = changes.take(RunView("r", "running", step / 10, tuple(rows), lanes=lanes, began=0.0))
        if change:
            state = _apply(state, change)
        assert _shown(state) == _shown(whole)


def test_of_what_can_be_chosen_in_the_graph_only_what_differs_is_sent():
    changes, run = Changes({}), RunView("r", "running", 0.0)
    talks = [EdgeView(f"a{n}", "b", 1, (f"c{n}",) * 50) for n in range(20)]
    state, _ = changes.take(run, GraphView("r", (NodeView("b"),), tuple(talks)))
    assert changes.size > sum(len(key) for keys in state["picks"].values() for key in keys)
    talks[3] = replace(talks[3], count=2, rows=("c3", "d3"))
    talks = [*sorted(talks, key=lambda edge: -edge.count), EdgeView("b", "a0", 1, ("e",))]
    whole, change = changes.take(run, GraphView("r", (NodeView("b"),), tuple(talks)))
    assert change is not None
    assert sorted(change["picks"].values()) == [["c3", "d3"], ["e"]]
    state = _apply(state, change)
    assert state == whole
    whole, change = changes.take(run, GraphView("r", (NodeView("b"),), tuple(talks[:5])))
    assert change is not None
    assert "picks" not in change
    assert len(change["gone"]) == 16
    assert _apply(state, change) == whole


def test_a_text_that_grows_is_sent_once():
    changes, sent, text = Changes({}), 0, ""
    for number in range(200):
        text += f"word {number} "
        row = RowView("a", text, 0, "running", number / 10, live=True, key="c")
        _, change = changes.take(RunView("r", "running", number / 10, (row,)))
        assert change is not None
        sent += sum(len(part.get("add", "")) + len(part.get("text", "")) for part in change["rows"])
    assert sent <= len(text)


def test_time_alone_is_no_news():
    changes = Changes({})
    row = RowView("a", "x", 0, "running", 1.0, live=True, key="c", began=5.0)
    lanes = (LaneView("a", 0, ((0.0, 1.0, "model"),)),)
    state, _ = changes.take(RunView("r", "running", 1.0, (row,), lanes=lanes, began=5.0))
    later = (LaneView("a", 0, ((0.0, 2.0, "model"),)),)
    view = RunView("r", "running", 2.0, (replace(row, elapsed=2.0),), lanes=later, began=5.0)
    same, change = changes.take(view)
    assert change is None
    assert same == state  # a page that is loaded now counts from the same beginning


def test_what_has_ended_says_how_long_it_took():
    changes = Changes({})
    row = RowView("a", "x", 0, "running", 1.0, live=True, key="c", began=5.0)
    changes.take(RunView("r", "running", 1.0, (row,), began=5.0))
    _, change = changes.take(RunView("r", "done", 2.5, (replace(row, state="done", live=False),)))
    assert change is not None
    assert (change["run"]["began"], change["run"]["elapsed"]) == (None, 2.5)


def test_a_text_that_begins_anew_is_sent_whole():
    changes = Changes({})
    row = RowView("a", "One.\n\nTwo.", 0, "running", live=True, key="c")
    changes.take(RunView("r", "running", rows=(row,)))
    _, change = changes.take(RunView("r", "running", rows=(replace(row, text="Other"),)))
    assert change is not None
    (part,) = change["rows"]
    assert (part["text"], part["blocks"], part["done"]) == ("Other", [], 0)
