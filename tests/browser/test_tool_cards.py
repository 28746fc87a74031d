"""Calls of tools in a real page: seen while they run in a server, and in the saved notebook."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

TOOLS = """\
import asyncio
from nbagents import ReActAgent, Toolkit

async def count_words(text: str) -> int:
    "Count the words of a text."
    await asyncio.sleep(3)
    return len(text.split())

async def look_up(item: str) -> str:
    "Look up an item."
    raise LookupError(f"there is no {item} <b>here</b>")

def draw() -> list:
    "Draw a red dot."
    data = ("iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4//8/w38GIAXDIBKE0DHxgljNBAAO"
            "9TXL0Y4OHwAAAABJRU5ErkJggg==")
    return [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}]

toolkit = Toolkit()
toolkit.register_tool_function(count_words)
toolkit.register_tool_function(draw)
toolkit.register_tool_function(look_up)
clerk = ReActAgent("clerk", "You help.", "demo", toolkit=toolkit, to_dist=True)
"""
CELLS = [
    "%load_ext nbagents",
    TOOLS,
    '%%agents clerk\nPlease count words of "grey beads shine on the glass"',
    '%%agents clerk --view timeline\nLook up the item "hat"',
    "%%agents clerk\nDo this.\n\n1. draw\n2. count_words: a b",
]


def test_calls_are_seen_while_they_run_and_in_the_saved_notebook(desk: Any) -> None:
    desk.share()
    desk.write("a.ipynb", CELLS)
    notebook = desk.open("a.ipynb")
    notebook.run(0)
    notebook.run(1)
    notebook.run(2, wait=False)
    row = notebook.page.locator('.nba-live.nba-run article[aria-label^="clerk,"]')
    row.get_by_text("is calling count_words").wait_for(timeout=30_000)
    notebook.picture("tools-live")
    notebook.finished()
    notebook.wait_text(2, "6 · 3.")
    notebook.run(3)
    notebook.run(4, wait=False)
    shown = 'img.nba-picture[alt="picture 1 from clerk"]'
    # What a tool draws is seen while the next one runs.
    drawn = notebook.page.locator(f".nba-live.nba-run article:has({shown})")
    drawn.get_by_text("is calling count_words").wait_for(timeout=30_000)
    notebook.finished()
    notebook.wait_text(4, "a picture")
    width = f"document.querySelector('.nba-run:not(.nba-live) {shown}')?.naturalWidth"
    notebook.page.wait_for_function(f"{width} === 5", timeout=30_000)
    notebook.save()
    call = notebook.page.locator("details.nba-call").first
    call.locator("summary").click()
    call.get_by_text("answered:").wait_for()
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        notebook.use_theme(theme)
        notebook.picture(f"tools-{theme.split()[-1].lower()}")
    saved = json.loads((desk.folder / "a.ipynb").read_text())
    html = "".join(
        "".join(output["data"]["text/html"]) for cell in saved["cells"][2:] for output in cell["outputs"]
    )
    assert "count_words(text=" in html
    assert "there is no hat &lt;b&gt;here&lt;/b&gt;" in html
    assert "nba-tool" in html
