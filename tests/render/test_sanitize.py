"""Fragments that come back from a notebook."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from nbagents.message import Msg
from nbagents.render import (
    AgentCardView,
    MemoryView,
    RunView,
    TableView,
    agent_line_html,
    banner_html,
    clean_html,
    memory_html,
    message_html,
    run_html,
    table_html,
)


def _bare(html: str) -> str:
    return re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)


def _same(html: str) -> str:
    """Attributes in one order, entities in one spelling."""

    def order(match: re.Match[str]) -> str:
        found = sorted(re.findall(r'[-a-z]+="[^"]*"', match[2]))
        return f"<{match[1]} {' '.join(found)}>"

    html = html.replace("&#x27;", "'").replace("&quot;", '"').replace("\u00a0", "&nbsp;")
    return re.sub(r"<([a-z0-9]+) ([^>]*)>", order, html)


def test_our_own_fragments_come_through(full_run: RunView):
    text = "# T\n\n- a [x](https://a.example)\n\n|a|b|\n|-|-:|\n|1|2|\n\n7. x\n\n" + "line\n\n" * 20
    for html in (
        run_html(full_run),
        run_html(full_run, live=True),
        memory_html(MemoryView("poet", 9, "demo", (Msg("poet", text), Msg("you", "hi")))),
        message_html(Msg("poet", text), color=17, is_demo=True),
        agent_line_html(AgentCardView("poet", 0, "ready", True)),
        banner_html(["nbagents ready", "model: demo"], ["help: `%agents?`"]),
        table_html(TableView(("a",), (("b",),), "c", (1,))),
    ):
        assert _same(clean_html(html)) == _same(_bare(html))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ('<p class="nba-note jp-Cell">x</p>', '<p class="nba-note">x</p>'),
        ('<p style="left:1.00%;width:2.00%">x</p>', '<p style="left:1.00%;width:2.00%">x</p>'),
        ('<p style="left:1.00%;background:url(//evil.example)">x</p>', "<p>x</p>"),
        ('<p style="width:99999%">x</p>', "<p>x</p>"),
        ('<p id="x" data-x="1" onclick="x()" tabindex="7" role="button">x</p>', "<p>x</p>"),
        ("<style>p{}</style><script>x</script>y<!-- z -->", "y"),
        ('<img src="https://evil.example/x.png" alt="x">', '<img alt="x">'),
        ('<a href="https://u@evil.example">x</a>', None),
        ('<a href="javascript:x">x</a>', '<a target="_blank" rel="noopener noreferrer nofollow">x</a>'),
        ('<a href="data:text/html,x">x</a>', '<a rel="noopener noreferrer nofollow" target="_blank">x</a>'),
        ("<svg><text>x</text></svg><form><b>y</b><input></form>", "<b>y</b>"),
        ("\ud800x", "?x"),
    ],
)
def test_a_strangers_fragment_is_harmless(given: str, kept: str | None, read: Callable[[str], Any]):
    cleaned = clean_html(given)
    assert read(cleaned).findings == []
    if kept is not None:
        assert cleaned == kept


def test_cleaning_twice_changes_nothing(full_run: RunView):
    once = clean_html(run_html(full_run))
    assert clean_html(once) == once
