"""A notebook that nobody watches: nothing hangs, nothing flickers, and twice is the same."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

pytestmark = pytest.mark.notebook

POET = "%%agent poet\nYou are a poet. You write four short lines about what you are asked. No title."
CRITIC = """%%agent critic
You are a strict editor. If there are at most 20 words reply APPROVED, else say what to cut."""
LOOP = """%%pipeline poet -> critic --loop 3 --until "'APPROVED' in msg.content" -o verdict
Write about rain."""


def _execute(folder: Path, *cells: str, allow_errors: bool = False) -> Any:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in cells])
    options = {"timeout": 50, "allow_errors": allow_errors, "resources": {"metadata": {"path": str(folder)}}}
    NotebookClient(notebook, kernel_name="python3", **options).execute()
    return notebook


def _texts(cell: Any) -> list[str]:
    return [
        output.get("text") or output.get("evalue") or output["data"]["text/plain"] for output in cell.outputs
    ]


TIMES = re.compile(r"\n\nwall (?s:.*?)(?=\n\n|\Z)|\d+\.\d s")
"""Durations, and the lanes below: they are drawn where two were seen at work at the same time."""


def _untimed(text: str) -> str:
    return TIMES.sub("", text)


def test_the_first_conversation_twice_with_the_same_words(tmp_path: Path):
    cells = (
        "%load_ext nbagents",
        POET,
        CRITIC,
        "%%agents poet critic\nWho are you?",
        LOOP,
        "verdict.content",
        "%%msghub poet critic --announce 'Plan a picnic.'\npoet(); critic()",
        "poet('Hello.')",
        "%agents",
    )
    one, two = (_execute(tmp_path, *cells) for _ in range(2))
    for first, second in zip(one.cells, two.cells, strict=True):
        assert [_untimed(text) for text in _texts(first)] == [_untimed(text) for text in _texts(second)]
    assert _texts(one.cells[5]) == ["'APPROVED'"]
    for cell in one.cells[:5]:
        (output,) = cell.outputs
        assert set(output["data"]) == {"text/html", "text/plain"}
        assert 'role="log"' not in output["data"]["text/html"]
        assert "<script" not in output["data"]["text/html"]
        assert len(output["data"]["text/html"].encode()) < 31_000
    banner = one.cells[0].outputs[0]["data"]["text/plain"]
    assert banner.startswith("● nbagents ready · agent server ends with this kernel · model: demo")
    assert "pid" not in banner
    shown = [output for output in one.cells[7].outputs if "data" in output]
    assert shown[0]["data"]["text/plain"].startswith("poet\n  Hello.")


def test_the_background_is_joined_at_the_end_of_the_cell(tmp_path: Path):
    notebook = _execute(
        tmp_path, "%load_ext nbagents", POET, "%%agents poet -b -o later\nHello.", "later.done()"
    )
    assert "poet · ✓ done" in notebook.cells[2].outputs[0]["data"]["text/plain"]


def test_an_error_stops_the_notebook_and_the_card_says_why(tmp_path: Path):
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(code)
            for code in (
                "%load_ext nbagents",
                "%%agent broken -m demo-error\nYou are broken.",
                "%%agents broken\nHello.",
                "1 / 0",
            )
        ]
    )
    client = NotebookClient(notebook, timeout=50, resources={"metadata": {"path": str(tmp_path)}})
    with pytest.raises(CellExecutionError, match="ModelUnavailableError"):
        client.execute()
    card, error = notebook.cells[2].outputs
    assert "✗ broken got no answer from its model" in card["data"]["text/plain"]
    assert len(error["traceback"]) == 2
    assert notebook.cells[3].outputs == []


def test_a_usage_error_stops_it_too(tmp_path: Path):
    with pytest.raises(CellExecutionError):
        _execute(tmp_path, "%load_ext nbagents", "%%agents nobody\nHello.", "1")


def test_a_person_who_is_not_there_has_a_default_or_fails_at_once(tmp_path: Path):
    notebook = _execute(
        tmp_path,
        "%load_ext nbagents",
        "%%agent me --kind user",
        "%%agents me --default 'all right' -o said\nWell?",
        "said.content",
        "%%agents me\nWell?",
        allow_errors=True,
    )
    assert _texts(notebook.cells[3]) == ["'all right'"]
    card, error = notebook.cells[4].outputs
    assert "nobody is there to answer" in error["evalue"]
    assert "--default TEXT" in card["data"]["text/plain"]


def test_an_absent_person_may_be_said_to_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NBAGENTS_HUMAN", "fail")
    notebook = _execute(
        tmp_path,
        "%load_ext nbagents",
        "%%agent me --kind user\nKeep the last line?",
        "import time; began = time.monotonic()",
        "%%agents me --default yes\nWell?",
        "assert time.monotonic() - began < 5, time.monotonic() - began",
        "from nbagents.agents import UserAgent\nUserAgent('own', default='yes')('Well?').content",
        allow_errors=True,
    )
    assert "me asks 'Keep the last line?' and nobody is there" in notebook.cells[3].outputs[1]["evalue"]
    assert notebook.cells[4].outputs == []
    assert "nobody is there" in notebook.cells[5].outputs[0]["evalue"]


def test_an_agent_of_the_notebook_asks_nobody_outside_of_our_cells_too(tmp_path: Path):
    notebook = _execute(
        tmp_path,
        "%load_ext nbagents",
        "from nbagents.agents import UserAgent",
        "UserAgent('me', default='as you like')('Well?').content",
        "UserAgent('me')('Well?').content",
        allow_errors=True,
    )
    assert _texts(notebook.cells[2]) == ["'as you like'"]
    assert "nobody is there to answer" in notebook.cells[3].outputs[0]["evalue"]


def test_each_run_has_agents_of_its_own(tmp_path: Path):
    ask = "%%agents poet -q -o said\nHello."
    for _ in range(2):
        notebook = _execute(tmp_path, "%load_ext nbagents", POET, ask, "poet.memory.size()")
        assert _texts(notebook.cells[1])[0].startswith("poet ready")
        assert _texts(notebook.cells[3]) == ["2"]


def test_no_server_is_left_behind(tmp_path: Path):
    _execute(tmp_path, "%load_ext nbagents", POET)
    folder = Path(os.environ["JUPYTER_RUNTIME_DIR"]) / "nbagents"
    owners = [path.read_text() for path in folder.glob("*.json")] if folder.exists() else []
    assert [text for text in owners if '"process"' in text] == []
