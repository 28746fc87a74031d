"""The tutorials run as they stand, say the same each time, and leave nothing behind."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import jupytext
import pytest
from nbclient import NotebookClient

pytestmark = [pytest.mark.notebook, pytest.mark.timeout(180)]
TUTORIALS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.md"))
RUN_ONCE = {"06", "07", "08", "09", "10", "11", "12", "13", "14", "15", "16", "17"}
"""What these show is shown by others too, which run twice."""
TIMES = re.compile(
    r"(?s:\n+wall .*)"  # a timeline is only drawn where something took long enough to be seen
    r"|\d+\.\d+(?:–\d+\.\d+)? ?s|\d+\.\d× parallel|[█▒░▚· ]{4,}|run \d+|0 s +"
)


def executed(path: Path, folder: Path) -> list[str]:
    """Run a tutorial in a real kernel; return what each code cell shows, as text."""
    notebook = jupytext.read(path)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    return [
        "\n".join(
            # What a kernel prints comes in one piece or, where it paused, in two: no line more for that.
            str(output.get("text") or output.get("data", {}).get("text/plain", "")).rstrip("\n")
            for output in cell.outputs
            if output.get("name") != "stderr"
        )
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_a_tutorial_runs_and_says_the_same_twice(path: Path, tmp_path: Path) -> None:
    first = executed(path, tmp_path)
    assert any("not an AI" in text for text in first)
    if path.stem[:2] in RUN_ONCE:
        return
    second = executed(path, tmp_path)
    # How long it took differs, and with it where the bars begin; every word is the same.
    assert [TIMES.sub("", text) for text in first] == [TIMES.sub("", text) for text in second]


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_a_tutorial_is_valid_and_unchanged_as_a_python_script(path: Path) -> None:
    notebook = jupytext.read(path)
    script = jupytext.writes(notebook, fmt="py:percent")
    compile(script, path.stem, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    back = jupytext.reads(script, fmt="py:percent")
    assert [cell.source for cell in back.cells] == [cell.source for cell in notebook.cells]


def test_the_demo_prints_the_conversation_and_leaves_a_notebook_and_a_page(tmp_path: Path) -> None:
    environment = {**os.environ, "OPENAI_API_KEY": "sk-false-0123456789", "HTTPS_PROXY": "http://127.0.0.1:9"}
    command = [sys.executable, "-m", "nbagents.cli", "demo", "--output", "out"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"poet · \d+\.\d s", done.stdout)
    assert "× parallel" in done.stdout
    assert "APPROVED" in done.stdout
    assert "sk-false" not in done.stdout + done.stderr
    assert done.stderr == ""
    page = (tmp_path / "out" / "01-first-conversation.html").read_text()
    assert "APPROVED" in page
    assert "<script" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert (tmp_path / "out" / "01-first-conversation.ipynb").is_file()
    assert str(tmp_path / "out" / "01-first-conversation.html") in done.stdout


def test_the_demo_says_where_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    command = [sys.executable, "-m", "nbagents.cli", "demo", "--output", "taken"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "cannot write to taken" in done.stderr
    assert "Traceback" not in done.stderr
