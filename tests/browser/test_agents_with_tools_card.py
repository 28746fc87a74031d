"""``%%agent --tools`` in JupyterLab: a person sees what the agent wants to call, allows it, or says no."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

FORM = ".jp-OutputArea-output .nba-asks"
TOOLS = """\
from nbagents.tools import effects

PLACE = "THERE"

@effects("write")
def save_note(text: str) -> str:
    "Save a note."
    with open(PLACE, "a") as file:
        file.write(text + "|")
    return f"saved {len(text)} characters"

def count_words(text: str) -> int:
    "Count the words of a text."
    return len(text.split())
"""
CELLS = [
    "%load_ext nbagents",
    TOOLS,
    "%%agent clerk --tools save_note,count_words\nYou keep the notes of a shop.",
    '%%agents clerk\nSave the note "buy umbrellas"',
    '%%agents clerk\nSave the note "buy boots"',
    "%%agent clerk --tools count_words --approve ask\nYou keep the notes of a shop.",
    '%%agents clerk\ncount words of "grey beads shine"',
    "%%agent clerk",
    "print([message.content for message in clerk.memory.get_memory() if message.role == 'system'][-1])",
]


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (400, True)], ids=["wide", "narrow-dark"])
def test_the_exact_call_is_shown_and_runs_only_if_allowed(desk: Any, width: int, dark: bool) -> None:
    desk.start("lab")
    place = desk.folder / "notes.txt"
    desk.write("a.ipynb", [cell.replace("THERE", str(place)) for cell in CELLS])
    notebook = desk.open("a.ipynb", width=width, dark=dark)
    if dark:
        notebook.use_theme("JupyterLab Dark")

    def asked(cell: int) -> Any:
        notebook.run(cell, wait=False)
        form = notebook.page.locator(FORM)
        form.get_by_role("button", name="Approve", exact=True).wait_for(timeout=60_000)
        notebook.page.wait_for_timeout(500)  # what is clicked at once counts for nothing
        return form

    for cell in range(3):
        notebook.run(cell)
    assert "tools save_note, count_words" in notebook.shown(2)

    form = asked(3)
    text = form.inner_text()
    assert "clerk wants to run save_note" in text
    assert "it may write" in text
    assert '"buy umbrellas"' in text
    assert not place.exists()
    found = Axe().run(notebook.page, context=FORM, options={"resultTypes": ["violations"]})
    assert found.violations_count == 0, found.generate_report()
    notebook.picture(f"tools-asked-{width}")
    form.get_by_role("button", name="Approve", exact=True).click()
    notebook.finished()
    notebook.wait_text(3, "you approved it")
    assert "saved 13 characters" in notebook.shown(3)
    assert "approved by you" in notebook.shown(3)
    assert place.read_text() == "buy umbrellas|"
    notebook.picture(f"tools-allowed-{width}")

    form = asked(4)
    form.get_by_role("button", name="Deny…").click()
    form.get_by_label("why not").fill("no boots today")
    form.get_by_label("why not").press("Enter")
    notebook.finished()
    notebook.wait_text(4, "you did not allow it: no boots today")
    assert "not allowed: no boots today" in notebook.shown(4)
    assert place.read_text() == "buy umbrellas|"
    notebook.run(8)  # and so was its model
    assert "no boots today" in notebook.text(8)

    notebook.run(5)
    assert "tools updated · 8 messages kept" in notebook.shown(5)
    form = asked(6)  # it says nothing of what it does, and yet
    assert "count_words" in form.inner_text()
    form.get_by_role("button", name="Approve", exact=True).click()
    notebook.finished()
    notebook.wait_text(6, "you approved it")
    notebook.run(7)
    assert "tools count_words (approve: ask)" in notebook.shown(7)
    notebook.picture(f"tools-over-{width}")
