"""``%agents index`` in a real kernel: a folder becomes an index, and a tool of an agent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.notebook
AGENT = """
from nbagents import ReActAgent, Toolkit
from nbagents.tools import read_text_file
toolkit = Toolkit()
toolkit.register_tool_function(docs)
toolkit.register_tool_function(read_text_file)
clerk = ReActAgent("clerk", "You answer from files.", "demo-fast", toolkit=toolkit)
"""


@pytest.fixture(scope="module")
def notes(kernel: Any) -> Path:
    where = str(kernel.run("import os; print(os.getcwd())").stdout).strip()
    notes = Path(where) / "notes"
    notes.mkdir()
    (notes / "shop.md").write_text("# Shop\nUmbrellas hang in the cellar.\n")
    (notes / "odd.bin").write_bytes(b"\0")
    return notes


def test_a_folder_is_indexed_and_searched(kernel: Any, notes: Path) -> None:
    cell = kernel.run("%agents index notes -o docs --model demo")
    assert cell.card.startswith("● index of notes · 1 passage · 1 new · by words and meaning (demo) · ")
    assert "skipped, not a kind of file that is read: odd.bin" in cell.card
    assert "<strong>index of notes</strong>" in cell.html
    assert "`docs` is the index" in cell.card
    assert ".nbagents-index" not in cell.card
    (line,) = cell.outputs
    assert line.updates >= 1, "it has said how far it was, in the same place"
    assert kernel.run("docs.search('umbrella')[0].where").card == "'shop.md, Shop, line 2'"
    (notes / "bread.md").write_text("Bread is baked at dawn.")
    kernel.run("folder = 'notes'")
    again = kernel.run("%agents index {folder} -m demo")
    assert "2 passages · 1 new · 1 unchanged" in again.card
    assert "`-o docs` makes it a variable" in again.card
    assert kernel.run("len(docs)").card == "2", "it sees what was written"


def test_agents_answer_from_it_here_and_in_a_server(kernel: Any, notes: Path) -> None:
    kernel.run(AGENT)
    assert (
        "“Umbrellas hang in the cellar”, says shop.md, Shop, line 2."
        in kernel.run("%%agents clerk\nWhere do the umbrellas hang?").card
    )
    kernel.run(
        'far = ReActAgent("far", "You answer from files.", "demo-fast", toolkit=toolkit, to_dist=True)'
    )
    told = kernel.run('print(far("When is bread baked?").content)').stdout
    assert told == "“Bread is baked at dawn”, says bread.md, line 1.\n"
    told = kernel.run("""print(far("Call read_text_file 'notes/bread.md'").content)""").stdout
    assert told == "read_text_file returned “Bread is baked at dawn”.\n", "in the folder of this notebook"


def test_what_cannot_be_indexed_says_why(kernel: Any, notes: Path) -> None:
    assert "index takes a folder, and nowhere is none" in kernel.run("%agents index nowhere").stderr
    assert "%agents index notes -o docs" in kernel.run("%agents index").stderr
    assert "index has no option --timeout" in kernel.run("%agents index notes --timeout 3").stderr
    assert "nobody" in kernel.run("%agents index notes -m nobody").stderr


def test_completion_knows_the_command(kernel: Any) -> None:
    assert kernel.complete("%agents ind") == ["index"]
    assert set(kernel.complete("%agents index notes --")) == {"--model", "--output"}
