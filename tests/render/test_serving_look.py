"""The card of an app that serves: everything is in it, it stays small, what strangers send harms nobody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from nbagents.render import ErrorView, RowView, ServingView, serving_facts, serving_html, serving_text
from nbagents.render._fitting import CAP

Read = Callable[[str], Any]

VIEW = ServingView(
    "Librarian",
    facts=(("address", "`http://127.0.0.1:8080`"), ("health", "answers · 1 under way")),
    line="curl -N -H @/run/x.header http://127.0.0.1:8080/process",
    rows=(
        RowView("ada · talk-1", "The **shelf**.", 0, "done", 0.8, asked="Where is it?", key="1"),
        RowView("bob", "Going on", 1, "running", 2.0, live=True, asked="Tell me more.", key="2"),
        RowView("eve", "", 2, "failed", 0.1, error=ErrorView("it failed", "no such shelf"), key="3"),
    ),
    hidden=4,
    notes=("it serves everybody who reaches it, without a token",),
    outcome="it serves as long as this kernel runs",
    elapsed=83,
)


def test_a_card_says_everything_in_words(read: Read):
    reading = read(serving_html(VIEW, live=True))
    for part in (
        "Librarian ▶\ufe0e running 1 min 23 s",
        "address http://127.0.0.1:8080 health answers · 1 under way",
        "try it curl -N -H @/run/x.header http://127.0.0.1:8080/process",
        "without a token",
        "… 4 more, not shown",
        "ada · talk-1 ✓\ufe0e done 0.8 s asked: Where is it? The shelf.",
        "bob is writing 2.0 s asked: Tell me more. Going on",
        "eve ✗ failed · 0.1 s ✗ it failed no such shelf",
        "it serves as long as this kernel runs",
    ):
        assert part in reading.text
    assert reading.findings == []
    assert reading.tags.count("article") == 3


def test_the_text_twin_says_the_same():
    text = serving_text(VIEW)
    for line in (
        "Librarian · ▶ running · 1 min 23 s",
        "  address  http://127.0.0.1:8080",
        "  try it   curl -N -H @/run/x.header http://127.0.0.1:8080/process",
        "… 4 more, not shown",
        "ada · talk-1 · 0.8 s",
        "  asked: Where is it?",
        "  The **shelf**.",
        "it serves as long as this kernel runs",
    ):
        assert line in text.split("\n"), text
    assert "nobody has asked yet" in serving_text(ServingView("x"))
    assert "nobody has asked yet" in serving_html(ServingView("x"))


def test_a_card_of_many_long_answers_stays_small():
    rows = tuple(RowView(f"user{n}", "äß\n" * 2000, n, key=str(n), asked="q" * 300) for n in range(20))
    view = replace(VIEW, rows=rows)
    for form in (serving_html(view), serving_html(view, live=True), serving_text(view)):
        assert len(form.encode()) <= CAP
        assert "user19" in form


def test_what_strangers_send_stays_text(read: Read):
    evil = "<img src=x onerror=alert(1)></script>"
    row = RowView(evil, evil, 0, asked=evil, key="1", error=ErrorView(evil, evil))
    view = ServingView(evil, facts=((evil, evil),), line=evil, rows=(row,), notes=(evil,), outcome=evil)
    for live in (True, False):
        reading = read(serving_html(view, live=live))
        assert reading.findings == []
        assert "img" not in reading.tags
    assert all("<img" not in html for _, html in serving_facts(view))
