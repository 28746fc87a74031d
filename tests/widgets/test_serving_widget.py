"""The card of a real app as a widget: what it sends and how often, what the page may ask, how it ends."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from IPython.core.displaypub import CapturingDisplayPublisher

from nbagents import Msg
from nbagents.app import AgentApp, Serving
from nbagents.magics._serving_card import source_of
from nbagents.widgets import ServingWidget, Surface, _serving_widget, widgets_seen
from nbagents.widgets._live import VIEW_MIME


def until(condition: Callable[[], Any], seconds: float = 15) -> Any:
    limit = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < limit, "it did not come to be"
        threading.Event().wait(0.01)
    return value


@pytest.fixture
def serving() -> Iterator[Serving]:
    app = AgentApp(app_name="Friday", token="known-token")

    @app.query()
    async def answer(self: Any, msgs: list[Msg]) -> AsyncIterator[str]:
        while True:
            yield "word "
            await asyncio.sleep(0.002)

    widgets_seen.clear()
    with app.serve(port=0) as serving:
        yield serving


class Page:
    """A cell with the card, and what its page is sent."""

    def __init__(self, serving: Serving) -> None:
        self.shell = SimpleNamespace(
            display_pub=CapturingDisplayPublisher(), kernel=SimpleNamespace(_allow_stdin=True)
        )
        self.widget = ServingWidget(source_of(serving))
        self.sent: list[dict[str, Any]] = []
        send = self.widget._send

        def record(message: dict[str, Any], buffers: Any = None) -> None:
            self.sent.append(message)
            send(message, buffers)

        self.widget._send = record
        self.widget.put(Surface(self.shell))
        self.says({"kind": "ready"})

    def says(self, content: Any) -> None:
        self.widget._handle_custom_msg(content, [])

    def acted(self) -> dict[str, Any]:
        return [
            m["content"] for m in self.sent if m["method"] == "custom" and m["content"]["kind"] == "acted"
        ][-1]

    @property
    def outputs(self) -> list[dict[str, Any]]:
        return list(self.shell.display_pub.outputs)


def ask(serving: Serving, session: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", serving.port, timeout=30)
    head = {
        "Authorization": f"Bearer {serving.token}",
        "Content-Type": "application/json",
        "Connection": "close",
    }
    connection.request(
        "POST", "/process", json.dumps({"input": [{"content": "?"}], "session_id": session}), head
    )
    return connection.getresponse()


def running(serving: Serving) -> list[Any]:
    return [asked for asked in serving.activity().requests if asked.state == "running"]


def test_much_is_said_and_little_is_sent_and_nothing_of_the_token(serving: Serving) -> None:
    page = Page(serving)
    streams = [ask(serving, f"s{n}") for n in range(3)]
    until(lambda: all(asked.text for asked in running(serving)) and len(running(serving)) == 3)
    began, before = time.monotonic(), len(page.sent)
    until(lambda: time.monotonic() - began > 2)
    took = time.monotonic() - began
    assert 3 < len(page.sent) - before <= 11 * took + 5
    rows = page.widget.get_state()["view"]["rows"]
    assert [row["agent"] for row in rows] == ["s0", "s1", "s2"]
    assert all(row["text"].startswith("word word") for row in rows)
    assert "known-token" not in str(page.sent) + str(page.outputs)
    for asked in running(serving):
        serving.stop_request(asked.id)
    for stream in streams:
        stream.read()


def test_a_person_stops_a_request_and_then_the_app(serving: Serving) -> None:
    page = Page(serving)
    stream = ask(serving, "one")
    (asked,) = until(lambda: running(serving))
    page.says({"kind": "act", "id": "1", "path": "", "body": {"request": asked.id}})
    assert page.acted()["value"] == {"stopped": 1}
    assert b'"status":"canceled"' in stream.read()
    page.says({"kind": "act", "id": "2", "path": "", "body": {"request": asked.id}})
    assert "over already" in page.acted()["error"]

    began = time.monotonic()
    page.says({"kind": "act", "id": "3", "path": "", "body": {"do": "stop"}})
    assert page.acted()["value"] == {"begun": True}
    assert time.monotonic() - began < 2
    until(lambda: not serving.alive and "frozen" in page.widget.view)
    last = until(lambda: VIEW_MIME not in page.outputs[-1]["data"] and page.outputs[-1])
    assert set(last["data"]) == {"text/html", "text/plain"}
    assert "it has ended" in last["data"]["text/plain"]
    assert page.widget.view["frozen"] == last["data"]["text/html"]


@pytest.mark.parametrize(
    "body", [None, {}, {"request": 5}, {"do": "other"}, {"request": "x" * 10_000}], ids=range(5)
)
def test_a_strange_message_harms_nobody(
    serving: Serving, body: Any, caplog: pytest.LogCaptureFixture
) -> None:
    page = Page(serving)
    page.says({"kind": "act", "id": "1", "path": "", "body": body})
    assert page.acted()["error"]
    assert caplog.text == ""
    assert serving.alive


def test_the_twin_follows_once_nobody_is_answered(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_serving_widget, "QUIET", 0.1)
    page = Page(serving)
    assert len(page.outputs) == 1
    assert "nobody has asked yet" in page.outputs[0]["data"]["text/plain"]
    stream = ask(serving, "one")
    (asked,) = until(lambda: running(serving))
    serving.stop_request(asked.id)
    stream.read()
    last = until(lambda: "1 stopped" in page.outputs[-1]["data"]["text/plain"] and page.outputs[-1])
    assert last["update"] is True
    assert VIEW_MIME in last["data"]
    assert "as of" in last["data"]["text/html"]


def test_once_it_is_quiet_nothing_is_sent(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_serving_widget, "QUIET", 0.1)
    page = Page(serving)
    until(lambda: not page.widget._awake)
    count = len(page.sent)
    threading.Event().wait(1.5)
    assert len(page.sent) == count
    serving.app.query()(lambda self, msgs: "new")
    until(lambda: any("replaced at" in str(message) for message in page.sent[count:]))
