"""Thinking, tool calls and results: folded in the card, named in the text, and never markup."""

from __future__ import annotations

from typing import Any

import pytest

from nbagents.message import Msg
from nbagents.render import (
    FoldView,
    LiveRows,
    RowView,
    RunView,
    message_html,
    message_text,
    run_html,
    run_text,
    split_content,
)
from nbagents.render._folds import folds_html, folds_lines

BLOCKS: list[dict[str, Any]] = [
    {"type": "thinking", "thinking": "Count the words first."},
    {"type": "tool_use", "id": "1", "name": "count_words", "input": {"text": "Grey beads", "max": 4}},
    {"type": "tool_result", "id": "1", "name": "count_words", "output": [{"type": "text", "text": "2"}]},
    {"type": "text", "text": "It has **two** words."},
]


def test_they_are_folded_before_what_is_said():
    said, folds = split_content(BLOCKS)
    assert said == "It has **two** words."
    html = run_html(RunView("r", rows=(RowView("critic", said, 0, folds=folds),)))
    assert html.count("<details>") == 4
    for summary in (
        "thinking, 4 words",
        "calls count_words(text=&quot;Grey beads&quot;, max=4)",
        "result of count_words: 2",
    ):
        assert f"{summary}</span></summary>" in html
    assert html.index("Count the words first.") < html.index("<strong>two</strong>")
    (live,) = LiveRows().values([RowView("critic", said, 0, folds=folds)])
    assert live["html"].count("<details>") == 3


def test_the_text_names_them():
    said, folds = split_content(BLOCKS)
    text = run_text(RunView("r", rows=(RowView("critic", said, 0, folds=folds),)))
    assert '  calls count_words(text="Grey beads", max=4)\n  result of count_words: 2' in text
    assert "Count the words first" not in text


def test_a_message_by_itself_folds_them_too():
    html = message_html(Msg("critic", BLOCKS))
    assert html.count("<details>") == 3
    assert "thinking, 4 words" in message_text(Msg("critic", BLOCKS))


@pytest.mark.parametrize(
    "content",
    ["x", None, [], 3, {"type": "thinking"}, [{"type": 4}], [{"type": "text", "text": "x"}, "y"], [["a"]]],
)
def test_what_has_no_such_blocks_is_said_as_before(content: Any):
    from nbagents.render import content_text

    assert split_content(content) == (content_text(content), ())


@pytest.mark.parametrize("kind", ["thinking", "tool_use", "tool_result", "tool_call", "reasoning"])
@pytest.mark.parametrize(
    "value", ["<img src=x onerror=alert(1)>", {"<b>": ["</pre><script>"]}, None, 5, [[]], {}]
)
def test_strange_blocks_are_shown_as_text(kind: str, value: Any):
    block = {"type": kind, "name": "<script>", "input": value, "output": value, kind: value}
    said, folds = split_content([block])
    assert said == ""
    html = run_html(RunView("r", rows=(RowView("a", said, 0, folds=folds),)))
    assert "<img" not in html
    assert "<script" not in html


def test_they_do_not_break_the_size(tmp_path: Any):
    block = {"type": "thinking", "thinking": "long " * 100_000}
    said, folds = split_content([block] * 12)
    view = RunView("r", rows=tuple(RowView("a", said, 0, folds=folds) for _ in range(40)))
    assert len(run_html(view).encode()) <= 30_000
    assert len(run_text(view).encode()) <= 30_000


@pytest.mark.parametrize(
    ("state", "approval", "said"),
    [
        ("running", "asked", "waits until you allow it"),
        ("running", "approved", "is running · approved by you"),
        ("done", "approved", "17 · 0.2 s · approved by you"),
        ("done", "edited", "17 · 0.2 s · changed and approved by you"),
        ("done", "granted", "17 · 0.2 s · approved for this run"),
        ("done", "", "17 · 0.2 s"),
        ("denied", "denied", "not allowed: too late"),
    ],
)
def test_who_allowed_a_call_is_said(state, approval, said):
    answer = "Error: count was not allowed: too late" if state == "denied" else "17"
    fold = FoldView.of_call("count", {"text": "a"}, answer, state, 0.2, approval)
    html, lines = folds_html([fold]), folds_lines([fold])
    assert said in html
    assert lines[0].endswith(said)
