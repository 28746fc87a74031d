"""What the tests of the renderer share: a strict reading of HTML, a well-filled run, a browser."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any

import pytest

from nbagents.render import ErrorView, LaneView, RowView, RunView, SectionView

# fmt: off
TAGS = {
    "a", "article", "b", "blockquote", "body", "br", "caption", "code", "dd", "details", "div", "dl", "dt",
    "em", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "hr", "html", "img",
    "li", "main", "meta", "ol", "p", "pre", "section", "span", "strong", "style", "summary", "table", "tbody",
    "td", "th", "thead", "title", "tr", "ul",
}
ATTRIBUTES = {
    "alt", "aria-hidden", "aria-label", "aria-live", "charset", "class", "content", "dir", "href",
    "http-equiv", "lang", "name", "open", "rel", "role", "scope", "src", "start", "style", "tabindex",
    "target", "title",
}
# fmt: on
PLACE = re.compile(r"left:\d+\.\d\d%;width:\d+\.\d\d%")


class Reading(HTMLParser):
    """What a fragment consists of, and what in it could act, fetch or reach outside its box."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.findings: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.labels: list[str] = []
        self.sheets: list[str] = []
        self._said: list[str] = []
        self._sheet = False
        self.feed(html)
        self.close()

    @property
    def text(self) -> str:
        """All text, as one line, as it is read when every style is gone."""
        return " ".join("".join(self._said).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._sheet = tag == "style"
        self._said.append("" if tag in ("a", "b", "code", "em", "span", "strong") else " ")
        if tag not in TAGS:
            self.findings.append(f"<{tag}>")
        for name, value in attrs:
            self._attribute(tag, name, value or "")

    def _attribute(self, tag: str, name: str, value: str) -> None:
        bad = name not in ATTRIBUTES
        if name == "href":
            self.links.append(value)
            bad = tag != "a" or not re.match(r"(https?://|mailto:)\S+$", value)
        elif name == "src":
            bad = tag != "img" or not re.match(r"data:image/(png|jpe?g|gif|webp);base64,[\w+/=]+$", value)
        elif name == "style":
            bad = not PLACE.fullmatch(value)
        elif name == "class":
            bad = not re.fullmatch(r"((nba[-a-z0-9]*|mathjax_\w+|prose|code|out|shown) ?)+", value)
        elif name == "name":
            bad = tag != "meta"
        elif name == "http-equiv":
            bad = value != "Content-Security-Policy"
        elif name == "aria-label":
            self.labels.append(value)
        if bad:
            self.findings.append(f"<{tag} {name}={value[:60]!r}>")

    def handle_endtag(self, tag: str) -> None:
        self._sheet = False
        self._said.append("" if tag in ("a", "b", "code", "em", "span", "strong") else " ")

    def handle_data(self, data: str) -> None:
        if not self._sheet:
            self._said.append(data)
            return
        self.sheets.append(data)
        if re.search(r"url\(|@import|expression|javascript|</", data):
            self.findings.append("a style sheet that reaches out")

    def handle_comment(self, data: str) -> None:
        self.findings.append(f"<!--{data[:40]}-->")

    def handle_pi(self, data: str) -> None:
        self.findings.append(f"<?{data[:40]}>")


@pytest.fixture(scope="session")
def read() -> Callable[[str], Reading]:
    """Read HTML; the ``findings`` must be empty."""
    return Reading


@pytest.fixture
def full_run() -> RunView:
    """A run with one of everything."""
    error = ErrorView(
        "judge could not reach its model", "It refused.", "run `ollama serve`", "Traceback\n  line 3"
    )
    return RunView(
        "run 14 · pipeline (optimist, pessimist) → judge",
        "failed",
        5.0,
        (
            RowView("optimist", "It will **pay**.", 0, "done", 2.5, 1204, "gpt-4o-mini"),
            RowView("pessimist", "- no\n- never", 1, "stopped", 3.1, 84, "demo", True, note="stopped by you"),
            SectionView("pass 2 of 3"),
            RowView("judge", "", 2, "failed", 1.6, error=error, printed="step 1\nstep 2"),
            RowView("me", "", None, "human", 4.0),
        ),
        "Shall we refactor {what}?",
        (("what", "the tokenizer"), ("n", "3")),
        ("`{thing}` left as is",),
        (
            LaneView("optimist", 0, ((0.0, 2.5, "model"),)),
            LaneView("pessimist", 1, ((0.0, 0.5, "queued"), (0.5, 2.9, "model"), (2.9, 3.3, "tool"))),
            LaneView("judge", 2, ((0.0, 3.3, "waiting"), (3.3, 5.0, "model"))),
        ),
        tokens=1288,
        cost=0.0123,
        outcome="result → verdict",
        error=error,
    )


# One module long: while Playwright runs, no other test of this process can run an event loop.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A headless browser."""
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    options = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync")
    quiet = ("--disable-background-networking", "--disable-component-update")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*options, *quiet])
        yield browser
        browser.close()
