"""The first tutorial as a newcomer meets it, in a real JupyterLab."""

from __future__ import annotations

import json
import os
import signal

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
NAME = "01-first-conversation.ipynb"


def test_the_tutorial_streams_then_freezes_and_outlives_page_and_kernel(desk) -> None:
    server = desk.start("lab", OPENAI_API_KEY="sk-false-0123456789", HTTPS_PROXY="http://127.0.0.1:9")
    cells = desk.write_tutorial(NAME)
    notebook = desk.open(NAME)
    load, poet, _, critic, ask, _, loop, _, memory, call = cells

    for index in (load, poet, poet + 2, critic):
        notebook.run(index)
    assert "nbagents ready" in notebook.wait_text(load, "survives a kernel restart")
    assert "poet ready" in notebook.text(poet)

    # Streaming: a person sees text grow while the cell runs.
    notebook.run(ask, wait=False)
    samples: set[str] = set()
    while len(samples) < 4:
        samples.add(notebook.shown(ask))
        notebook.page.wait_for_timeout(80)
    notebook.finished()
    frozen = notebook.shown(ask)
    assert frozen not in list(samples)[:1]
    assert "poet" in frozen
    assert "critic" in frozen
    assert "done" in frozen

    notebook.run(cells[5])
    notebook.run(loop)
    shown = notebook.shown(loop)
    assert "pass 2 of 3" in shown
    assert "APPROVED" in shown
    assert "stopped by --until after pass 2" in shown
    html = notebook.outputs(loop)[0]["data"]["text/html"]
    html = "".join(html)
    assert "<script" not in html
    assert len(html.encode()) <= 30_000
    assert "vnd.jupyter.widget" not in json.dumps(notebook.outputs(loop))

    notebook.run(memory)
    assert "memory of 7 messages" in notebook.text(memory)
    notebook.run(call)
    assert "sea" in notebook.text(call)
    notebook.save()

    # The kernel is restarted: the agents are there, with what they remember.
    notebook.restart_kernel()
    notebook.run(load)
    assert "poet" in notebook.wait_text(load, "still alive")
    notebook.run(memory)
    assert "memory of 7 messages" in notebook.text(memory)

    # Another notebook's poet is another poet.
    desk.write(
        "other.ipynb", ["%load_ext nbagents", "%%agent poet -m demo\nYou are a poet.", "%agents show poet"]
    )
    other = desk.open("other.ipynb")
    for index in range(3):
        other.run(index)
    assert "memory 0" in other.text(1)
    other.close()
    assert len(server.agent_servers()) == 1  # both notebooks share one server

    # The page is reloaded, without any kernel: the conversation is still there to read.
    notebook.close()
    server.close_kernels()
    again = desk.open(NAME)
    assert "APPROVED" in again.shown(loop)
    again.close()


def test_a_killed_server_is_a_readable_error_and_the_next_cell_works(desk) -> None:
    server = desk.start("lab")
    desk.write(
        "a.ipynb",
        [
            "%load_ext nbagents",
            "%%agent poet -m demo-slow\nYou are a poet.",
            "%%agents poet\nWrite about rain.",
            "%%agents poet\nWrite about snow.",
        ],
    )
    notebook = desk.open("a.ipynb")
    notebook.run(0)
    notebook.run(1)
    notebook.run(2, wait=False)
    notebook.page.wait_for_function(
        "document.querySelectorAll('.jp-Cell')[2].querySelector('article')?.innerText.includes('poet')",
        timeout=20_000,
    )
    os.kill(server.agent_servers()[0]["pid"], signal.SIGKILL)
    notebook.wait_text(2, "agent server")
    notebook.wait_idle()
    text = notebook.text(2)
    assert "gone" in text
    assert "Traceback" not in text
    notebook.run(3)
    assert "snow" in notebook.wait_text(3, "done")
