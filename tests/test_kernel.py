"""The kernel "Python 3 (agents)": Python, with the extension loaded before the first cell."""

from __future__ import annotations

from pathlib import Path

import nbclient
import nbformat
import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.notebook
def test_the_magics_are_there_in_the_first_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "kernels").symlink_to(ROOT / "kernels")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    cell = nbformat.v4.new_code_cell("'agents' in get_ipython().magics_manager.magics['cell']")
    notebook = nbformat.v4.new_notebook(cells=[cell])

    nbclient.NotebookClient(
        notebook, kernel_name="nbagents", resources={"metadata": {"path": tmp_path}}
    ).execute()

    assert [
        output.data["text/plain"] for output in cell.outputs if output.output_type == "execute_result"
    ] == ["True"]
