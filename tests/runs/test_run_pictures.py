"""Pictures that agents say and return are in the run's card."""

from __future__ import annotations

import base64

from nbagents.agents import AgentBase
from nbagents.message import Msg
from nbagents.render import LiveRows, message_html, run_html, run_text
from nbagents.runs import Run
from nbagents.runs._tool_calls import ToolCalls
from nbagents.tools import Toolkit, ToolResponse

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


class Plotter(AgentBase):
    """Calls a tool that draws, and says so."""

    async def reply(self, x=None):
        def draw() -> ToolResponse:
            return ToolResponse(
                [{"type": "text", "text": "a plot"}, block(PNG), block(GIF), block("/etc/passwd")]
            )

        toolkit = Toolkit()
        toolkit.register_tool_function(draw)
        await toolkit.call_tool_function({"type": "tool_use", "id": "1", "name": "draw", "input": {}}).last()
        return Msg(self.name, [{"type": "text", "text": "seen"}, block(PNG)])


def block(address):
    return {"type": "image", "source": {"type": "url", "url": address}}


def test_what_tools_draw_is_shown_once_below_what_is_said():
    with Run("plot") as run:
        Plotter("plotter")().result()
    html = run_html(run.view())
    assert html.index("seen") < html.index(PNG) < html.index(GIF)
    assert html.count("<img") == 2
    assert "passwd" not in html.partition("<img")[2]
    (live,) = LiveRows().values(run.view(live=True).rows)
    assert PNG in live["html"]
    assert "draw() ✓ a plot" in run_text(run.view())


def test_pictures_from_elsewhere_are_no_more_than_what_they_hold(tmp_path):
    calls = ToolCalls()
    calls.hear("tool_call", {"id": "1", "name": "f"}, 0.0)
    (tmp_path / "a.png").write_bytes(base64.b64decode(PNG.partition(",")[2]))
    calls.hear("tool_result", {"id": "1", "name": "f", "pictures": [PNG, str(tmp_path / "a.png"), 3]}, 1.0)
    assert calls.pictures == [PNG]


def test_what_a_tool_has_drawn_is_in_the_memory_too():
    result = {"type": "tool_result", "id": "1", "name": "draw", "output": [block(PNG)]}
    assert PNG in message_html(Msg("system", [result], "system"))
