"""Approvals in a kernel: typed where there is no form, said by an option, and with nobody there."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytestmark = [pytest.mark.notebook, pytest.mark.timeout(180)]

OWN = """\
from pathlib import Path
from nbagents import Msg, ReActAgent, Toolkit
from nbagents.tools import effects

@effects("write")
def save_note(text: str) -> str:
    "Save a note."
    with open("notes.txt", "a") as file:
        file.write(text + "|")
    return "saved"

toolkit = Toolkit()
toolkit.register_tool_function(save_note)
clerk = ReActAgent("clerk", "You help.", "demo-fast", toolkit=toolkit)
def notes():
    path = Path("notes.txt")
    return path.read_text() if path.exists() else ""
"""
SAVE = '%%agents clerk{}\nSave the note "buy umbrellas"'


@pytest.fixture(scope="module")
def shop(kernel: Any) -> Any:
    kernel.run("%load_ext nbagents")
    assert kernel.run(OWN).error == ""
    return kernel


@pytest.mark.parametrize(
    ("answers", "said", "note"),
    [
        (("no umbrellas",), "not allowed: no umbrellas", ""),
        (("yes",), "saved · ", "buy umbrellas|"),
        (("e", '{"text": "other"}'), "changed and approved by you", "buy umbrellas|other|"),
    ],
)
def test_a_person_without_a_form_types_it(shop: Any, answers: Any, said: str, note: str) -> None:
    cell = shop.run(SAVE.format(""), answers=answers)
    assert 'clerk wants to run save_note (write):\n    text = "buy umbrellas"\nAllow it? [' in cell.prompts[0]
    card = "".join(str(output.data.get("text/plain", "")) for output in cell.outputs)
    assert said in card
    assert shop.run("print(notes(), end='')").stdout == note


def test_the_default_of_a_cell_allows_nothing(shop: Any) -> None:
    before = shop.run("print(notes())").stdout
    cell = shop.run(SAVE.format(" --default yes"), answers=("n",))
    assert "a person has said no" in str([output.data for output in cell.outputs])
    assert shop.run("print(notes())").stdout == before


def test_options_and_settings_say_it_and_the_audit_tells(shop: Any) -> None:
    assert "not allowed: no tools that write" in shop.run(SAVE.format(" --approve deny")).card
    assert "saved · " in shop.run(SAVE.format(" --approve auto")).card
    assert "approve: deny" in shop.run("%agents config approve=deny").stdout
    assert "not allowed: no tools that write" in shop.run(SAVE.format("")).card
    assert "approve is auto, ask, deny" in shop.run("%agents config approve=perhaps").stderr
    assert "not allowed: no tools that write" in shop.run(SAVE.format(" --approve auto")).card
    plain = 'clerk(Msg("you", "Save the note \\"buy umbrellas\\"", "user")).content'
    before = shop.run("print(notes())").stdout
    assert "not allowed: no tools that write" in str(shop.run(f"print({plain})").stdout)
    assert shop.run("print(notes())").stdout == before
    shop.run("%agents config approve=ask")
    shown = shop.run("%agents audit").card
    assert "the log is whole" in shown
    assert "by you, changed" in shown
    told = json.loads(shop.run("%agents audit --json").stdout)
    assert told["whole"] is True
    assert {call["decision"] for call in told["calls"]} >= {"person", "edited", "denied", "policy"}
    assert "save_note" in shop.run("%agents audit 1").card
    export = shop.run("%agents export 2 run.md\nprint(Path('run.md').read_text())").stdout
    assert "approved by you" in export


def test_a_tool_that_opens_a_file_goes_to_a_server(shop: Any) -> None:
    cell = shop.run("ReActAgent('scout', 'You help.', 'demo-fast', toolkit=toolkit).to_dist().stop()")
    assert cell.error == ""


def test_with_nobody_there_it_is_a_no_at_once(new_kernel: Any) -> None:
    alone = new_kernel(somebody=False)
    alone.run("%load_ext nbagents")
    alone.run(OWN)
    cell = alone.run(SAVE.format(" --default approve"))
    assert "not allowed: nobody is there to be asked" in cell.card
    assert cell.seconds < 20
    assert alone.run("print(notes(), end='')").stdout == ""
