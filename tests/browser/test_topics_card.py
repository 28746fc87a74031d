"""The table of ``%agents topics`` and the graph of a run of topics, as they look."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

CELLS = [
    "%load_ext nbagents",
    """
import asyncio
from dataclasses import dataclass
from nbagents.runs import Run
from nbagents import MessageContext, RoutedAgent, SingleThreadedAgentRuntime, message_handler
from nbagents import AgentId, TopicId, TypeSubscription
from nbagents.topics import TypePrefixSubscription

@dataclass
class Fire:
    where: str

class Watch(RoutedAgent):
    @message_handler
    async def call(self, message: str, ctx: MessageContext) -> str:
        await asyncio.sleep(0.1)
        await self.publish_message(Fire(message), TopicId("alarm.fire", "default"))
        await self.publish_message(Fire(message), TopicId("chronicle", "default"))
        return "told"

class Brigade(RoutedAgent):
    @message_handler
    async def go(self, message: Fire, ctx: MessageContext) -> None:
        await asyncio.sleep(0.2)

village = SingleThreadedAgentRuntime()
await Watch.register(village, "watch", lambda: Watch("watches"))
for name in ("north_brigade", "south_brigade"):
    await Brigade.register(village, name, lambda: Brigade("goes"))
    await village.add_subscription(TypePrefixSubscription("alarm.", name))
await Brigade.register(village, "scribe", lambda: Brigade("writes"))
await village.add_subscription(TypeSubscription("chronicle", "scribe"))
await village.add_subscription(TypeSubscription("alarm.fire", "scribe"))
village.start()
with Run("three fires") as run:
    for where in ("mill", "inn", "barn"):
        await village.send_message(where, AgentId("watch", "default"))
    await asyncio.sleep(0.4)
""",
    "%agents topics",
    "await village.publish_message(Fire('shed'), TopicId('alarm.fire', 'default'))",
    "%agents topics",
    "%agents graph",
    "%agents timeline",
]


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (400, False), (400, True)])
def test_who_hears_what_and_who_spoke_to_whom(desk: Any, width: int, dark: bool):
    desk.share()
    desk.write("topics.ipynb", CELLS)
    notebook = desk.open("topics.ipynb", width=width, dark=dark)
    if dark:
        notebook.use_theme("JupyterLab Dark")
    for index in range(len(CELLS)):
        notebook.run(index)
        assert "Error" not in notebook.text(index)
    assert "village · this kernel" in notebook.text(2)
    assert "#alarm.fire → north_brigade: 3" in notebook.text(5)
    page = notebook.page
    table = page.locator(".jp-OutputArea .nba-table").first
    box, around = table.bounding_box(), page.viewport_size
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= around["width"]
    assert page.locator(".nba-graph circle.nba-hub").count() == 2
    for index, name in ((4, "table"), (5, "graph"), (6, "timeline")):
        page.locator(".jp-Notebook .jp-Cell").nth(index).scroll_into_view_if_needed()
        notebook.picture(f"topics-{name}-{width}-{'dark' if dark else 'light'}")
