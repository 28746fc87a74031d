"""What an app tells those who look on: requests as they grow, how they ended, how long they took."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from nbagents import Msg
from nbagents.app import Activity, AgentApp
from nbagents.app import served as all_served
from nbagents.app._record import LAST

from .conftest import Client

Begin = Callable[[AgentApp], Client]


def until(condition: Callable[[], Any], seconds: float = 10) -> Any:
    limit = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < limit, "it did not come to be"
        threading.Event().wait(0.01)
    return value


def body(text: str, **fields: Any) -> dict[str, Any]:
    return {"input": [{"role": "user", "content": [{"type": "text", "text": text}]}], **fields}


def waiting_app() -> tuple[AgentApp, asyncio.Event]:
    """An app that says a word, and the rest once it may."""
    app, go_on = AgentApp(), asyncio.Event()

    @app.query()
    async def answer(self: Any, msgs: list[Msg]) -> AsyncIterator[Any]:
        message = Msg("a", "One")
        yield message, False
        await go_on.wait()
        message.content = "One two"
        yield message, True

    return app, go_on


def test_a_request_is_seen_from_its_begin_to_its_end(served: Begin) -> None:
    app, go_on = waiting_app()
    client = served(app)
    changes: list[str] = []
    end = client.serving.watch(lambda: changes.append(client.serving.state))
    connection, response = client.open("POST", "/process", body("Count.", user_id="ada", session_id="s1"))
    (asked,) = until(lambda: [each for each in client.serving.activity().requests if each.text])
    assert (asked.user, asked.session, asked.question) == ("ada", "s1", "Count.")
    assert (asked.state, asked.text, asked.whole) == ("running", "One", None)
    assert asked.first is not None
    assert 0 < asked.first < asked.elapsed < 10
    assert client.serving.activity().running == 1
    assert changes

    app_loop = client.serving._loop
    assert app_loop is not None
    app_loop.call_soon_threadsafe(go_on.set)
    response.read()
    connection.close()
    after = until(lambda: (told := client.serving.activity()).answered and told)
    (asked,) = after.requests
    assert (asked.state, asked.text, after.running) == ("done", "One two", 0)
    assert after.first == (asked.first, asked.first)
    assert after.whole == (asked.whole, asked.whole)

    end()
    changes.clear()
    client.say("Again.", session_id="s2")
    assert changes == []


def test_one_request_is_stopped_and_the_others_go_on(served: Begin) -> None:
    app, _ = waiting_app()
    client = served(app)
    opened = [client.open("POST", "/process", body("?", session_id=name)) for name in ("one", "other")]
    asked = until(lambda: len(found := client.serving.activity().requests) == 2 and found)
    assert client.serving.stop_request(asked[0].id)
    assert '"status":"canceled"' in opened[0][1].read().decode()
    told = until(lambda: (now := client.serving.activity()).stopped and now)
    assert [(each.session, each.state) for each in told.requests] == [
        ("one", "stopped"),
        ("other", "running"),
    ]
    assert not client.serving.stop_request(asked[0].id)
    assert not client.serving.stop_request("response_unknown")
    client.serving.stop_request(asked[1].id)
    for connection, response in opened:
        response.read()
        connection.close()


def test_what_failed_says_why_as_the_client_was_told(served: Begin) -> None:
    app = AgentApp()

    @app.query()
    async def answer(self: Any, msgs: list[Msg]) -> AsyncIterator[Any]:
        yield "so far"
        raise LookupError("no such shelf")

    client = served(app)
    client.say("?")
    told = client.serving.activity()
    assert (told.failed, told.answered, told.whole) == (1, 0, None)
    assert told.requests[0].state == "failed"
    assert told.requests[0].text == "so far"
    assert "no such shelf" in told.requests[0].failure


def test_tools_are_seen_and_several_who_speak_are_named(served: Begin) -> None:
    app = AgentApp()

    @app.query()
    async def answer(self: Any, msgs: list[Msg]) -> AsyncIterator[Any]:
        yield Msg("poet", [{"type": "tool_use", "id": "1", "name": "count", "input": {"text": "a b"}}])
        yield Msg("poet", [{"type": "tool_result", "id": "1", "name": "count", "output": "2"}])
        yield Msg("poet", "Two.")
        yield Msg("critic", "Right.")

    client = served(app)
    client.say("?")
    (asked,) = client.serving.activity().requests
    assert asked.text == "poet: Two.\n\ncritic: Right."
    assert [(call.name, call.arguments, call.answer) for call in asked.calls] == [
        ("count", '{"text": "a b"}', "2")
    ]


def test_the_last_are_kept_and_long_texts_are_cut(served: Begin) -> None:
    app = AgentApp()
    app.query()(lambda self, msgs: "long " * 10_000)
    client = served(app)
    for number in range(LAST + 3):
        client.ask("POST", "/process", body("q" * 1000, session_id=str(number), stream=False))
    told = client.serving.activity()
    assert told.answered == LAST + 3
    assert [each.session for each in told.requests] == [str(n) for n in range(3, LAST + 3)]
    assert max(len(each.text) + len(each.question) for each in told.requests) <= 4300


def test_one_who_watches_and_fails_harms_nobody(served: Begin, caplog: pytest.LogCaptureFixture) -> None:
    app = AgentApp()
    app.query()(lambda self, msgs: "fine")
    client = served(app)

    def fail() -> None:
        raise RuntimeError("a card that is broken")

    client.serving.watch(fail)
    assert client.say("?")[-1]["status"] == "completed"
    assert "a card that is broken" in caplog.text


def test_a_loop_that_is_held_up_is_found_out(served: Begin) -> None:
    app, begun, go_on = AgentApp(), threading.Event(), threading.Event()

    @app.query()
    async def answer(self: Any, msgs: list[Msg]) -> str:
        begun.set()
        go_on.wait(20)  # as a library that blocks would
        return "late"

    client = served(app)
    assert client.serving.held() == 0
    connection, response = client.open_later("POST", "/process", body("?"))
    assert begun.wait(10)
    until(lambda: client.serving.held() > 0.05)
    assert client.serving.activity().running == 1
    go_on.set()
    assert b"late" in response().read()
    connection.close()
    until(lambda: client.serving.held() == 0)


def test_new_code_and_the_end_are_told_and_the_process_knows_what_it_serves(served: Begin) -> None:
    app = AgentApp(app_name="Friday")
    app.query()(lambda self, msgs: "first")
    client = served(app)
    states: list[str] = []
    client.serving.watch(lambda: states.append(client.serving.state))
    assert (app.replaced, states) == (0, [])
    before = app.code_since
    app.query()(lambda self, msgs: "second")
    assert app.replaced == 1
    assert app.code_since >= before
    assert states == ["serving"]
    assert client.serving in all_served()
    client.serving.stop()
    assert (states[1], states[-1]) == ("ending", "ended")
    assert client.serving not in all_served()
    assert isinstance(client.serving.activity(), Activity)
    assert not client.serving.stop_request("response_x")
