"""What the README shows is true: its Python runs, its cells run, its commands exist."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

README = (Path(__file__).parents[1] / "README.md").read_text()


def fences(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_the_first_lines_are_the_two_commands() -> None:
    commands = [line.split("#")[0].strip() for line in fences("console")[0].splitlines()]
    assert commands == ["make demo", "make test"]
    assert "pip install nbagents" not in README


def test_the_python_of_the_readme_runs_as_one_script(tmp_path: Path) -> None:
    script = tmp_path / "readme.py"
    script.write_text("\n".join(fences("python")))
    environment = {**os.environ, "NBAGENTS_MODEL": "demo-fast"}
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    assert "poet:" in done.stdout
    (told,) = done.stderr.splitlines()  # who runs a script learns how to allow it
    assert told.startswith("save_note was not allowed, since nobody is there")


@pytest.mark.notebook
def test_the_cells_of_the_readme_run(tmp_path: Path) -> None:
    cells = [text for text in fences("") if text.startswith("%")]
    assert len(cells) == 4
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(text) for text in cells]
    NotebookClient(notebook, timeout=50, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert "APPROVED" in notebook.cells[-1].outputs[0]["data"]["text/plain"]
