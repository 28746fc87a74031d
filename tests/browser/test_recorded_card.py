"""A replay in a real page: live and in the saved notebook it says what it is, and it is legible."""

from __future__ import annotations

import re
from typing import Any

import pytest
from legible import legible

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

TOOLS = """\
from nbagents.tools import effects

@effects("write")
def save_note(text: str) -> str:
    "Save a note."
    return "saved"
"""
SCRIPT = '%%agents {}\n@poet Write about rain.\n@clerk Save the note "buy umbrellas"'
CELLS = [
    "%load_ext nbagents",
    TOOLS,
    "%%agent poet -m demo\nYou are a poet. You write four short lines. No title.",
    "%%agent clerk -m demo --tools save_note --approve auto\nYou help. Use your tools.",
    SCRIPT.format("-r run.jsonl"),
    "%agents clear poet clerk",
    SCRIPT.format("--replay run.jsonl"),
    "%%agents poet --replay run.jsonl\nWrite about snow.",
]
LABEL = r"replay of demo \(not an AI\), \d{4}-\d\d-\d\d"


def test_a_replay_says_what_it_is(desk: Any) -> None:
    desk.share()
    desk.write("a.ipynb", CELLS)
    notebook = desk.open("a.ipynb")
    for index in range(7):
        notebook.run(index)
    assert "recorded in run.jsonl" in notebook.wait_text(4, "recorded in run.jsonl")
    again = notebook.wait_text(6, "replayed, not run again")
    assert len(re.findall(LABEL, again)) >= 3, "the run, and each row"
    assert "no model, no tool and no person is asked" in again
    legible(notebook, "recorded", {"recording": 4, "replay": 6})
    notebook.run(7)
    notebook.wait_text(7, "record it anew: -r run.jsonl --overwrite")
    notebook.picture("recorded-mismatch")
