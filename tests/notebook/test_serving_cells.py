"""An app served from a kernel: what its cell shows, live, frozen and where nobody watches."""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [pytest.mark.notebook, pytest.mark.timeout(180)]
VIEW = "application/vnd.jupyter.widget-view+json"
APP = """\
import asyncio
from nbagents import AgentApp, Msg

app = AgentApp(app_name="Librarian", token="known-token")

@app.query()
async def answer(self, msgs, request=None, **kwargs):
    message = Msg("Librarian", "")
    while "endless" in msgs[-1].content or message.content.count("word") < 3:
        message.content += "word "
        yield message, False
        await asyncio.sleep(0.02)
    yield message, True
"""


def until(condition: Callable[[], Any], seconds: float = 20) -> Any:
    limit = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < limit, "it did not come to be"
        threading.Event().wait(0.02)
    return value


def ask(port: int, text: str, session: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    body = {"input": [{"content": text}], "session_id": session, "user_id": "ada"}
    head = {"Authorization": "Bearer known-token", "Content-Type": "application/json", "Connection": "close"}
    connection.request("POST", "/process", json.dumps(body), head)
    return connection.getresponse()


def port_of(text: str) -> int:
    return int(re.search(r"http://127\.0\.0\.1:(\d+)", text)[1])  # type: ignore[index]


@pytest.mark.parametrize("line", ["app.run(port=0)", "serving = app.run(port=0)"], ids=["shown", "kept"])
def test_a_cell_that_serves_shows_one_card_with_its_twins(new_kernel: Any, line: str) -> None:
    kernel = new_kernel()
    kernel.run("%load_ext nbagents")
    kernel.run(APP)
    cell = kernel.run(line)
    (output,) = [each for each in cell.outputs if "text/plain" in each.data]
    assert set(output.data) == {VIEW, "text/html", "text/plain"}
    assert cell.card.startswith("Librarian · ▶ running")
    assert "nobody has asked yet" in cell.card
    assert "curl" in cell.card
    assert "known-token" not in str(output.data) + cell.live


def test_requests_reach_the_card_and_it_freezes_when_the_app_ends(new_kernel: Any) -> None:
    kernel = new_kernel()
    kernel.run("%load_ext nbagents")
    kernel.run(APP)
    shown = kernel.run("serving = app.run(port=0)")
    port = port_of(shown.card)
    endless = ask(port, "endless", "talk-2")
    assert b'"status":"completed"' in ask(port, "three", "talk-1").read()
    # What the page is sent while a cell keeps the kernel busy.
    busy = kernel.run(
        "import time; until = time.monotonic() + 2\nwhile time.monotonic() < until: time.sleep(0.05)"
    )
    assert "word word" in busy.live
    kernel.run(
        "serving.stop_request(next(a.id for a in serving.activity().requests if a.state == 'running'))"
    )
    assert b'"status":"canceled"' in endless.read()
    until(lambda: "1 stopped" in kernel.run("print(serving.activity().stopped, 'stopped')").stdout)

    listed = kernel.run("%agents")
    assert "Librarian" in listed.card
    assert "in this kernel" in listed.card
    end = kernel.run("serving.stop()")
    assert not end.error
    (frozen,) = [each for each in shown.outputs if "text/plain" in each.data]
    until(lambda: kernel.run("") and set(frozen.data) == {"text/html", "text/plain"})
    for form in frozen.data.values():
        assert "it has ended" in form
        assert "talk-1" in form
        assert "curl" not in form
        assert len(form.encode()) <= 30_000
    assert "Librarian" not in kernel.run("%agents").card


def test_shown_again_the_first_card_says_so(new_kernel: Any) -> None:
    kernel = new_kernel()
    kernel.run("%load_ext nbagents")
    kernel.run(APP)
    first = kernel.run("serving = app.run(port=0)")
    second = kernel.run("serving")
    assert VIEW in second.outputs[-1].data
    (output,) = [each for each in first.outputs if "text/plain" in each.data]
    assert VIEW not in output.data
    assert "shown again further down" in output.data["text/plain"]


def test_where_nobody_watches_the_card_is_plain_and_says_how_it_ended(new_kernel: Any) -> None:
    kernel = new_kernel(somebody=False)
    kernel.run("%load_ext nbagents")
    kernel.run(APP)
    shown = kernel.run("serving = app.run(port=0)")
    (output,) = [each for each in shown.outputs if "text/plain" in each.data]
    assert set(output.data) == {"text/html", "text/plain"}
    ask(port_of(shown.card), "three", "talk-1").read()
    kernel.run("serving.stop()")
    assert "it has ended" in output.data["text/plain"]
    assert "word word word" in output.data["text/plain"]
