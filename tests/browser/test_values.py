"""What a cell ends with shows itself: a message that is on its way, lists of messages, an agent's memory."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
expect.set_options(timeout=20_000)
CELLS = [
    "%load_ext nbagents",
    "%%agent poet -m demo-long\nYou tell long stories.",
    "poet('Tell me about rain.')",
    "from nbagents import Msg\n[Msg('ann', 'first'), Msg('bob', 'second')]",
    "[1, {'a': [2, 3]}]",
    "from nbagents.widgets import ChatWidget\nChatWidget([poet])",
]


def test_values_show_themselves(desk):
    desk.share()
    desk.write("values.ipynb", CELLS)
    notebook = desk.open("values.ipynb")
    for index in range(3):
        notebook.run(index)

    # A message on its way streams, is stopped, and stays readable.
    card = notebook.page.locator(".nba-message.nba-live")
    expect(card.locator(".nba-tail, .nba-grown")).not_to_have_count(0)
    notebook.picture("placeholder", ".nba-message.nba-live")
    card.get_by_role("button", name="stop poet").click()
    expect(card).to_have_count(0)
    assert "stopped by you" in notebook.wait_text(2, "stopped by you")
    assert "vnd.jupyter.widget" not in str(notebook.outputs(2))

    # Lists of messages are cards, and other lists are as ever.
    for index in (3, 4):
        notebook.run(index)
    assert "ann" in notebook.shown(3)
    assert "second" in notebook.shown(3)
    html = "".join(notebook.outputs(3)[0]["data"]["text/html"])
    assert html.count("<article") == 2
    assert notebook.text(4) == "[1, {'a': [2, 3]}]"

    # A chat is a value too.
    notebook.run(5)
    box = notebook.page.get_by_role("textbox", name="your message")
    box.fill("hello")
    box.press("Enter")
    expect(notebook.page.locator(".nba-chat article", has_text="hello")).not_to_have_count(0)
