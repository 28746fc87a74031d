"""The error card, the lines, the table: what they say, in both forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbagents.render import (
    AgentCardView,
    ErrorView,
    TableView,
    agent_line_html,
    agent_line_text,
    banner_html,
    banner_text,
    error_html,
    error_text,
    table_html,
    table_text,
)
from nbagents.render._prompt import prompt_html, prompt_text

Read = Callable[[str], Any]
ERROR = ErrorView(
    "judge: 401 from api.example",
    "The key sk-proj-0123456789abcd was refused.",
    "set `KEY`",
    "Traceback\n  x",
)


def test_an_error_says_what_why_and_what_next(read: Read):
    reading = read(error_html(ERROR))
    assert reading.text == (
        "✗ judge: 401 from api.example The key sk-…abcd was refused. Try: set KEY details Traceback x"
    )
    assert reading.labels == ["error: judge: 401 from api.example"]
    assert error_text(ERROR).split("\n") == [
        "✗ judge: 401 from api.example",
        "  The key sk-…abcd was refused.",
        "  Try: set `KEY`",
        "",
        "  Traceback",
        "    x",
    ]


def test_keys_are_hidden_in_every_part_of_an_error():
    key = "sk-proj-canaryCANARY0123456789"
    view = ErrorView(key, key, key, f"Authorization: Bearer {key}")
    for shown in (error_html(view), error_text(view)):
        assert "canary" not in shown
        assert "0123" not in shown


def test_a_traceback_keeps_its_end(read: Read):
    html = error_html(ErrorView("x", details="a" * 50_000 + "\nValueError: the end"))
    assert "ValueError: the end" in html
    assert len(html) < 20_000


def test_odd_backticks_are_no_code(read: Read):
    html = error_html(ErrorView("x", "run `a` or ` b <i>"))
    assert "run <code>a</code> or ` b &lt;i&gt;" in html


def test_a_line_about_an_agent(read: Read):
    view = AgentCardView("poet", 0, "ready · model demo · `--fresh`", True)
    assert read(agent_line_html(view)).text == "poet ready · model demo · --fresh demo · not an AI"
    assert agent_line_text(view) == "poet ready · model demo · `--fresh` · demo · not an AI"
    assert "\n" not in agent_line_text(AgentCardView("po\net", 0, "a\nb"))


def test_the_banner(read: Read):
    parts, notes = ["nbagents ready", "model: demo"], ["help: `%agents?`"]
    reading = read(banner_html(parts, notes))
    assert reading.text == "● nbagents ready · model: demo help: %agents?"
    assert "strong" in reading.tags
    assert banner_text(parts, notes) == "● nbagents ready · model: demo\n  help: `%agents?`"
    assert banner_text(["starting"], ready=False) == "○ starting"


def test_a_table(read: Read):
    view = TableView(("agent", "model"), (("poet", "demo"), ("critic", "`x`")), "agents", (0, None))
    reading = read(html := table_html(view))
    assert reading.text == "agents agent model poet demo critic x"
    assert '<th scope="col">agent</th>' in html
    assert '<tr class="nba-c0"><td><b class="nba-name" dir="auto">poet</b></td>' in html
    assert table_text(view).split("\n") == ["agents", "agent   model", "poet    demo", "critic  `x`"]


def test_a_great_table_is_cut(read: Read):
    view = TableView(("n",), tuple((str(i),) for i in range(500)))
    assert "… 300 more" in read(table_html(view)).text
    assert table_text(view).endswith("… 300 more")


def test_a_table_may_be_empty(read: Read):
    assert read(table_html(TableView(("a", "b")))).text == "a b"
    assert table_text(TableView(())) == ""


def test_filled_values_stand_where_they_were_filled_in(read: Read):
    html = prompt_html("About {topic}, as {x}", [("topic", "rain"), ("n", "4" * 100)])
    assert read(html).text == f"you About ‹topic: rain›, as {{x}} ‹n: {'4' * 39}…›"
    assert f'title="{"4" * 100}"' in html
    assert prompt_text("{a}{a} {b.c[0]}", [("a", "1"), ("b.c[0]", "2")]) == "‹a: 1›‹a: 1› ‹b.c[0]: 2›"


def test_a_long_prompt_folds(read: Read):
    assert "asked 30 lines" in read(prompt_html("line\n" * 30, [])).text
    assert prompt_html("", []) == ""
