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


@pytest.fixture
def notebook(desk):
    desk.start()
    desk.write("values.ipynb", CELLS)
    opened = desk.open("values.ipynb")
    for index in range(3):
        opened.run(index)
    return opened


def test_a_message_on_its_way_streams_is_stopped_and_stays_readable(notebook):
    card = notebook.page.locator(".nba-message.nba-live")
    expect(card.locator(".nba-tail, .nba-grown")).not_to_have_count(0)
    notebook.picture("placeholder", ".nba-message.nba-live")
    card.get_by_role("button", name="stop poet").click()
    expect(card).to_have_count(0)
    assert "stopped by you" in notebook.wait_text(2, "stopped by you")
    assert "vnd.jupyter.widget" not in str(notebook.outputs(2))


def test_lists_of_messages_are_cards_and_other_lists_are_as_ever(notebook):
    for index in (3, 4):
        notebook.run(index)
    assert "ann" in notebook.shown(3)
    assert "second" in notebook.shown(3)
    html = "".join(notebook.outputs(3)[0]["data"]["text/html"])
    assert html.count("<article") == 2
    assert notebook.text(4) == "[1, {'a': [2, 3]}]"


def test_a_chat_is_a_value_too(notebook):
    notebook.run(5)
    box = notebook.page.get_by_role("textbox", name="your message")
    box.fill("hello")
    box.press("Enter")
    expect(notebook.page.locator(".nba-chat article", has_text="hello")).not_to_have_count(0)
