"""Pictures that agents say and return are in the run's card."""

from __future__ import annotations

import base64

from nbagents.agents import AgentBase
from nbagents.message import Msg
from nbagents.render import run_html, run_text
from nbagents.runs import Run

PNG = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(50)).decode()
GIF = "data:image/gif;base64," + base64.b64encode(b"GIF89a" + bytes(50)).decode()


class Painter(AgentBase):
    async def reply(self, x=None):
        self.speak(Msg(self.name, "a sketch", url=GIF))
        return Msg(self.name, "done", url=[PNG, "https://a.example/b.png"])


def test_what_is_shown_on_the_way_and_what_is_returned():
    with Run("paint") as run:
        assert Painter("painter")().content == "done"
    html = run_html(run.view())
    assert html.index(GIF) < html.index(PNG) < html.index('href="https://a.example/b.png"')
    assert run_text(run.view()).count("[picture]") == 2
