"""Rows for a page that fills in itself what changes: safe, drawn once, in finished blocks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nbagents.render import LiveRows, RowView, RunView, live_run
from nbagents.render._live import finished


@pytest.mark.parametrize(
    "text",
    [
        "One.\n\nTwo\n\n",
        "```python\na = 1\n\nb = 2\n```\nafter\n\n",
        "~~~\n```\n\n~~~\n\n",
        "- a\n\n- b\n\n```\nopen\n\n",
        "````\n```\n\n````\n\n",
    ],
)
def test_a_finished_block_stays_finished_however_the_text_comes(text: str):
    ends = [0]
    for length in range(len(text) + 1):
        end = finished(text[:length], ends[-1])
        assert end >= ends[-1]
        ends.append(end)
    assert ends[-1] == finished(text)


def test_a_fence_is_not_cut():
    assert finished("```\na\n\nb\n") == 0
    assert finished("x\n\n```\na\n\nb\n") == 3


def test_a_growing_row_has_markdown_for_its_finished_blocks():
    rows = LiveRows()
    row = RowView("poet", "**Grey** 🌧\n\nbeads", 0, "running", 1.0, live=True, key="c")
    (value,) = rows.values([row])
    assert value["blocks"] == ["<p><strong>Grey</strong> 🌧</p>\n"]
    assert value["done"] == len("**Grey** 🌧\n\n".encode("utf-16-le")) // 2
    assert value["text"] == row.text
    for slot in ("nba-tick", "nba-grown", "nba-tail"):
        assert f'class="{slot}' in value["html"]
    assert "beads" not in value["html"]
    (later,) = rows.values([replace(row, text=row.text + " on", elapsed=2.0)])
    assert later["html"] is value["html"]


def test_a_finished_row_is_drawn_whole_and_folds():
    (value,) = LiveRows().values([RowView("poet", "\n\n".join("abcdefghijklmnop"), 0, elapsed=1.25, key="c")])
    assert "<details" in value["html"]
    assert "1.2 s" in value["html"]
    assert not value["open"]
    assert "blocks" not in value


def test_hostile_text_stays_text():
    evil = "<img src=x onerror=alert(1)>\n\n<script>x</script>\n\nend"
    (value,) = LiveRows().values([RowView(evil, evil, 0, "running", printed=evil, note=evil, live=True)])
    run = live_run(RunView(evil, "running", prompt=evil, notes=(evil,), outcome=evil))
    html = "".join([value["html"], *value["blocks"], run["above"], run["below"], run["badge"]])
    assert "<img" not in html
    assert "<script" not in html


def test_a_very_long_run_leaves_out_its_middle():
    rows = LiveRows().values([RowView("a", str(n), 0, key=str(n)) for n in range(1000)])
    assert len(rows) < 410
    assert rows[-1]["text"] == "999"
    assert "more, shown at the end" in rows[3]["html"]
