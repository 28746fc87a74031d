"""What a client of ``/process`` sees: the events, their order, errors, sessions, and coming back."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from nbagents import Msg
from nbagents.app import AgentApp, AgentResponse
from nbagents.exceptions import UsageError

from .conftest import Client, events_in

Begin = Callable[[AgentApp], Client]


def growing(message: Msg, *contents: Any) -> Any:
    for index, content in enumerate(contents):
        message.content = content
        yield message, index == len(contents) - 1


def test_a_message_that_grows_is_told_in_pieces(served: Begin) -> None:
    app = AgentApp()

    @app.query()
    async def answer(self: Any, msgs: list[Msg], request: Any = None, **kwargs: Any) -> Any:
        assert [(msg.role, msg.content) for msg in msgs] == [("user", "capital?")]
        for piece in growing(Msg("Friday", ""), "The", "The capital", "The capital is Paris."):
            yield piece

    told = served(app).say("capital?", session_id="s1", user_id="u1")
    assert [event["sequence_number"] for event in told] == list(range(len(told)))
    assert [(event["object"], event["status"]) for event in told] == [
        ("response", "created"),
        ("response", "in_progress"),
        ("message", "in_progress"),
        ("content", "in_progress"),
        ("content", "in_progress"),
        ("content", "in_progress"),
        ("content", "completed"),
        ("message", "completed"),
        ("response", "completed"),
    ]
    assert [event["text"] for event in told if event.get("delta")] == ["The", " capital", " is Paris."]
    whole = AgentResponse.model_validate(told[-1])
    assert whole.session_id == "s1"
    assert whole.output is not None
    assert whole.output[0].text() == "The capital is Paris."


def test_thoughts_and_tools_are_messages_of_their_own(served: Begin) -> None:
    app = AgentApp()
    use = {"type": "tool_use", "id": "1", "name": "add", "input": {"a": 1}}
    result = {"type": "tool_result", "id": "1", "name": "add", "output": [{"type": "text", "text": "2"}]}
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}}

    @app.query()
    async def answer(self: Any, msgs: Any) -> Any:
        thought = {"type": "thinking", "thinking": "hm"}
        yield Msg("a", [thought]), False
        yield Msg("a", [thought, {"type": "text", "text": "I add"}, use]), True
        yield Msg("system", [result], "system")
        yield Msg("a", [{"type": "text", "text": "It is 2"}, picture])

    output = served(app).say("?", stream=True)[-1]["output"]
    # The first piece belongs to a message that was never whole.
    assert [(message["type"], message["role"]) for message in output] == [
        ("reasoning", "assistant"),
        ("message", "assistant"),
        ("plugin_call", "assistant"),
        ("plugin_call_output", "tool"),
        ("message", "assistant"),
        ("reasoning", "assistant"),
    ]
    assert output[2]["content"][0]["data"] == {"call_id": "1", "name": "add", "arguments": '{"a": 1}'}
    assert json.loads(output[3]["content"][0]["data"]["output"])[0]["text"] == "2"
    assert output[4]["content"][1]["image_url"] == "data:image/png;base64,iVBO"


@pytest.mark.parametrize("form", ["plain", "coroutine", "generator", "texts"])
def test_a_query_function_may_have_any_form(served: Begin, form: str) -> None:
    app = AgentApp()

    def plain(self: Any, msgs: Any) -> Any:
        return Msg("a", "one two")

    async def coroutine(self: Any, msgs: Any) -> Any:
        return Msg("a", "one two")

    def generator(self: Any, msgs: Any) -> Any:
        yield from growing(Msg("a", ""), "one", "one two")

    async def texts(self: Any, msgs: Any) -> Any:
        yield "one "
        yield "two"

    app.query("text" if form == "texts" else "agentscope")(locals()[form])
    assert served(app).say("?")[-1]["output"][0]["content"][0]["text"] == "one two"


def test_an_error_is_told_without_what_is_nobodys_business(
    served: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    app = AgentApp()

    @app.query()
    async def answer(self: Any, msgs: Any) -> Any:
        yield Msg("a", "so far")
        raise RuntimeError("no file /etc/secret/x.conf, key sk-canary-0123456789abcdef")

    told = served(app).say("?")
    assert [event["status"] for event in told][-2:] == ["completed", "failed"]
    error = told[-1]["error"]
    assert error["code"] == "AGENT_UNKNOWN_ERROR"
    assert error["message"].startswith("Unknown agent error: RuntimeError: no file …")
    assert error["id"]
    assert "canary" not in json.dumps(told)
    assert "secret/x" not in json.dumps(told)
    assert "Traceback" not in json.dumps(told)
    assert error["id"] in caplog.text  # where its author finds the rest
    assert "test_app_process.py" in caplog.text
    assert "canary" not in caplog.text
    assert told[-1]["output"][0]["content"][0]["text"] == "so far"


def test_without_a_stream_the_answer_comes_whole(served: Begin) -> None:
    app = AgentApp()

    @app.query()
    async def answer(self: Any, msgs: Any) -> Any:
        return Msg("a", "whole")

    client = served(app)
    status, told = client.ask("POST", "/process", {"input": [{"content": "?"}], "stream": False})
    assert (status, told["status"]) == (200, "completed")
    assert told["output"][0]["content"][0]["text"] == "whole"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "input"),
        ({"input": []}, "input"),
        ({"input": "text"}, "input"),
        ({"input": [{"content": [{"type": "spell"}]}]}, "input[0].content[0].type"),
        ({"input": [{"content": [{"type": "image", "image_url": "file:///etc/passwd"}]}]}, "web address"),
        ({"input": [{"role": "king", "content": "x"}]}, "role"),
        ({"input": [{"content": "x"}], "session_id": "../../x"}, "session_id"),
        ({"input": [{"content": "x"}], "user_id": "a\nb"}, "user_id"),
        ({"input": [{"content": "x"}], "n": 6}, "n"),
        (b"\xff", "JSON"),
        (b'{"input": [{"content": "x"}], "x": NaN}', "JSON"),
        (b'{"input": [{"content": "x"}], "x": 1e999}', "JSON"),
        (b"[" * 100_000, "JSON"),
        ([1], "object"),
    ],
)
def test_bad_requests_are_refused_by_the_field(served: Begin, body: Any, says: str) -> None:
    app = AgentApp()

    @app.query()
    async def answer(self: Any, msgs: Any) -> Any:
        return Msg("a", "never")

    status, told = served(app).ask("POST", "/process", body)
    assert status in (400, 422)
    assert says in told["error"]["message"]


@pytest.mark.parametrize("stream", [True, False])
def test_half_a_character_ends_no_answer(served: Begin, stream: bool) -> None:
    app = AgentApp()

    @app.query()
    async def answer(self: Any, msgs: Any) -> Any:
        return Msg("a", f"{msgs[0].content} \udcff")

    app.endpoint("/echo")(lambda x: {"x": x, "y": float("nan"), "z": "\ud800"})
    client = served(app)
    body = b'{"input": [{"content": "\\ud800"}], "stream": ' + str(stream).lower().encode() + b"}"
    status, told = client.ask("POST", "/process", body)
    last = events_in(told)[-1] if stream else told
    assert (status, last["status"]) == (200, "completed")
    assert last["output"][0]["content"][0]["text"] == "? ?"
    assert client.ask("POST", "/echo", b'{"x": "\\ud800"}') == (200, {"x": "?", "y": None, "z": "?"})
    assert client.ask("POST", "/echo", b'{"x": NaN}')[0] == 400


def test_a_session_is_answered_once_at_a_time(served: Begin) -> None:
    app = AgentApp()
    begun, go_on = threading.Event(), threading.Event()

    @app.query()
    async def answer(self: Any, msgs: Any, request: Any = None) -> Any:
        begun.set()
        yield "first "
        await asyncio.to_thread(go_on.wait, 20)
        yield request.session_id

    client = served(app)
    asked = {"input": [{"content": "?"}], "session_id": "s", "user_id": "u"}
    connection, response = client.open("POST", "/process", asked)
    assert begun.wait(10)
    status, told = client.ask("POST", "/process", asked)
    assert (status, told["error"]["code"]) == (409, "session_busy")
    # Another user's session of the same name is another one.
    other, _ = client.open("POST", "/process", {**asked, "user_id": "v"})
    go_on.set()
    assert events_in(response.read().decode())[-1]["output"][0]["content"][0]["text"] == "first s"
    connection.close()
    other.close()


def test_a_client_that_leaves_ends_its_answer(served: Begin) -> None:
    app = AgentApp(resume_seconds=0.1)
    ended = threading.Event()

    @app.query()
    async def answer(self: Any, msgs: Any) -> Any:
        try:
            yield "one"
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.set()
            raise

    connection, response = served(app).open("POST", "/process", {"input": [{"content": "?"}]})
    response.readline()
    response.close()
    connection.close()
    assert ended.wait(10)


def test_who_asks_again_need_not_wait_for_an_answer_that_nobody_reads(served: Begin) -> None:
    app = AgentApp(resume_seconds=60)
    first = threading.Event()

    @app.query()
    async def answer(self: Any, msgs: Any) -> Any:
        yield "so "
        if not first.is_set():
            first.set()
            await asyncio.sleep(60)
        yield "again"

    client = served(app)
    asked = {"input": [{"content": "?"}], "session_id": "s"}
    connection, response = client.open("POST", "/process", asked)
    response.readline()
    assert first.wait(10)
    response.close()
    connection.close()
    for _ in range(100):  # the server has to notice that the first client is gone
        status, told = client.ask("POST", "/process", asked)
        if status == 200:
            break
        assert status == 409
    assert events_in(told)[-1]["output"][0]["content"][0]["text"] == "so again"


def test_who_comes_back_reads_on(served: Begin) -> None:
    app = AgentApp()
    go_on = threading.Event()

    @app.query()
    async def answer(self: Any, msgs: Any) -> Any:
        for index in range(20):
            if index == 5:
                await asyncio.to_thread(go_on.wait, 20)
            yield f"{index} "

    client = served(app)
    connection, response = client.open("POST", "/process", {"input": [{"content": "?"}]})
    lines: list[str] = []
    while len([line for line in lines if line.startswith("data")]) < 6:
        lines.append(response.readline().decode())
    response.close()
    connection.close()
    last = [line for line in lines if line.startswith("id: ")][-1][4:].strip()
    read = events_in("".join(lines))
    go_on.set()
    status, told = client.ask("GET", "/process", None, **{"Last-Event-ID": last})
    assert status == 200
    read += events_in(told)
    assert [event["sequence_number"] for event in read] == list(range(len(read)))
    assert read[-1]["output"][0]["content"][0]["text"] == "".join(f"{index} " for index in range(20))
    status, told = client.ask("GET", "/process", None, **{"Last-Event-ID": "response_0:1"})
    assert (status, told["error"]["code"]) == (404, "response_not_found")


def test_a_chat_is_stopped_from_outside(served: Begin) -> None:
    app = AgentApp()
    begun = threading.Event()

    @app.query()
    async def answer(self: Any, msgs: Any) -> Any:
        yield "one"
        begun.set()
        await asyncio.sleep(60)

    client = served(app)
    connection, response = client.open(
        "POST", "/process", {"input": [{"content": "?"}], "session_id": "s", "user_id": "u"}
    )
    assert begun.wait(10)
    assert asyncio.run(app.stop_chat("v", "s")) is False
    assert asyncio.run(app.stop_chat("u", "s")) is True
    told = events_in(response.read().decode())
    connection.close()
    assert told[-1]["status"] == "canceled"
    assert told[-1]["output"][0]["status"] == "incomplete"


def test_a_query_that_does_not_end_holds_up_nobody_else(
    served: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nbagents.app._answer.STUBBORN", 0.2)
    app = AgentApp(resume_seconds=0)
    begun, go_on = threading.Event(), asyncio.Event()

    @app.query()
    async def answer(self: Any, msgs: Any) -> Any:
        yield "x"
        begun.set()
        while not go_on.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await go_on.wait()

    client = served(app)
    asked = {"input": [{"content": "?"}], "session_id": "s", "user_id": "u"}
    connection, _ = client.open("POST", "/process", asked)
    assert begun.wait(10)
    assert asyncio.run(app.stop_chat("u", "s")) is False
    assert client.ask("POST", "/process", asked)[0] == 409
    assert client.ask("GET", "/health")[0] == 200
    connection.close()
    assert app.serving is not None
    assert app.serving._loop is not None
    app.serving._loop.call_soon_threadsafe(go_on.set)


def test_a_query_that_is_defined_again_is_used_at_once(served: Begin) -> None:
    app = AgentApp()
    client = served(app)
    status, told = client.ask("POST", "/process", {"input": [{"content": "?"}]})
    assert (status, told["error"]["code"]) == (501, "no_query")
    for text in ("old", "new"):
        app.query()(lambda self, msgs, text=text: Msg("a", text))
        assert client.say("?")[-1]["output"][0]["content"][0]["text"] == text


def test_what_a_query_cannot_yield_is_said(served: Begin) -> None:
    app = AgentApp()
    app.query()(lambda self, msgs: 5)
    assert "messages" in served(app).say("?")[-1]["error"]["message"]
    with pytest.raises(UsageError, match="no framework 'spells'"):
        app.query(framework="spells")


def test_who_looks_around_finds_the_way(served: Begin) -> None:
    client = served(AgentApp())
    assert client.ask("GET", "/")[1]["endpoints"]["/process"] == ["GET", "POST"]
    assert "GET / lists what there is" in client.ask("GET", "/v1/responses")[1]["error"]["message"]
    connection, response = client.open("DELETE", "/health")
    assert "is not for DELETE, but for" in response.read().decode()
    assert "GET" in (response.getheader("allow") or "")
    connection.close()
    assert '{"input": [{"content": "hello"}]}' in str(client.ask("POST", "/process", {"input": "hello"}))
