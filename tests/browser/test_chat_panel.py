"""A chat with agents in a real JupyterLab."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
expect.set_options(timeout=20_000)
CELLS = [
    "%load_ext nbagents",
    "%%agent poet\nYou are a poet. You write four short lines.",
    "%%agent critic\nYou are a strict editor. At most 20 words: reply APPROVED.",
    "%agents chat poet critic",
    "print([m.content for m in poet.memory if m.name == 'user'], len(critic.memory))",
    "%%agent slow -m demo-long\nYou tell long stories.",
    "%agents chat slow",
]
CHAT = ".nba-chat.nba-live"


def open_chat(desk, upto):
    desk.share()
    desk.write("chat.ipynb", CELLS)
    notebook = desk.open("chat.ipynb")
    for index in range(upto):
        notebook.run(index)
    return notebook


def say(notebook, text):
    box = notebook.page.get_by_role("textbox", name="your message")
    box.fill(text)
    box.press("Enter")


def row(notebook, text):
    return notebook.page.locator(f"{CHAT} article", has_text=text)


def test_one_is_addressed_all_hear_it_and_a_message_is_said_anew(desk):
    notebook = open_chat(desk, 4)
    page = notebook.page
    say(notebook, "@poet Write about rain.")
    expect(row(notebook, "you → poet")).to_be_visible()
    expect(page.locator(f"{CHAT} article", has_text="poet")).to_have_count(2)
    expect(page.locator(f"{CHAT} .nba-stop").last).to_be_hidden()
    notebook.run(4)
    assert "['Write about rain.'] 2" in notebook.text(4)

    row(notebook, "you → poet").hover()
    row(notebook, "you → poet").get_by_role("button", name=re.compile("^edit")).click()
    box = page.get_by_role("textbox", name="your message")
    expect(box).to_have_value("Write about rain.")
    box.fill("@poet Write about snow.")
    box.press("Enter")
    expect(row(notebook, "Write about snow.")).to_be_visible()
    expect(row(notebook, "Write about rain.")).to_have_count(0)
    expect(page.locator(f"{CHAT} .nba-stop").last).to_be_hidden()
    notebook.run(4)
    assert "['Write about snow.'] 2" in notebook.text(4)

    say(notebook, "@nobody hello")
    expect(page.get_by_role("alert")).to_contain_text("here are: poet, critic")
    expect(box).to_have_value("@nobody hello")

    found = Axe().run(page, context=CHAT)
    serious = [
        (v["id"], [n["html"][:150] for n in v["nodes"]])
        for v in found.response["violations"]
        if v["impact"] in ("serious", "critical")
    ]
    assert serious == []
    notebook.picture("chat-light", CHAT)
    notebook.use_theme("JupyterLab Dark")
    notebook.picture("chat-dark", CHAT)
    page.set_viewport_size({"width": 400, "height": 900})
    notebook.picture("chat-narrow", CHAT)


def test_an_answer_is_stopped_and_what_was_said_is_kept_without_the_kernel(desk):
    notebook = open_chat(desk, 3)
    for index in (5, 6):
        notebook.run(index)
    page = notebook.page
    say(notebook, "Write about rain.")
    expect(page.locator(f"{CHAT} .nba-growing, {CHAT} .nba-tail").first).to_be_attached()
    page.locator(f"{CHAT} .nba-compose").get_by_role("button", name="stop").click()
    expect(row(notebook, "stopped by you")).to_be_visible()
    expect(page.get_by_role("textbox", name="your message")).to_be_focused()
    html = "".join(notebook.outputs(6)[-1]["data"]["text/html"])
    assert "Write about rain." in html
    assert "stopped by you" in html
