"""OpenAI's wire, spoken to the real process by the real openai package, and by bare HTTP."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel

from nbagents.demo import reply

MODELS = ["demo", "demo-fast", "demo-slow", "demo-long", "demo-flaky", "demo-error"]
RAIN: list[Any] = [
    {"role": "system", "content": "You are a poet."},
    {"role": "user", "content": "Write about rain"},
]


def unique(text: str) -> list[Any]:
    """A conversation that no other test has."""
    return [{"role": "user", "content": f"{text} {time.monotonic_ns()}"}]


@pytest.fixture
def client(demo) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=demo.base_url, api_key=demo.key, max_retries=0) as made:
        yield made


def test_the_models_are_listed(client: openai.OpenAI):
    assert [model.id for model in client.models.list()] == MODELS
    assert client.models.retrieve("demo-slow").id == "demo-slow"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-5")


def test_a_reply_comes_whole_in_the_official_shape(demo):
    data = demo.post({"model": "demo", "messages": RAIN}).json()
    ChatCompletion.model_validate(data, strict=True)
    assert data["choices"][0]["message"]["content"] == reply(RAIN)
    assert data["choices"][0]["finish_reason"] == "stop"
    assert data["usage"] == {"prompt_tokens": 16, "completion_tokens": 36, "total_tokens": 52}


def test_a_reply_comes_in_pieces_that_are_the_same_reply(client: openai.OpenAI):
    with client.chat.completions.create(model="demo", messages=RAIN, stream=True) as stream:
        chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == reply(RAIN)
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks[-2:]] == [None, "stop"]
    assert len(chunks) == 27 + 2


def events(demo, body: Any) -> list[str]:
    answer = demo.post(body)
    assert answer.headers["content-type"].startswith("text/event-stream")
    parts = answer.text.split("\n\n")
    assert parts.pop() == ""
    return [part.removeprefix("data: ") for part in parts]


def test_the_events_are_those_of_the_official_wire(demo):
    told = events(
        demo, {"model": "demo", "messages": RAIN, "stream": True, "stream_options": {"include_usage": True}}
    )
    assert told.pop() == "[DONE]"
    chunks = [json.loads(one) for one in told]
    for chunk in chunks:
        ChatCompletionChunk.model_validate(chunk, strict=True)
    *pieces, finish, usage = chunks
    assert pieces[0]["choices"][0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
    assert all(list(piece["choices"][0]["delta"]) == ["content"] for piece in pieces[1:])
    assert finish["choices"][0] == {"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}
    assert usage["choices"] == []
    assert usage["usage"] == {"prompt_tokens": 16, "completion_tokens": 36, "total_tokens": 52}
    assert all(chunk["usage"] is None for chunk in [*pieces, finish])
    assert len({chunk["id"] for chunk in chunks}) == 1


def test_without_being_asked_no_chunk_speaks_of_usage(demo):
    told = events(demo, {"model": "demo", "messages": RAIN, "stream": True})
    assert told.pop() == "[DONE]"
    assert all("usage" not in json.loads(one) for one in told)


def test_the_asynchronous_client_hears_four_at_once(demo):
    async def run() -> list[str | None]:
        async with openai.AsyncOpenAI(base_url=demo.base_url, api_key=demo.key) as client:
            asked = [
                client.chat.completions.create(
                    model="demo-slow", messages=[{"role": "user", "content": f"What is {number} + 1?"}]
                )
                for number in range(4)
            ]
            return [answer.choices[0].message.content for answer in await asyncio.gather(*asked)]

    begin = time.monotonic()
    assert asyncio.run(run()) == [f"{number} + 1 = {number + 1}" for number in range(4)]
    assert 1.0 <= time.monotonic() - begin < 3.5


def test_the_slow_model_takes_its_second_before_the_first_word(client: openai.OpenAI):
    begin = time.monotonic()
    with client.chat.completions.create(model="demo-slow", messages=RAIN, stream=True) as stream:
        times = [time.monotonic() - begin for chunk in stream if chunk.choices[0].delta.content]
    assert 1.0 <= times[0] < 3
    assert times[-1] - times[0] < 0.5


def test_the_long_model_has_something_to_stop(client: openai.OpenAI):
    answer = client.chat.completions.create(model="demo-long", messages=RAIN)
    text = answer.choices[0].message.content or ""
    assert 200 <= len(text.split()) <= 500
    assert "offline demo model" in text


def test_the_flaky_model_refuses_once_and_then_answers(demo, client: openai.OpenAI):
    asked = unique("What is 2 + 2?")
    for _ in range(2):  # it starts over, so that a cell can be run again
        with pytest.raises(openai.RateLimitError) as refused:
            client.chat.completions.create(model="demo-flaky", messages=asked)
        assert refused.value.response.headers["retry-after"] == "0"
        assert float(refused.value.response.headers["retry-after-ms"]) <= 100
        assert refused.value.code == "rate_limit_exceeded"
        answer = client.chat.completions.create(model="demo-flaky", messages=asked)
        assert answer.choices[0].message.content == reply(asked)
    patient = client.with_options(max_retries=1)
    answer = patient.chat.completions.create(model="demo-flaky", messages=unique("hello"))
    assert answer.choices[0].message.content


def test_the_broken_model_fails_at_once_even_for_a_patient_client(client: openai.OpenAI):
    begin = time.monotonic()
    with pytest.raises(openai.InternalServerError, match="demo-error always fails") as failed:
        client.with_options(max_retries=5).chat.completions.create(model="demo-error", messages=RAIN)
    assert failed.value.status_code == 500
    assert failed.value.type == "server_error"
    assert time.monotonic() - begin < 2


def test_a_wrong_key_and_an_unknown_model_raise_the_official_errors(demo, client: openai.OpenAI):
    with pytest.raises(openai.AuthenticationError) as refused:
        client.with_options(api_key="sk-wrong").chat.completions.create(model="demo", messages=RAIN)
    assert refused.value.code == "invalid_api_key"
    assert "sk-wrong" not in str(refused.value)
    with pytest.raises(openai.NotFoundError) as unknown:
        client.chat.completions.create(model="gpt-5", messages=RAIN)
    assert unknown.value.code == "model_not_found"


HELLO = [{"role": "user", "content": "hello"}]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{not json", None),
        (b"[" * 100_000, None),
        (b"\xff\xfe", None),
        (b"", None),
        (b"[]", None),
        ({"messages": HELLO}, "model"),
        ({"model": 7, "messages": HELLO}, "model"),
        ({"model": "demo"}, "messages"),
        ({"model": "demo", "messages": []}, "messages"),
        ({"model": "demo", "messages": {}}, "messages"),
        ({"model": "demo", "messages": ["x"]}, "messages[0]"),
        ({"model": "demo", "messages": [{"content": "x"}]}, "messages[0].role"),
        ({"model": "demo", "messages": [{"role": "boss", "content": "x"}]}, "messages[0].role"),
        ({"model": "demo", "messages": [{"role": ["user"], "content": "x"}]}, "messages[0].role"),
        ({"model": "demo", "messages": [{"role": "user"}]}, "messages[0].content"),
        ({"model": "demo", "messages": [{"role": "user", "content": [1]}]}, "messages[0].content"),
        (
            {"model": "demo", "messages": [{"role": "user", "content": "x", "name": "a b"}]},
            "messages[0].name",
        ),
        ({"model": "demo", "messages": HELLO, "stream": "yes"}, "stream"),
        ({"model": "demo", "messages": HELLO, "n": 2}, "n"),
        ({"model": "demo", "messages": HELLO, "n": [1]}, "n"),
        ({"model": "demo", "messages": HELLO, "max_tokens": -1}, "max_completion_tokens"),
        ({"model": "demo", "messages": HELLO, "stop": [1]}, "stop"),
        ({"model": "demo", "messages": HELLO, "tools": [1]}, "tools"),
        ({"model": "demo", "messages": HELLO, "tool_choice": ["add"]}, "tool_choice"),
        ({"model": "demo", "messages": HELLO, "tool_choice": {"function": "add"}}, "tool_choice"),
        (b'{"model": "demo", "messages": [{"role": "user", "content": "\\ud800"}]}', None),
        ({"model": "demo", "messages": HELLO, "response_format": {"type": "xml"}}, "response_format.type"),
    ],
)
def test_a_bad_request_is_named(demo, body: Any, param: str | None):
    answer = demo.post(body)
    error = answer.json()["error"]
    assert answer.status_code == 400
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert error["message"]


NONSENSE: list[Any] = [
    {"type": "object", "properties": []},
    {"enum": 7},
    {"type": "array", "minItems": "two", "items": 3},
    {"type": ["null", "string"], "anyOf": {}},
    {"$ref": "#/nowhere"},
    {"properties": {"a": {"$ref": "#"}}},
    {"type": "integer", "minimum": 5, "maximum": "x"},
]


@pytest.mark.parametrize("schema", NONSENSE)
def test_nonsense_in_a_schema_breaks_nothing(demo, schema: Any):
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    answer = demo.post({"model": "demo", "messages": HELLO, "response_format": form})
    assert answer.status_code == 200
    json.loads(answer.json()["choices"][0]["message"]["content"])
    tool = {"type": "function", "function": {"name": "hello", "parameters": schema}}
    for choice in ("auto", "required"):
        body = {"model": "demo", "messages": HELLO, "tools": [tool, {}], "tool_choice": choice}
        assert demo.post(body).status_code == 200


def test_other_paths_and_methods_fail_in_the_same_shape(demo):
    with demo.http() as http:
        for method, path, status in (
            ("GET", "/chat/completions", 405),
            ("DELETE", "/models", 405),
            ("GET", "/nowhere", 404),
            ("POST", "/audio/speech", 404),
        ):
            answer = http.request(method, path)
            assert answer.status_code == status
            assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


def test_too_large_a_request_is_refused(demo):
    answer = demo.post(b'{"model": "demo", "messages": "' + b"x" * (9 * 2**20) + b'"}')
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "request_too_large"


def test_length_and_stop_end_a_reply(client: openai.OpenAI):
    short = client.chat.completions.create(model="demo", messages=RAIN, max_completion_tokens=6)
    assert short.choices[0].finish_reason == "length"
    assert short.usage is not None
    assert 0 < short.usage.completion_tokens <= 6
    assert reply(RAIN).startswith(short.choices[0].message.content or "-")
    stopped = client.chat.completions.create(model="demo", messages=RAIN, stop=[";"])
    assert stopped.choices[0].message.content == reply(RAIN).split(";")[0]
    assert stopped.choices[0].finish_reason == "stop"


def test_parts_of_content_are_read(client: openai.OpenAI):
    parts: Any = [
        {"type": "text", "text": "What is"},
        {"type": "text", "text": "17 * 23?"},
    ]
    answer = client.chat.completions.create(model="demo", messages=[{"role": "user", "content": parts}])
    assert answer.choices[0].message.content == "17 * 23 = 391"


class Reading(BaseModel):
    answer: str
    count: int
    tags: list[str]
    sure: bool


def test_structured_output_is_valid_for_its_schema(client: openai.OpenAI):
    parsed = client.chat.completions.parse(
        model="demo", messages=[{"role": "user", "content": "What is 2 + 2?"}], response_format=Reading
    )
    reading = parsed.choices[0].message.parsed
    assert reading is not None
    assert reading.answer == "2 + 2 = 4"
    plain = client.chat.completions.create(
        model="demo",
        messages=[{"role": "user", "content": "What is 2 + 2?"}],
        response_format={"type": "json_object"},
    )
    assert json.loads(plain.choices[0].message.content or "") == {"reply": "2 + 2 = 4"}


ADD: Any = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Add two numbers",
        "parameters": {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}},
    },
}


def test_a_tool_is_called_and_its_result_told(client: openai.OpenAI):
    asked: list[Any] = [{"role": "user", "content": "Please add 3 and 4"}]
    answer = client.chat.completions.create(model="demo", messages=asked, tools=[ADD])
    call: Any = (answer.choices[0].message.tool_calls or [])[0]
    assert answer.choices[0].finish_reason == "tool_calls"
    assert answer.choices[0].message.content is None
    assert (call.function.name, json.loads(call.function.arguments)) == ("add", {"a": 3, "b": 4})
    asked += [answer.choices[0].message.to_dict(), {"role": "tool", "tool_call_id": call.id, "content": "7"}]
    told = client.chat.completions.create(model="demo", messages=asked, tools=[ADD])
    assert told.choices[0].message.content == "add returned “7”."


def test_a_tool_call_is_streamed_as_the_official_wire_does(demo):
    body = {
        "model": "demo",
        "messages": [{"role": "user", "content": "Please add 3 and 4"}],
        "tools": [ADD],
        "stream": True,
    }
    *told, done = events(demo, body)
    assert done == "[DONE]"
    chunks = [json.loads(one) for one in told]
    for chunk in chunks:
        ChatCompletionChunk.model_validate(chunk, strict=True)
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert deltas[0]["content"] is None
    assert deltas[0]["tool_calls"][0]["function"] == {"name": "add", "arguments": ""}
    arguments = "".join(delta["tool_calls"][0]["function"]["arguments"] for delta in deltas[1:-1])
    assert json.loads(arguments) == {"a": 3, "b": 4}
    assert (deltas[-1], chunks[-1]["choices"][0]["finish_reason"]) == ({}, "tool_calls")
