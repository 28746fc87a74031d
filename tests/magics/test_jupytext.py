"""Notebooks of ours as scripts and back: nothing is lost, and the script is Python."""

from __future__ import annotations

import ast

import jupytext
import nbformat
import pytest
from jupytext.config import load_jupytext_config
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from nbagents.exceptions import UsageError
from nbagents.magics._jupytext import OURS, tell_jupytext

SOURCES = [
    "%load_ext nbagents",
    '%%agent poet -m demo\nYou write four short lines, it\'s all.\n\nNo title: {topic} {"a": 1}',
    "%%agents poet critic -o both\nIn one sentence: what makes a good poem?\n# not a comment",
    "%%agents\n@alice Name it.\n@bob @carol Vote: {alice}",
    "%%pipeline poet -> critic --loop 3 --until \"'APPROVED' in msg.content\" -o draft\nWrite about {topic}.",
    "%%pipeline critic -> if \"'no' in msg.content\" poet else (editor, critic)\n$x^2$ costs $5",
    "%%msghub alice bob --announce 'Plan.'\nfor _ in range(2):\n    alice()\n    bob()",
    'x = %agents ask poet "one more line"',
    "%agents show poet",
]


def notebook(metadata=None):
    cells = [new_markdown_cell("# Poems"), *map(new_code_cell, SOURCES)]
    return new_notebook(cells=cells, metadata={"kernelspec": KERNEL, **(metadata or {})})


KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
HINT = {"jupytext": {"custom_cell_magics": OURS}}


def sources(nb):
    return [cell.source for cell in nb.cells]


@pytest.mark.parametrize("form", ["py:percent", "py:light", "md:myst", "ipynb"])
def test_a_notebook_comes_back_as_it_was(form):
    nb = notebook(HINT)
    text = jupytext.writes(nb, form) if form != "ipynb" else nbformat.writes(nb)
    back = jupytext.reads(text, form)
    assert sources(back) == sources(nb)


@pytest.mark.parametrize("form", ["py:percent", "py:light"])
def test_a_script_is_python_once_jupytext_knows_our_magics(form):
    ast.parse(jupytext.writes(notebook(HINT), form))
    with pytest.raises(SyntaxError):
        ast.parse(jupytext.writes(notebook(), form))


def test_the_folder_can_be_told_once_for_all_its_notebooks(tmp_path):
    assert tell_jupytext(str(tmp_path)).startswith(f'jupytext.toml: custom_cell_magics = "{OURS}"')
    config = load_jupytext_config(str(tmp_path / "poems.ipynb"))
    text = jupytext.writes(notebook(), "py:percent", config=config)
    ast.parse(text)
    assert sources(jupytext.reads(text, "py:percent", config=config)) == SOURCES_WITH_TITLE
    assert tell_jupytext(str(tmp_path)).startswith("jupytext.toml names them already")


SOURCES_WITH_TITLE = ["# Poems", *SOURCES]


def test_what_stands_in_the_file_is_kept(tmp_path):
    path = tmp_path / "jupytext.toml"
    path.write_text('formats = "ipynb,py:percent"\ncustom_cell_magics = "sql"\n[other]\na = 1\n')
    tell_jupytext(str(tmp_path))
    assert path.read_text() == (
        f'formats = "ipynb,py:percent"\ncustom_cell_magics = "sql,{OURS}"\n[other]\na = 1\n'
    )
    path.write_text("[table]\na = 1\n")
    tell_jupytext(str(tmp_path))
    assert path.read_text().startswith("custom_cell_magics = ")
    path.write_text("custom_cell_magics = '''sql'''\n")
    with pytest.raises(UsageError, match="in a way of its own"):
        tell_jupytext(str(tmp_path))
