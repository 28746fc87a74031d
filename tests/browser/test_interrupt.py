"""Interrupting the kernel, as a person does it, stops the run of the cell and nothing else."""

from __future__ import annotations

import time

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


def test_an_interrupted_cell_is_free_at_once_and_the_next_one_works(desk) -> None:
    desk.share()
    cells = [
        "%load_ext nbagents",
        "%%agent talker -m demo-long\nYou are a lecturer.",
        "%%agents talker\nTell me everything.",
        "print(talker('Everything.').content)",
        "print('free')",
        "%agents",
    ]
    desk.write("a.ipynb", cells)
    notebook = desk.open("a.ipynb")
    notebook.run(0)
    notebook.run(1)
    for index in (2, 3):
        notebook.run(index, wait=False)
        if index == 2:
            notebook.page.wait_for_function(
                "document.querySelectorAll('.jp-Cell')[2].querySelector('article')?.innerText.length > 150"
            )
        else:
            notebook.page.wait_for_function(
                "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'busy'"
            )
            notebook.page.wait_for_timeout(500)
        began = time.monotonic()
        notebook.command("notebook:interrupt-kernel")
        notebook.finished()  # a kernel that hears of a widget is idle for a moment in mid-cell
        assert time.monotonic() - began < 5
        text = notebook.text(index)
        assert "KeyboardInterrupt" in text
        assert "Traceback" not in text.split("KeyboardInterrupt")[0]
        if index == 2:
            assert "stopped" in text
            assert len(notebook.shown(2)) > 150  # what had been said by then is kept
        notebook.run(4)
        assert notebook.text(4).strip() == "free"
        notebook.run(5)
        assert "idle" in notebook.text(5)
