"""The first five minutes of somebody new, in a real JupyterLab: from the launcher to the saved page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from legible import legible, serious
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(420)]
expect.set_options(timeout=20_000)
TUTORIAL = "01-first-conversation.ipynb"
LIVE = ".nba-live.nba-run:not(.nba-chat)"
CHAT = ".nba-live.nba-chat"
# What is tried after the tutorial, in the same notebook.
MORE = {
    "chat": "%agents chat poet critic",
    "sea": "%agents show poet",
    "optimist": "%%agent optimist -m demo-long\nYou see the good side. You lecture.",
    "pessimist": "%%agent pessimist -m demo-slow\nYou see the bad side. One short sentence.",
    "realist": "%%agent realist -m demo-slow\nYou see both sides. One short sentence.",
    "judge": "%%agent judge -m demo\nYou are a judge. You decide in one sentence.",
    "verdict": "%%pipeline (optimist, pessimist, realist) -> judge -o verdict --view timeline\n"
    "Should we refactor the tokenizer before the release?",
    "background": "%%agents poet critic -b -o report\nWrite about the sea.",
    "who": "%agents",
    "runs": "%agents runs",
    "show": "%agents show",
}
SECOND = [
    "%load_ext nbagents",
    f"%agents use {TUTORIAL}/poet as theirs",
    "%%agents theirs -b -o said\nWrite about the moon.",
    "run = %agents wait",
    "%agents runs",
    "%agents show 1",
    "%%agent poet -m demo\nYou are a poet.",
]
"""What is run in another notebook."""


WATCH = """
(card) => {
  window.lengths = new Set();
  setInterval(() => {
    const shown = document.querySelector(card);
    if (shown) window.lengths.add(shown.innerText.length);
  }, 50);
}
"""
"""Notes how long the text of the live card is, again and again."""


def _from_the_launcher(desk: Any) -> None:
    """Click on the tile, as somebody does who has just started JupyterLab, and see the tutorial."""
    context = desk.browser.new_context(viewport={"width": 1280, "height": 900})
    page: Page = context.new_page()
    page.goto(f"http://127.0.0.1:{desk.servers[-1].port}/lab?reset&token=secret")
    expect(page.locator(".jp-LauncherCard", has_text="Python 3 (agents)").first).to_be_visible(timeout=60_000)
    page.locator(".jp-LauncherCard", has_text="Agents tutorial").click()
    expect(page.get_by_role("heading", name="A first conversation")).to_be_visible(timeout=60_000)
    context.close()


def _with_more(path: Path) -> tuple[list[int], dict[str, int]]:
    """Add the cells that are tried afterwards; return where the tutorial's code cells and these are."""
    notebook = nbformat.read(path, as_version=4)
    own = [index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    first = len(notebook.cells)
    notebook.cells += [nbformat.v4.new_code_cell(source) for source in MORE.values()]
    nbformat.write(notebook, path)
    return own, {name: first + place for place, name in enumerate(MORE)}


def _picture(notebook: Any, number: int, name: str, index: int) -> None:
    notebook.page.locator(".jp-Notebook .jp-Cell").nth(index).scroll_into_view_if_needed()
    notebook.picture(f"storyboard-{number}-{name}")


def test_the_first_five_minutes(desk: Any) -> None:
    server = desk.start("lab")
    _from_the_launcher(desk)
    cells, more = _with_more(desk.folder / TUTORIAL)
    load, poet, words, critic, ask, topic, loop, verdict, memory, call = cells
    notebook = desk.open(TUTORIAL)
    page = notebook.page

    # The banner: a server, of Jupyter's, and a model that says what it is.
    notebook.run(load)
    banner = notebook.wait_text(load, "survives a kernel restart, ends with Jupyter")
    assert "demo" in banner
    for index in (poet, words, critic):
        notebook.run(index)
    assert "poet ready" in notebook.text(poet)
    assert "critic ready" in notebook.text(critic)
    _picture(notebook, 1, "ready", load)

    # Two at once; the first card of a page may come late, with what draws it.
    page.evaluate(WATCH, LIVE)
    notebook.run(ask)
    assert all(word in notebook.shown(ask) for word in ("poet", "critic", "done"))

    # The loop streams, converges, and is frozen.
    notebook.run(topic)
    notebook.run(loop)
    assert page.evaluate("window.lengths.size") >= 5
    shown = notebook.shown(loop)
    assert "pass 2 of 3" in shown
    assert "stopped by --until after pass 2" in shown
    expect(page.locator(LIVE)).to_have_count(0)
    html = "".join(notebook.outputs(loop)[0]["data"]["text/html"])
    assert "<script" not in html
    assert len(html.encode()) <= 30_000
    assert "vnd.jupyter.widget" not in json.dumps(notebook.outputs(loop))
    notebook.run(verdict)
    assert "APPROVED" in notebook.text(verdict)
    _picture(notebook, 2, "loop", loop)
    notebook.run(memory)
    assert "memory of the prompt and 6 messages" in notebook.text(memory)
    notebook.run(call)
    assert "sea" in notebook.text(call)

    # Steering needs no code.
    notebook.run(more["chat"])
    assert "chat with poet, critic" in notebook.text(more["chat"])
    box = page.get_by_role("textbox", name="your message")
    box.fill("@poet mention the sea")
    box.press("Enter")
    expect(page.locator(f"{CHAT} article", has_text=re.compile("poet.*sea", re.S)).last).to_be_visible()
    expect(page.locator(f"{CHAT} .nba-stop").last).to_be_hidden()
    notebook.run(more["sea"])
    assert "mention the sea" in notebook.text(more["sea"])
    _picture(notebook, 3, "chat", more["chat"])

    # Three at once; one is stopped, and the judge goes on with what there is.
    for name in ("optimist", "pessimist", "realist", "judge"):
        notebook.run(more[name])
    notebook.run(more["verdict"], wait=False)
    expect(page.locator(f"{LIVE} .nba-lanes tr")).not_to_have_count(0)
    page.locator(".jp-Notebook .jp-Cell").nth(more["verdict"]).scroll_into_view_if_needed()
    page.locator(LIVE).get_by_role("tab", name="Chat").click()
    expect(page.locator(f'{LIVE} article[aria-label^="optimist,"] .nba-growing')).to_be_visible()
    page.locator(LIVE).get_by_role("tab", name="Timeline").click()
    notebook.picture("storyboard-4-lanes")
    page.locator(LIVE).get_by_role("tab", name="Chat").click()
    page.get_by_role("button", name="stop optimist").click()
    notebook.finished()
    shown = notebook.shown(more["verdict"])
    assert "stopped by you" in shown
    assert "judge" in shown
    assert re.search(r"\d\.\d× parallel|\d\.\d×", shown)
    _picture(notebook, 5, "verdict", more["verdict"])
    assert serious(page) == []

    # A run in the background, and the kernel restarted meanwhile: who lives is there again.
    notebook.run(more["background"])
    notebook.restart_kernel()
    notebook.run(load)
    assert "still alive" in notebook.wait_text(load, "still alive")
    notebook.run(more["who"])
    for name in ("poet", "critic", "judge"):
        assert name in notebook.text(more["who"])
    _picture(notebook, 6, "restarted", load)
    notebook.run(more["runs"])
    last = notebook.text(more["runs"]).split("\n")[-1]
    assert "poet, critic" in last
    number = int(last.split()[0])
    notebook.set_source(more["show"], f"run = %agents wait {number}\n%agents show {number}")
    notebook.run(more["show"])
    shown = notebook.text(more["show"])
    assert shown.startswith(f"run {number} · poet, critic · ✓ done")
    assert "Write about the sea." in shown

    # Another notebook talks with the first one's poet, who remembers it; its own is another poet.
    desk.write("second.ipynb", SECOND)
    second = desk.open("second.ipynb")
    for index in range(len(SECOND)):
        second.run(index)
    assert second.text(1).startswith(f"theirs is poet of {TUTORIAL}")
    assert re.search(r"^1 .*✓ done.*theirs", second.text(4), re.M)
    assert second.text(5).startswith("run 1 · theirs · ✓ done")
    assert "moon" in second.text(5)
    assert "memory 0" in second.text(6)
    _picture(second, 7, "second", 4)
    second.close()
    notebook.run(more["sea"])
    assert "Write about the moon." in notebook.text(more["sea"])

    # The Running panel knows the one server that all of this lives in.
    assert len(server.agent_servers()) == 1
    about = server.api("nbagents/api/servers")
    assert [told["owner"] for told in about] == ["jupyter"]

    # What was saved can be read without kernel and without server.
    notebook.save()
    notebook.close()
    server.close_kernels()
    again = desk.open(TUTORIAL)
    assert "stopped by --until after pass 2" in again.shown(loop)
    assert "stopped by you" in again.shown(more["verdict"])
    for name, said in (("chat", "mention the sea"), ("sea", "mention the sea"), ("background", "sea")):
        output = again.page.locator(".jp-Notebook .jp-Cell").nth(more[name]).locator(".jp-OutputArea")
        expect(output).to_contain_text(said)
        expect(output).not_to_contain_text("widget")
    legible(again, "lab", {"loop": loop} | {name: more[name] for name in ("chat", "sea", "verdict", "runs")})
    again.close()


CORE = [
    "%load_ext nbagents",
    MORE["optimist"],
    MORE["pessimist"],
    MORE["judge"],
    "%%pipeline (optimist, pessimist) -> judge -o verdict --view timeline\nShould we refactor the tokenizer?",
    "%agents chat pessimist",
    "%agents",
]


def test_their_core_in_notebook_7(desk: Any) -> None:
    server = desk.start("notebook")
    desk.write("core.ipynb", CORE)
    notebook = desk.open("core.ipynb")
    page = notebook.page
    load, verdict, chat, who = 0, 4, 5, 6
    notebook.run(load)
    notebook.wait_text(load, "survives a kernel restart, ends with Jupyter")
    for index in range(1, verdict):
        notebook.run(index)

    # Two at once; one is stopped, and the judge goes on with the other.
    notebook.run(verdict, wait=False)
    expect(page.locator(f"{LIVE} .nba-lanes tr")).not_to_have_count(0)
    page.locator(LIVE).get_by_role("tab", name="Chat").click()
    page.get_by_role("button", name="stop optimist").click()
    notebook.finished()
    shown = notebook.shown(verdict)
    assert "stopped by you" in shown
    assert "judge" in shown
    notebook.picture("storyboard-notebook-verdict")

    # Talk with who is left, and again after a restart of the kernel.
    notebook.run(chat)
    box = page.get_by_role("textbox", name="your message")
    box.fill("mention the sea")
    box.press("Enter")
    expect(page.locator(f"{CHAT} article", has_text=re.compile("pessimist.*sea", re.S)).last).to_be_visible()
    expect(page.locator(f"{CHAT} .nba-stop").last).to_be_hidden()
    notebook.restart_kernel()
    notebook.run(load)
    notebook.wait_text(load, "still alive")
    notebook.run(who)
    assert all(name in notebook.text(who) for name in ("optimist", "pessimist", "judge"))

    notebook.save()
    notebook.close()
    server.close_kernels()
    again = desk.open("core.ipynb")
    assert "stopped by you" in again.shown(verdict)
    expect(again.page.locator(".jp-OutputArea").nth(chat)).to_contain_text("mention the sea")
    legible(again, "notebook", {"verdict": verdict, "chat": chat})
    again.close()
