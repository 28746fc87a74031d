"""OpenAI's own SDK against an app: Responses and Chat Completions, whole and in pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest

from nbagents import Msg
from nbagents.app import AgentApp

from .conftest import Client

Begin = Callable[[AgentApp], Client]


@pytest.fixture
def sdk(served: Begin) -> Iterator[openai.OpenAI]:
    app = AgentApp(app_name="Friday")

    @app.query()
    async def answer(self: Any, msgs: Any, request: Any = None) -> Any:
        said = " | ".join(f"{msg.role}: {msg.content}" for msg in msgs)
        if "fail" in said:
            raise RuntimeError("broken")
        message = Msg("Friday", "")
        message.content = [{"type": "thinking", "thinking": "hm"}]
        yield message, False
        use = {"type": "tool_use", "id": "c1", "name": "look", "input": {"at": "sky"}}
        message.content = [*message.content, use]
        yield message, True
        yield Msg("system", [{"type": "tool_result", "id": "c1", "name": "look", "output": "grey"}], "system")
        reply = Msg("Friday", f"{said} ({request.session_id})")
        yield reply, True

    client = served(app)
    assert client.serving.token
    with openai.OpenAI(
        base_url=f"{client.serving.url}/compatible-mode/v1", api_key=client.serving.token, max_retries=0
    ) as made:
        yield made


def test_a_response_is_read_as_openais(sdk: openai.OpenAI) -> None:
    response = sdk.responses.create(
        model="any", input="weather?", instructions="Be short.", conversation="talk-1"
    )
    assert response.output_text == "system: Be short. | user: weather? (talk-1)"
    assert response.status == "completed"
    assert response.completed_at is not None
    assert response.completed_at >= response.created_at
    assert [item.type for item in response.output] == ["reasoning", "mcp_call", "message"]
    call = response.output[1]
    assert (call.type, call.name, call.arguments, call.output) == (
        "mcp_call",
        "look",
        '{"at": "sky"}',
        "grey",
    )


def test_the_next_response_goes_on_with_the_session(sdk: openai.OpenAI) -> None:
    first = sdk.responses.create(model="any", input="one")
    second = sdk.responses.create(model="any", input="two", previous_response_id=first.id)
    assert first.output_text.rpartition("(")[2] == second.output_text.rpartition("(")[2]
    with pytest.raises(openai.NotFoundError, match="previous_response_id"):
        sdk.responses.create(model="any", input="three", previous_response_id="resp_nothing")


def test_a_stream_is_read_to_the_same_response(sdk: openai.OpenAI) -> None:
    with sdk.responses.stream(model="any", input=[{"role": "user", "content": "weather?"}]) as stream:
        kinds = [event.type for event in stream]
        response = stream.get_final_response()
    assert response.output_text.startswith("user: weather? (")
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds[-1] == "response.completed"
    assert kinds.count("response.output_item.added") == kinds.count("response.output_item.done") == 3
    assert {"response.output_text.delta", "response.mcp_call.completed"} <= set(kinds)


def test_a_chat_completion(sdk: openai.OpenAI) -> None:
    messages: Any = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "hey"}]
    whole = sdk.chat.completions.create(model="any", messages=messages)
    assert (whole.choices[0].message.content or "").startswith("system: Be short. | user: hey (")
    pieces = sdk.chat.completions.create(
        model="any", messages=messages, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(pieces)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text.startswith("system: Be short. | user: hey (")
    assert chunks[-1].usage is not None
    assert [model.id for model in sdk.models.list()] == ["Friday"]


@pytest.mark.parametrize(
    ("door", "fields", "says"),
    [
        ("responses", {"tools": [{"type": "function", "name": "f", "parameters": {}}]}, "tools"),
        ("responses", {"instructions": 5}, "instructions"),
        ("responses", {"background": True}, "background"),
        ("chat", {"n": 3}, "n: one answer"),
        ("chat", {"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ("chat", {"messages": [{"role": "user"}]}, "content"),
    ],
)
def test_what_an_app_does_not_do_is_refused(
    sdk: openai.OpenAI, door: str, fields: dict[str, Any], says: str
) -> None:
    ask: Any = sdk.responses.create if door == "responses" else sdk.chat.completions.create
    said: Any = "hi" if door == "responses" else [{"role": "user", "content": "hi"}]
    with pytest.raises(openai.BadRequestError, match=says):
        ask(**{"model": "any", "input" if door == "responses" else "messages": said, "extra_body": fields})


def test_what_fails_is_an_error_of_the_sdk(sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.InternalServerError, match="RuntimeError: broken"):
        sdk.responses.create(model="any", input="fail")
    with pytest.raises(openai.InternalServerError, match="RuntimeError: broken"):
        sdk.chat.completions.create(model="any", messages=[{"role": "user", "content": "fail"}])
    kinds = [event.type for event in sdk.responses.create(model="any", input="fail", stream=True)]
    assert kinds[-1] == "response.failed"
    with pytest.raises(openai.APIError, match="RuntimeError: broken"):
        list(
            sdk.chat.completions.create(
                model="any", messages=[{"role": "user", "content": "fail"}], stream=True
            )
        )
    with pytest.raises(openai.BadRequestError, match="input"):
        sdk.responses.create(model="any", input=[])


def test_an_agent_that_failed_is_not_asked_again_by_itself(served: Begin) -> None:
    app, asked = AgentApp(app_name="Friday"), []

    @app.query()
    async def answer(self: Any, msgs: Any) -> str:
        asked.append(msgs[-1].content)
        raise RuntimeError("broken")

    client = served(app)
    with openai.OpenAI(
        base_url=f"{client.serving.url}/compatible-mode/v1", api_key=client.serving.token, max_retries=2
    ) as patient:
        with pytest.raises(openai.InternalServerError, match="broken"):
            patient.responses.create(model="any", input="pay")
        with pytest.raises(openai.InternalServerError, match="broken"):
            patient.chat.completions.create(model="any", messages=[{"role": "user", "content": "pay too"}])
    assert asked == ["pay", "pay too"]
