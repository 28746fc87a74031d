"""Markdown of a message: what is shown, where links lead, what it may cost."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from nbagents.render import markdown_to_html, text_to_html
from nbagents.render._markdown import markdown_lead


def test_structure_is_kept():
    html = markdown_to_html("# T\n\n**b** *i* `c`\n\n- x\n- y\n\n> q\n\n---\n\n```py\nx < 1\n```")
    for part in (
        "<h4>T</h4>",
        "<strong>b</strong>",
        "<em>i</em>",
        "<code>c</code>",
        "<li>x</li>",
        "<blockquote>",
        "<hr>",
    ):
        assert part in html
    assert "<pre><code>x &lt; 1\n</code></pre>" in html


def test_a_line_of_a_poem_stays_a_line():
    assert "glass,<br>\nthe gutter" in markdown_to_html("Grey beads on the glass,\nthe gutter hums")


def test_headings_take_their_rank():
    assert "<h1>a</h1>" in markdown_to_html("# a", heading=1)
    assert "<h6>a</h6>" in markdown_to_html("##### a")


def test_a_table_scrolls_in_its_own_box():
    html = markdown_to_html("|a|b|\n|-|-:|\n|1|2|")
    assert '<div class="nba-scroll" role="region" aria-label="table" tabindex="0"><table>' in html
    assert '<th scope="col">a</th>' in html
    assert '<td class="nba-right">2</td>' in html


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("[log in](https://evil.example/bank.example)", "log in (evil.example)"),
        ("[https://bank.example](https://evil.example/)", "https://bank.example (evil.example)"),
        ("[https://bank.example.evil](https://bank.example/)", "https://bank.example.evil (bank.example)"),
        ("[bank.example](https://evil.example:8443/)", "bank.example (evil.example:8443)"),
        ("[x](https://bänk.example/)", "x (xn--bnk-qla.example)"),
        ("[x](mailto:a@b.example)", "x (a@b.example)"),
        ("<https://a.example/b>", "https://a.example/b"),
        ("[https://a.example](https://a.example/b)", "https://a.example"),
        ("[a.example](https://a.example/)", "a.example"),
    ],
)  # fmt: skip
def test_a_link_shows_where_it_leads(markdown: str, shown: str, read: Callable[[str], Any]):
    reading = read(markdown_to_html(markdown))
    assert reading.text == shown
    assert len(reading.links) == 1


def test_a_link_needs_a_click_and_tells_nobody():
    html = markdown_to_html("[x](https://a.example)")
    assert 'target="_blank"' in html
    assert 'rel="noopener noreferrer nofollow"' in html


@pytest.mark.parametrize(
    "address",
    ["/api/kernels", "#x", "../x", "ftp://a.example", "https://u:p@a.example/", "http://a.example:99999/"],
)
def test_other_addresses_are_only_shown(address: str, read: Callable[[str], Any]):
    reading = read(markdown_to_html(f"[x]({address})"))
    assert reading.links == []
    assert address in reading.text


def test_a_picture_becomes_its_description_and_a_link(read: Callable[[str], Any]):
    reading = read(markdown_to_html("![a chart](https://evil.example/p.png?d=SECRET)"))
    assert reading.text == "[image: a chart https://evil.example/p.png?d=SECRET]"
    assert reading.links == ["https://evil.example/p.png?d=SECRET"]
    assert "img" not in reading.tags


def test_a_small_raster_picture_may_be_inside():
    assert '<img src="data:image/png;base64,iVBORw0KGgo=" alt="dot">' in markdown_to_html(
        "![dot](data:image/png;base64,iVBORw0KGgo=)"
    )
    assert "<img" not in markdown_to_html(f"![dot](data:image/png;base64,{'A' * 30_000})")


@pytest.mark.parametrize(
    "formula",
    [
        "$a*b*c$",
        r"$\frac{a}{b}$",
        "$$x_1 * y_1 * z$$",
        r"\(a_1 \le b\)",
        r"\[ \{1, 2\} \]",
        "$$\na\n+ b \\\\\n- c\n$$",
    ],
)
def test_a_formula_stays_as_typed(formula: str, read: Callable[[str], Any]):
    reading = read(markdown_to_html(f"So {formula} holds." if "\n" not in formula else formula))
    assert " ".join(formula.split()) in reading.text
    assert not {"em", "ul"} & set(reading.tags)


def test_money_is_no_formula(read: Callable[[str], Any]):
    html = markdown_to_html("from $5 to *at most* $10, or \\$3")
    assert read(html).text == "from $5 to at most $10, or $3"
    assert html.count('<span class="mathjax_ignore">$</span>') == 3
    assert "<em>at most</em>" in html


def test_what_is_too_long_is_cut_with_a_note(read: Callable[[str], Any]):
    html = markdown_to_html("word " * 50_000)
    assert len(html) < 110_000
    assert "shortened: 100,000 of 250,000 characters are shown" in read(html).text


N = 100_000
HARD = {
    "brackets": "[" * N,
    "pictures": "![" * (N // 2),
    "emphasis": "*a_ " * (N // 4),
    "many stars": "**x [a*b" * (N // 8),
    "less than": "<a " * (N // 3),
    "backticks": "".join("`" * i + " " for i in range(1, 440)),
    "quotes": "> " * (N // 2) + "x",
    "lists": "- " * (N // 2),
    "nested list": "".join(" " * (2 * i) + "- a\n" for i in range(300)),
    "wide table": "|a" * (N // 4) + "\n" + "|-" * (N // 4),
    "long table": "a|b\n-|-\n" + "x|y\n" * (N // 4),
    "links": "[a](" * (N // 4),
    "references": "".join(f"[a{i}]: u\n" for i in range(4000)) + "[a1]" * 8000,
    "dollars": "$a " * (N // 3),
    "formulas": r"\[" * (N // 2),
    "open formulas": "$$a\n" * (N // 4),
    "entities": "&#1114111;" * (N // 10),
    "lines": "a\n" * (N // 2),
}


@pytest.mark.parametrize("name", HARD)
def test_no_text_takes_long_or_grows_without_bound(name: str):
    start = time.process_time()
    html = markdown_to_html(HARD[name])
    # Ten times what was measured; what is quadratic takes minutes.
    assert time.process_time() - start < 8
    assert len(html) < 12 * N


def test_an_odd_text_is_shown_as_text():
    assert markdown_to_html("[" * 30_000) == text_to_html("[" * 30_000)


def test_plain_text_keeps_lines_and_marks():
    assert text_to_html("**a**\r\n <b>\x1b[1mx") == '<p class="nba-text">**a**<br> &lt;b&gt;x</p>'


def test_the_lead_is_words_without_marks():
    text = "# Title\n\nSome **bold** [x](https://a.example)\nnext\n\n2. two\n- dash\n\n```\ncode\n```"
    assert markdown_lead(text, 5).split("\n") == [
        "Title",
        "Some bold x (a.example)",
        "next",
        "2. two",
        "• dash",
    ]
