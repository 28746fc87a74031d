"""The card of an app that serves, in a real JupyterLab, with real requests."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from legible import LOOKS
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
expect.set_options(timeout=20_000)
APP = """\
import asyncio
from nbagents import AgentApp, Msg

app = AgentApp(app_name="Librarian")

@app.query()
async def answer(self, msgs, request=None, **kwargs):
    message = Msg("Librarian", "")
    words = "The **shelf** on the left holds what you look for.\\n\\nIt goes on ".split(" ")
    endless = "endless" in msgs[-1].content
    while endless or words:
        message.content += (words.pop(0) if words else "and on") + " "
        yield message, False
        await asyncio.sleep(0.05)
    yield message, True
"""
NEW = """\
@app.query()
async def answer(self, msgs, request=None, **kwargs):
    yield Msg("Librarian", "The library is closed.")
"""
CELLS = [
    "%load_ext nbagents",
    APP,
    "serving = app.run(port=0)",
    NEW,
    "%agents",
    "import time; time.sleep(60)",
    "print(serving.state)",
]
CARD = ".nba-serving.nba-live"


def open_app(desk, name, **looks):
    desk.share()
    desk.write(f"{name}.ipynb", CELLS)
    notebook = desk.open(f"{name}.ipynb", **looks)
    for index in range(3):
        notebook.run(index)
    expect(notebook.page.locator(CARD)).to_be_visible()
    return notebook


def curl(notebook, text, session="", user=""):
    """Ask as the card says, in a terminal."""
    line = notebook.page.locator(f"{CARD} .nba-line").inner_text()
    *words, _, data, url = shlex.split(line)
    assert data == '{"input": [{"content": "Hello"}]}'
    more = f', "session_id": "{session}"' if session else ""
    more += f', "user_id": "{user}"' if user else ""
    data = f'{{"input": [{{"content": "{text}"}}]{more}}}'
    return subprocess.Popen(
        [*words, "-d", data, url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def row(notebook, text):
    return notebook.page.locator(f"{CARD} article", has_text=text)


def test_requests_are_seen_as_they_are_answered_and_each_can_be_stopped(desk):
    notebook = open_app(desk, "serving")
    page = notebook.page
    expect(page.locator(CARD)).to_contain_text("nobody has asked yet")
    whole = curl(notebook, "Where is it?", "talk-1", "ada")
    assert '"status":"completed"' in whole.communicate(timeout=30)[0]
    expect(row(notebook, "ada · talk-1")).to_contain_text("asked: Where is it?")
    expect(row(notebook, "ada · talk-1").locator("strong")).to_have_text("shelf")

    # The kernel is busy from now on; what is asked is answered and shown all the same.
    notebook.run(5, wait=False)
    endless = curl(notebook, "An endless story.", "talk-2")
    growing = row(notebook, "talk-2").locator(".nba-tail, .nba-grown")
    expect(growing.last).to_contain_text("and on")
    before = len(growing.last.inner_text())
    page.wait_for_function(
        "([s, n]) => [...document.querySelectorAll(s)].at(-1).textContent.length > n",
        arg=[f"{CARD} .nba-tail", before],
    )
    row(notebook, "talk-2").get_by_role("button", name="stop").click()
    told = endless.communicate(timeout=30)[0]
    assert '"status":"canceled"' in told
    expect(row(notebook, "talk-2")).to_contain_text("stopped")
    expect(page.locator(CARD)).to_contain_text("0 under way, 1 answered, 1 stopped")
    notebook.command("notebook:interrupt-kernel")
    notebook.finished()

    notebook.run(3)
    expect(page.locator(CARD)).to_contain_text("replaced at")
    assert "library is closed" in curl(notebook, "Open?").communicate(timeout=30)[0]
    notebook.run(4)
    assert "Librarian" in notebook.text(4)
    assert "in this kernel" in notebook.text(4)

    page.locator(CARD).get_by_role("button", name="stop app").click()
    expect(page.locator(CARD)).to_have_count(0)
    notebook.run(6)
    assert notebook.text(6) == "ended\n"
    (output,) = notebook.outputs(2)
    assert set(output["data"]) == {"text/html", "text/plain"}
    text = "".join(output["data"]["text/plain"])
    assert "it has ended" in text
    assert "talk-2" in text
    assert "curl" not in text


def test_it_looks_well_and_is_reached_by_keyboard_and_screen_reader(desk):
    notebook = open_app(desk, "looks")
    page = notebook.page
    curl(notebook, "Where is it?", "talk-1", "ada").communicate(timeout=30)
    endless = curl(notebook, "An endless story, please.", "talk-2", "bob")
    expect(row(notebook, "bob · talk-2").locator(".nba-tail")).to_contain_text("and on")
    for theme, width in LOOKS:
        notebook.use_theme(f"JupyterLab {theme}")
        page.set_viewport_size({"width": width, "height": 900})
        notebook.picture(f"serving-{theme.lower()}-{width}", CARD)
        found = Axe().run(page, context=CARD)
        serious = [
            (v["id"], [n["html"][:150] for n in v["nodes"]])
            for v in found.response["violations"]
            if v["impact"] in ("serious", "critical")
        ]
        assert serious == []
    row(notebook, "ada · talk-1").focus()
    page.keyboard.press("ArrowDown")
    expect(row(notebook, "bob · talk-2")).to_be_focused()
    page.keyboard.press("s")
    assert '"status":"canceled"' in endless.communicate(timeout=30)[0]


def test_the_notebook_stays_readable_without_its_kernel(desk):
    notebook = open_app(desk, "saved")
    page = notebook.page
    curl(notebook, "Where is it?", "talk-1", "ada").communicate(timeout=30)
    notebook.wait_text(2, "talk-1")
    data = notebook.outputs(2)[0]["data"]
    assert "application/vnd.jupyter.widget-view+json" in data
    header = shlex.split(page.locator(f"{CARD} .nba-line").inner_text())[3].removeprefix("@")
    token = Path(header).read_text().split()[-1]
    assert Path(header).stat().st_mode & 0o777 == 0o600
    notebook.save()
    assert token not in (desk.folder / "saved.ipynb").read_text()

    # A page that is loaded anew finds the card again.
    page.reload()
    expect(page.locator(CARD)).to_be_visible(timeout=60_000)
    notebook.wait_idle()
    notebook.restart_kernel()
    expect(page.locator(CARD)).to_contain_text("its kernel has ended, and the app with it")
    expect(page.locator(CARD).get_by_role("button", name="stop app")).to_have_count(0)
    notebook.close()
    desk.servers[-1].close_kernels()
    again = desk.open("saved.ipynb")
    expect(again.page.locator(".nba-serving")).to_contain_text("as of")
    expect(again.page.locator(".nba-serving")).to_contain_text("talk-1")
