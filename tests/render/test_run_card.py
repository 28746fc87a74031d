"""The run card: everything is in it, it stays small, and it reads without its looks."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from nbagents.render import ErrorView, RowView, RunView, SectionView, run_html, run_text
from nbagents.render._fitting import CAP

Read = Callable[[str], Any]


def _rows(count: int, text: str = "I agree, mostly.") -> tuple[RowView, ...]:
    return tuple(
        RowView(f"agent{i}", f"Message {i}. {text}", i % 12, "done", 0.1 * i, 8) for i in range(count)
    )


def test_a_card_says_everything_in_words(full_run: RunView, read: Read):
    text = read(run_html(full_run)).text
    for part in (
        "run 14 · pipeline (optimist, pessimist) → judge ✗ failed 5.0 s · 3 messages · 1,288 tok · $0.0123",
        "you Shall we refactor ‹what: the tokenizer›? ‹n: 3›",
        "{thing} left as is",
        "optimist gpt-4o-mini ✓\ufe0e done 2.5 s · 1,204 tok It will pay.",
        "pessimist demo · not an AI ■ stopped · 3.1 s · 84 tok no never stopped by you",
        "— pass 2 of 3 —",
        "judge ✗ failed · 1.6 s printed: step 1 step 2 ✗ judge could not reach its model It refused."
        " Try: run ollama serve details Traceback line 3",
        "me ⚑ waiting for you · 4.0 s",
        "wall 5.0 s · work 7.0 s · 1.4× parallel",
        "pessimist 0.5–3.3 s (queued 0.5 s, tool 0.4 s)",
        "result → verdict",
    ):
        assert part in text


def test_a_card_has_the_right_bones(full_run: RunView, read: Read):
    reading = read(run_html(full_run))
    assert reading.tags[0] == "section"
    assert reading.tags.count("article") == 4
    assert "judge, message 3 of 4" in reading.labels
    assert "run: run 14 · pipeline (optimist, pessimist) → judge" in reading.labels
    assert reading.findings == []


def test_the_text_twin_says_who_how_long_and_what_ran_in_parallel(full_run: RunView):
    text = run_text(full_run)
    assert text.startswith("run 14 · pipeline (optimist, pessimist) → judge · ✗ failed · 5.0 s · 3 messages")
    for line in (
        "you: Shall we refactor ‹what: the tokenizer›? ‹n: 3›",
        "⚠ `{thing}` left as is",
        "optimist · 2.5 s · 1,204 tok · gpt-4o-mini",
        "  It will **pay**.",
        "pessimist · ■ stopped · 3.1 s · 84 tok · demo · not an AI",
        "— pass 2 of 3 —",
        "  ✗ judge could not reach its model",
        "    Try: run `ollama serve`",
        "  | step 1",
        "wall 5.0 s · work 7.0 s · 1.4× parallel",
    ):
        assert line in text.split("\n")
    lane = next(line for line in text.split("\n") if line.startswith("pessimist  ▒"))
    assert re.fullmatch(r"pessimist  ▒+█+▚+ +0\.5–3\.3 s \(queued 0\.5 s, tool 0\.4 s\)", lane)


def test_a_run_of_one_after_another_draws_no_lanes(full_run: RunView):
    lanes = (
        replace(full_run.lanes[0], spans=((0.0, 1.0, "model"),)),
        replace(full_run.lanes[1], spans=((1.0, 2.0, "model"),)),
    )
    view = replace(full_run, lanes=lanes)
    assert "parallel" not in run_text(view)
    assert "█" not in run_text(view)
    assert '<div class="nba-foot nba-more"><details><summary><span class="nba-toggle">timeline' in run_html(
        view
    )


def test_the_demo_model_is_never_called_an_ai(read: Read):
    html = run_html(RunView("r", rows=(RowView("poet", "x", 0, is_demo=True, model="demo"),)))
    assert "demo · not an AI" in read(html).text
    assert "nba-isdemo" in html


def test_a_live_card_grows_and_tells(full_run: RunView, read: Read):
    rows = (
        RowView("poet", "Grey **beads** on", 0, "running", 6.2, 84, live=True),
        RowView("critic", "Too *long* by far", 1, "done", 1.6),
        RowView("judge", "", 2, "running", 3.0, live=True),
        RowView("editor", "", 3, "waiting", live=True),
    )
    html = run_html(RunView("run 15", "running", 6.2, rows), live=True)
    text = read(html).text
    assert "poet is writing 6.2 s · 84 tok Grey **beads** on" in text
    assert "judge is thinking 3.0 s" in text
    assert "editor ◔ waiting" in text
    assert "Too long by far" in text
    assert '<div class="nba-log" role="log" aria-live="off">' in html
    assert re.search(r'role="status">critic finished, 4 words, 1\.6 s</p>', html)
    assert html.count('class="nba-caret"') == 1
    told = run_html(RunView("r", "running", rows=rows, announcement="run stopped by you"), live=True)
    assert 'role="status">run stopped by you</p>' in told


def test_a_live_card_of_many_shows_those_at_work(read: Read):
    rows = (*_rows(20), RowView("slow", "still here", 0, "running", live=True), *_rows(20))
    text = read(run_html(RunView("r", "running", rows=rows), live=True)).text
    assert "… 27 more slow is writing still here agent10" in text


def test_a_frozen_card_is_quiet(full_run: RunView):
    html = run_html(full_run)
    assert "aria-live" not in html
    assert 'role="status"' not in html
    assert "nba-caret" not in html


def test_a_text_that_grows_shows_its_end():
    text = "\n".join(f"line {i}" for i in range(500))
    html = run_html(RunView("r", "running", rows=(RowView("a", text, 0, "running", live=True),)), live=True)
    assert "line 499" in html
    assert "line 400" not in html
    rows = (RowView("a", "word " * 50_000 + "end", 0, "running", live=True),)
    html = run_html(RunView("r", "running", rows=rows), live=True)
    assert "word end" in html
    assert len(html) < 9000


def test_a_long_message_folds_once_it_is_finished():
    text = "\n".join(f"{i}. point {i}" for i in range(1, 20))
    view = RunView("r", rows=(RowView("a", text),))
    html = run_html(view)
    lead, _, full = html.partition("</summary>")
    assert "all 19 lines, 57 words" in lead
    assert "point 5" in lead
    assert "point 6" not in lead
    assert "<li>point 19</li>" in full
    assert "<details" not in run_html(view, live=True)
    short = run_html(RunView("r", rows=(RowView("a", "\n".join("abc")),)))
    assert "<details" not in short.partition('<div class="nba-foot nba-more">')[0]


def test_what_was_written_is_folded_at_the_foot(read: Read):
    rows = (RowView("a", "It is **bold** <b>"), RowView("b", "$x^2$"), RowView("c", ""))
    html = run_html(RunView("r", rows=rows))
    assert (
        '<span class="nba-toggle">raw</span></summary><pre>a:\nIt is **bold** &lt;b&gt;\n\nb:\n$x^2$</pre>'
        in html
    )
    assert "raw</span>" not in run_html(RunView("r", rows=rows), live=True)
    assert "raw</span>" not in run_html(RunView("r", rows=_rows(60, "word " * 60)))


def test_the_timeline_is_shown_where_it_is_asked_for(full_run: RunView):
    lanes = (replace(full_run.lanes[0], spans=((0.0, 1.0, "model"),)),)
    view = replace(full_run, lanes=lanes)
    assert ">timeline</span>" in run_html(view)
    assert ">timeline</span>" not in run_html(view, timeline=True)
    assert "<figure" in run_html(view, timeline=True)
    assert "█" in run_text(view, timeline=True)


def test_the_middle_of_many_rows_folds(read: Read):
    reading = read(html := run_html(RunView("r", rows=_rows(40))))
    assert "… 27 more" in reading.text
    assert reading.tags.count("article") == 40
    before, folded = html.split("<details", 1)
    assert "Message 2." in before
    assert "Message 3." not in before
    after = folded.split("</details>", 1)[1].partition("nba-more")[0]
    assert "Message 29." not in after
    assert "Message 30." in after
    assert "more" not in read(run_html(RunView("r", rows=_rows(30)))).text


HUGE = ErrorView("e" * 9000, "m" * 9000, "h" * 9000, "d" * 90_000)
SIZES = {
    "many rows": RunView("r", rows=_rows(400)),
    "long rows": RunView("r", rows=_rows(8, "word " * 20_000)),
    "one huge row": RunView("r", rows=(RowView("a", "# x\n\n" + "|a|b|\n|-|-|\n" * 9000),)),
    "wide letters": RunView("r", rows=_rows(60, "雨" * 5000)),
    "errors": RunView("r", rows=tuple(replace(r, error=HUGE) for r in _rows(25))),
    "prints": RunView("r", rows=tuple(replace(r, printed="p\n" * 50_000) for r in _rows(20))),
    "everything": RunView(
        "t" * 9000, "failed", 1.0, (*_rows(200, "<&>" * 3000), *(SectionView("s" * 900) for _ in range(200))),
        "p" * 90_000, tuple((f"c{i}", "v" * 9000) for i in range(200)), ("n" * 9000,) * 200,
        outcome="o" * 9000,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("live", [False, True])
def test_no_run_takes_more_than_its_share(name: str, live: bool, read: Read):
    view = replace(SIZES[name], saved="runs/13.jsonl")
    html = run_html(view, live)
    assert len(html.encode()) <= CAP == 30_000
    # A live card never holds the middle of many finished rows, so that one is not shortened.
    is_short = live and name == "many rows"
    shown = "… 387 more" if is_short else "shortened to 30 kB; the whole run is in runs/13.jsonl"
    assert shown in read(html).text
    assert read(html).findings == []
    text = run_text(view)
    assert len(text.encode()) <= CAP


def test_lanes_cannot_burst_a_card(full_run: RunView):
    lane = replace(full_run.lanes[0], spans=tuple((i / 10, i / 10 + 0.09, "model") for i in range(900)))
    view = replace(full_run, lanes=(lane,) * 300)
    assert len(run_html(view).encode()) <= CAP
    assert len(run_text(view).encode()) <= CAP


def test_a_small_run_is_not_called_shortened(full_run: RunView):
    assert "shortened" not in run_html(full_run)
    assert "shortened" not in run_text(full_run)


def test_names_stay_in_their_row(read: Read):
    name = "po\u202eet\n\x1b[31m" + "x" * 300
    reading = read(run_html(RunView(name, rows=(RowView(name, "hi"),))))
    assert "poet" in reading.text
    assert "\u202e" not in reading.text
    assert "x" * 200 not in reading.text
    assert run_text(RunView(name, rows=(RowView(name, "hi"),))).count("\n") == 3


def test_a_terminal_escape_does_not_reach_the_terminal():
    text = run_text(RunView("r", rows=(RowView("a", "x\x1b[2J\x1b]0;pwned\x07y\rz\x00"),)))
    assert "xy\n  z" in text
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text)


def test_a_figure_that_is_not_known_is_not_invented():
    html = run_html(RunView("r", rows=(RowView("a", "x"),)))
    assert "$" not in html.partition("</style>")[2]
    assert "tok" not in html.partition("</style>")[2]
    assert "price unknown" in run_html(RunView("r", cost="price unknown"))


def test_an_empty_run_is_shown(read: Read):
    assert read(run_html(RunView("run 1", "waiting"))).text == "run 1 ◔ waiting · 0 messages"
    assert run_text(RunView("run 1", "waiting")) == "run 1 · ◔ waiting · 0 messages"


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 400, 320])
@pytest.mark.parametrize("live", [False, True])
def test_nothing_scrolls_sideways(chromium: Any, full_run: RunView, width: int, live: bool):
    wide = RowView(
        "a_very_long_agent_name_that_goes_on_and_on",
        "w" * 500 + "\n\n```\n" + "c" * 500 + "\n```\n\n|" + "cell|" * 20 + "\n|" + "-|" * 20,
        7, "stopped", 3725.0, 12_345_678, "some-provider/some-very-long-model-name-2026-11-20",
        printed="p" * 500, note="n" * 200, error=ErrorView("e" * 150, "m" * 300, "h" * 200, "d" * 500),
    )  # fmt: skip
    lanes = tuple(replace(lane, agent="W" * 20) for lane in full_run.lanes)
    view = replace(full_run, title="T" * 190, rows=(*full_run.rows, wide), lanes=lanes, prompt="q" * 500)
    page = chromium.new_page(viewport={"width": width, "height": 800})
    page.set_content(f'<!doctype html><body style="margin:0">{run_html(view, live)}</body>')
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()
