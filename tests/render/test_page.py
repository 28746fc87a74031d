"""The page that stands alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nbagents.render import RunView, markdown_to_html, page_html, run_html


@pytest.fixture
def page_of_all(full_run: RunView) -> str:
    return page_html(
        "A <tour>",
        [
            ("markdown", "# The tour\n\nHello **you**, see [x](https://a.example).\n\n|a|b|\n|-|-|\n|1|2|"),
            ("code", "%%pipeline poet -> critic\nWrite <b>"),
            ("html", run_html(full_run)),
            ("text", "plain <b>\n  text"),
        ],
    )


def test_a_page_has_all_its_cells(page_of_all: str, read: Callable[[str], Any]):
    reading = read(page_of_all)
    assert reading.findings == []
    assert "Hello you, see x (a.example). a b 1 2" in reading.text
    assert "%%pipeline poet -> critic Write <b>" in reading.text
    assert "pessimist demo · not an AI" in reading.text
    assert "plain <b> text" in reading.text
    assert "<title>A &lt;tour&gt;</title>" in page_of_all
    assert "<b>%%pipeline</b> poet -&gt; critic" in page_of_all


def test_a_page_forbids_what_it_does_not_need(page_of_all: str):
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in page_of_all
    assert page_of_all.index("Content-Security-Policy") < page_of_all.index("<style>")


def test_a_page_brings_its_style_once(page_of_all: str):
    assert page_of_all.count("--nba-0:#2c6eba") == 1
    assert ".nba .nba-lanes" in page_of_all


def test_a_page_has_one_first_heading(page_of_all: str):
    assert re.findall("<h1>(.*?)</h1>", page_of_all) == ["The tour"]
    assert re.findall("<h1>(.*?)</h1>", page_html("Tour", [("markdown", "## x")])) == ["Tour"]
    assert "<h1>Empty</h1>" in page_html("Empty", [])


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="no cells of kind 'png'"):
        page_html("x", [("png", "x")])  # type: ignore[list-item]


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400, 320])
def test_a_page_fits_and_fetches_nothing(
    page_of_all: str, chromium: Any, tmp_path: Path, scheme: str, width: int
):
    (tmp_path / "page.html").write_text(page_of_all, "utf-8")
    page = chromium.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    asked: list[str] = []
    faults: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: faults.append(message.text))
    page.goto((tmp_path / "page.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert len(asked) == 1
    assert faults == []
    ground = page.evaluate("getComputedStyle(document.querySelector('.nba')).backgroundColor")
    assert ground == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(30, 30, 30)")
    page.close()


def test_written_prose_flows_where_speech_breaks():
    page = page_html("t", [("markdown", "one\ntwo")])
    assert "one\ntwo" in page
    assert "one<br>" in markdown_to_html("one\ntwo")
