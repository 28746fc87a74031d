"""What a page shows when the agent server dies while a cell runs."""

from __future__ import annotations

import os
import signal

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


def test_a_killed_server_is_a_readable_error_and_the_next_cell_works(desk) -> None:
    server = desk.share()
    desk.write(
        "a.ipynb",
        [
            "%load_ext nbagents",
            "%%agent talker -m demo-long\nYou are a lecturer.",
            "%%agent poet -m demo-slow\nYou are a poet.",
            "%%agents talker\nLecture about rain.",
            "%%agents poet\nWrite about snow.",
        ],
    )
    notebook = desk.open("a.ipynb")
    notebook.run(0)
    notebook.run(1)
    notebook.run(2)
    notebook.run(3, wait=False)
    notebook.page.wait_for_function(
        "document.querySelectorAll('.jp-Cell')[3].querySelector('article')?.innerText.includes('talker')",
        timeout=20_000,
    )
    (kept,) = [told for told in server.agent_servers() if told["owner"] == "jupyter"]
    os.kill(kept["pid"], signal.SIGKILL)
    notebook.wait_text(3, "agent server")
    notebook.wait_idle()
    text = notebook.text(3)
    assert "gone" in text
    assert "Traceback" not in text
    notebook.run(4)
    assert "snow" in notebook.wait_text(4, "done")
