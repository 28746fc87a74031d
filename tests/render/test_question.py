"""A question and its end in two lines, as HTML and as text; hostile words stay words."""

from __future__ import annotations

import re

import pytest

from nbagents.render import QuestionView, question_html, question_text

EVIL = '<script>alert(1)</script><img src=x onerror="alert(2)">'


def words(html: str) -> str:
    plain = re.sub(r"<style>.*?</style>", "", html, flags=re.S)
    return " ".join(re.sub(r"<[^>]*>", " ", plain).split())


@pytest.mark.parametrize(
    ("about", "first", "second"),
    [
        ({}, "editor asks: “Keep it?”", "waiting for your answer"),
        ({"how": "answered", "answer": "yes"}, "editor asked: “Keep it?”", "you answered: “yes”"),
        ({"how": "answered", "fields": [("points", "3")]}, "editor asked: “Keep it?”", "you answered"),
        (
            {"how": "default", "answer": "no"},
            "editor asked: “Keep it?”",
            "nobody answered; taken instead: “no”",
        ),
        ({"how": "timeout"}, "editor asked: “Keep it?”", "nobody answered in time"),
        ({"how": "stopped"}, "editor asked: “Keep it?”", "stopped before it was answered"),
        ({"how": "absent"}, "editor asked: “Keep it?”", "nobody was there to answer"),
        ({"how": "odd"}, "editor asked: “Keep it?”", "it could not be answered"),
        ({"is_turn": True}, "editor your turn: “Keep it?”", "waiting for your answer"),
        (
            {"is_turn": True, "how": "answered", "answer": "x"},
            "editor was asked: “Keep it?”",
            "you answered: “x”",
        ),
    ],
)
def test_how_it_reads(about, first, second):
    view = QuestionView("editor", "Keep it?", **about)
    lines = question_text(view).split("\n")
    assert (lines[0], lines[1].strip()) == (first, second)
    shown = words(question_html(view))
    assert first in shown
    assert second in shown
    for name, value in view.fields:
        assert f"    {name}: {value}" in lines
        assert f"{name} : {value}" in shown


def test_hostile_words_stay_words():
    view = QuestionView(EVIL, EVIL, how="answered", answer=EVIL, fields=[(EVIL, EVIL)])
    html = question_html(view)
    assert "<script" not in html
    assert "<img" not in html
    assert html.count("&lt;script&gt;") >= 4


@pytest.mark.parametrize(
    ("how", "answer", "said"),
    [
        ("", "", "waits until you allow it"),
        ("answered", "approve", "you approved it"),
        ("answered", "approve all", "you approved it, and all like it in this run"),
        ("answered", "arguments", "you changed it, and approved that"),
        ("answered", "deny", "you did not allow it: not <now>"),
        ("timeout", "", "not run: nobody answered in time"),
        ("absent", "", "not run: nobody was there to answer"),
    ],
)
def test_whether_a_tool_was_allowed(how, answer, said):
    view = QuestionView(
        "clerk", how=how, answer=answer, fields=[("text", '"a\\u202eb"')], call="save_note", why="not <now>"
    )
    text, html = question_text(view), question_html(view)
    assert said in text
    assert said.replace("<now>", "&lt;now&gt;") in html
    assert f"clerk {'wanted' if how else 'wants'} to run save_note" in text
    assert "a\\u202eb" in text
    assert "a\\u202eb" in html
