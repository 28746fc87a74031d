"""What an agent remembers, shown and changed by a person in a real JupyterLab."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
CELLS = [
    "%load_ext nbagents",
    "%%agent poet\nYou are a poet. You write four short lines.",
    "%%agents poet\nWrite about rain.",
    "%agents show poet",
    "sent = len(poet.memory); words = poet.memory.get_memory()[0].content; print(sent, words)",
    "poet('Write about the sea.').content[:1]",
]
PANEL = ".nba-memory.nba-live"
expect.set_options(timeout=20_000)


def entry(notebook, text):
    return notebook.page.locator(f"{PANEL} .nba-entry", has_text=text)


def test_a_person_changes_what_is_remembered_takes_it_back_and_forgets(desk):
    desk.share()
    desk.write("memory.ipynb", CELLS)
    notebook = desk.open("memory.ipynb")
    for index in range(4):
        notebook.run(index)
    page = notebook.page
    page.wait_for_selector(PANEL)
    entry(notebook, "Write about rain.").get_by_role("button", name=re.compile("^edit")).click()
    page.locator(f"{PANEL} textarea").fill("Write about snow.")
    page.locator(PANEL).get_by_role("button", name="save").click()
    expect(entry(notebook, "Write about snow.")).to_be_visible()
    entry(notebook, "Write about snow.").get_by_role("button", name=re.compile("^keep it")).click()
    expect(entry(notebook, "muted")).to_be_visible()

    page.get_by_role("tab", name="As sent").click()
    sent = page.locator(f"{PANEL} .nba-raw")
    expect(sent).to_contain_text("You are a poet.")
    expect(sent).not_to_contain_text("snow")
    page.get_by_role("tab", name="As chat").click()

    notebook.run(4)
    assert "2 Write about snow." in notebook.text(4)
    for _ in range(2):
        page.get_by_role("button", name="take the last change back").click()
    expect(entry(notebook, "Write about rain.")).to_be_visible()
    notebook.run(4)
    assert "2 Write about rain." in notebook.text(4)

    # It is pleasant to look at, and accessible.
    found = Axe().run(page, context=PANEL)
    serious = [v["id"] for v in found.response["violations"] if v["impact"] in ("serious", "critical")]
    assert serious == []
    entry(notebook, "Write about rain.").get_by_role("button", name=re.compile("^keep it")).press("Enter")
    again = entry(notebook, "muted").get_by_role("button", name=re.compile("^send it to the model again"))
    expect(again).to_be_focused()  # the keyboard stays where it was
    notebook.picture("memory-light", PANEL)
    notebook.use_theme("JupyterLab Dark")
    notebook.picture("memory-dark", PANEL)
    page.set_viewport_size({"width": 400, "height": 900})
    notebook.picture("memory-narrow-dark", PANEL)
    notebook.use_theme("JupyterLab Light")
    notebook.picture("memory-narrow", PANEL)

    # It follows the agent, and forgets what came after.
    notebook.run(5)
    expect(entry(notebook, "Write about the sea.")).to_be_visible()
    entry(notebook, "Write about rain.").get_by_role("button", name=re.compile("^forget the 3 after")).click()
    expect(page.locator(f"{PANEL} .nba-entry")).to_have_count(2)
    notebook.run(4)
    assert notebook.text(4).startswith("1 ")
