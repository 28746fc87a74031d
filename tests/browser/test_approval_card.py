"""A person allows the tools of agents from the notebook: sees the call, changes it, says no and why."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

FORM = ".jp-OutputArea-output .nba-asks"
TOOLS = """\
from pathlib import Path
from nbagents import ReActAgent, Toolkit
from nbagents.tools import effects

NOTES = "PLACE"

@effects("write")
def save_note(text: str, *, place: str, api_key: str) -> str:
    "Save a note."
    with Path(place).open("a") as file:
        file.write(text + "|")
    return f"saved {len(text)} characters"

toolkit = Toolkit()
toolkit.register_tool_function(save_note, preset_kwargs={"place": NOTES, "api_key": "no-one-sees-it"})
clerk = ReActAgent("clerk", "You help.", "demo", toolkit=toolkit)
scout = ReActAgent("scout", "You help.", "demo", toolkit=toolkit, to_dist=True)
"""
HIDDEN = 'x"; DROP\u202e \u200bgnihton\x1b[2K\u3164' + "long " * 2000
CELLS = [
    "%load_ext nbagents",
    TOOLS,
    '%%agents clerk\nSave the note "buy umbrellas"',
    '%%agents scout\nSave the note "buy boots"',
    '%%agents scout\nSave the note "buy hats"',
    '%%agents clerk\nSave the note "one" and then save the note "two"',
    f"block = {{'type': 'tool_use', 'id': '1', 'name': 'save_note', 'input': {{'text': {HIDDEN!r}}}}}\n"
    "print((await toolkit.call_tool_function(block).last()).text)",
    '%%agents clerk --approve deny\nSave the note "never"',
    "%agents audit",
]


def asked(notebook: Any, cell: int) -> Any:
    notebook.run(cell, wait=False)
    form = notebook.page.locator(FORM)
    form.get_by_role("button", name="Approve", exact=True).wait_for(timeout=60_000)
    notebook.page.wait_for_timeout(500)  # what is clicked at once counts for nothing
    return form


def notes(desk: Any) -> list[str]:
    path = desk.folder / "notes.txt"
    return path.read_text().split("|")[:-1] if path.exists() else []


def violations(notebook: Any) -> int:
    options = {"resultTypes": ["violations"]}
    found = Axe().run(notebook.page, context=FORM, options=options)
    assert found.violations_count == 0, found.generate_report()
    return found.violations_count


def test_calls_are_approved_changed_and_denied(desk: Any) -> None:
    desk.start("lab")
    desk.write("a.ipynb", [cell.replace("PLACE", str(desk.folder / "notes.txt")) for cell in CELLS])
    notebook = desk.open("a.ipynb")
    notebook.run(0)
    notebook.run(1)

    form = asked(notebook, 2)
    assert "wants to run save_note" in form.inner_text()
    assert "it may write" in form.inner_text()
    assert '"buy umbrellas"' in form.inner_text()
    assert form.locator("dt").first.bounding_box()["height"] < 30  # a page's own style breaks it by letters
    fixed = form.get_by_label("what it is given each time").inner_text()
    assert str(desk.folder / "notes.txt") in fixed
    assert "api_key" not in fixed
    assert "no-one-sees-it" not in form.inner_text()
    assert notes(desk) == []
    violations(notebook)
    notebook.picture("approval-light")
    form.get_by_role("button", name="Approve", exact=True).click()
    notebook.finished()
    text = notebook.wait_text(2, "you approved it")
    assert "approved by you" in notebook.shown(2)
    assert "clerk wanted to run save_note" in text
    assert notes(desk) == ["buy umbrellas"]

    form = asked(notebook, 3)  # this one lives in a server
    form.get_by_role("button", name="Edit args").click()
    draft = form.get_by_label("its arguments, as JSON")
    draft.fill('{"text": "buy shoes"')
    notebook.picture("approval-edit")
    form.get_by_role("button", name="Approve these").click()
    form.get_by_text("this is no JSON").wait_for()
    assert notes(desk) == ["buy umbrellas"]
    draft.fill('{"text": "buy shoes"}')
    form.get_by_role("button", name="Approve these").click()
    notebook.finished()
    notebook.wait_text(3, "you changed it, and approved that")
    assert "changed and approved by you" in notebook.shown(3)
    assert notes(desk)[1:] == ["buy shoes"]

    form = asked(notebook, 4)
    form.get_by_role("button", name="Deny…").click()
    form.get_by_label("why not").fill("no hats today")
    notebook.picture("approval-deny")
    form.get_by_label("why not").press("Enter")
    notebook.finished()
    notebook.wait_text(4, "you did not allow it: no hats today")
    assert "not allowed: no hats today" in notebook.shown(4)
    assert notes(desk)[2:] == []

    form = asked(notebook, 5)
    form.get_by_role("button", name="Approve all save_note").click()
    notebook.finished()
    notebook.wait_text(5, "and all like it in this run")
    assert notes(desk)[2:] == ["one", "two"]
    notebook.picture("approval-over")

    notebook.run(7)
    assert "not allowed: no tools that write may be called here" in notebook.shown(7)
    notebook.run(8)
    shown = notebook.shown(8)
    assert "the log is whole" in shown
    assert "by you, for its run" in shown
    notebook.picture("approval-audit")


def test_nothing_of_a_call_hides_in_the_dark_on_a_narrow_page(desk: Any) -> None:
    desk.start("lab")
    desk.write("a.ipynb", [cell.replace("PLACE", str(desk.folder / "notes.txt")) for cell in CELLS])
    notebook = desk.open("a.ipynb", width=400, dark=True)
    notebook.use_theme("JupyterLab Dark")
    notebook.run(0)
    notebook.run(1)
    form = asked(notebook, 6)
    given = form.locator(".nba-given:not(.nba-fixed)")
    text = given.inner_text()
    assert "\\u202e \\u200bgnihton\\u001b[2K\\u3164" in text
    assert not any(letter in text for letter in "\u202e\u200b\x1b\u3164")
    assert text.count("long ") == 2000
    box = given.bounding_box()
    assert box["height"] < 400  # it scrolls
    assert box["width"] < 400
    violations(notebook)
    notebook.picture("approval-dark-narrow")
    form.get_by_role("button", name="Approve", exact=True).focus()
    notebook.page.keyboard.press("Escape")  # means nothing here
    form.get_by_role("button", name="Deny…").click()
    notebook.page.keyboard.press("Escape")
    form.get_by_role("button", name="Approve", exact=True).wait_for()
    form.get_by_role("button", name="Deny…").click()
    form.get_by_role("button", name="Deny", exact=True).click()
    notebook.finished()
    assert "was not allowed: a person has said no" in notebook.text(6)
    assert notes(desk) == []
