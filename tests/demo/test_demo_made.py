"""Embeddings, pictures and several tools at once, asked of the real process by the real openai package."""

from __future__ import annotations

import base64
import itertools
import json
import zlib
from collections.abc import Iterator
from typing import Any

import openai
import pytest

FUNCTION = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}


def tool(name: str, about: str, parameters: Any = FUNCTION) -> Any:
    return {"type": "function", "function": {"name": name, "description": about, "parameters": parameters}}


TOOLS = [tool("add", "Add two numbers"), tool("multiply", "Multiply two numbers")]


@pytest.fixture(scope="module")
def client(demo) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=demo.base_url, api_key=demo.key, max_retries=0) as made:
        yield made


def likeness(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def test_texts_of_like_words_have_embeddings_that_are_near(client: openai.OpenAI):
    texts = ["The cat sat on the mat", "A cat was sitting on its mat", "Stocks fell on Monday in Tokyo"]
    made = client.embeddings.create(model="demo", input=texts)
    cat, kitten, stocks = (one.embedding for one in made.data)
    assert likeness(cat, cat) == pytest.approx(1, abs=1e-5)
    assert likeness(cat, kitten) > 2 * abs(likeness(cat, stocks))
    assert [one.index for one in made.data] == [0, 1, 2]
    assert made.usage.total_tokens > 0
    again = client.embeddings.create(model="demo", input=texts[0], encoding_format="float", dimensions=8)
    assert len(again.data[0].embedding) == 8
    chinese = client.embeddings.create(model="demo", input=["今天下雨", "今天下大雨", "股票"]).data
    near, far = (likeness(chinese[0].embedding, chinese[n].embedding) for n in (1, 2))
    assert near > far


def test_a_picture_shows_what_the_text_names(client: openai.OpenAI):
    asked = {"model": "demo", "prompt": "a red circle", "n": 2}
    made = client.images.generate(**asked).data or []
    first, second = (str(one.url).removeprefix("data:image/png;base64,") for one in made)
    assert first != second
    data = base64.b64decode(first)
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    place = data.index(b"IDAT")
    size = int.from_bytes(data[place - 4 : place])
    rows = zlib.decompress(data[place + 4 : place + 4 + size])
    assert len(rows) == 128 * (1 + 3 * 128)
    middle = 64 * (1 + 3 * 128) + 1 + 3 * 64
    assert tuple(rows[middle : middle + 3]) == (208, 60, 58)
    whole = client.images.generate(**asked | {"n": 1, "response_format": "b64_json"}).data or []
    assert whole[0].b64_json == first


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("embeddings", {"input": []}, "input"),
        ("embeddings", {"input": [[1, 2]]}, "input"),
        ("embeddings", {"input": "x", "dimensions": 0}, "dimensions"),
        ("embeddings", {"input": "x", "encoding_format": "bits"}, "encoding_format"),
        ("images/generations", {"prompt": " "}, "prompt"),
        ("images/generations", {"prompt": "x", "n": 99}, "n"),
        ("images/generations", {"prompt": "x", "size": "big"}, "size"),
        ("images/generations", {"prompt": "x", "response_format": "jpg"}, "response_format"),
    ],
)
def test_what_is_wrong_with_a_request_is_named(demo, path, body, param):
    with demo.http() as http:
        answer = http.post(f"/{path}", json={"model": "demo"} | body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def calls(client: openai.OpenAI, text: str, tools: Any = TOOLS, **more: Any) -> list[tuple[str, Any]]:
    asked: Any = [{"role": "user", "content": text}]
    message = (
        client.chat.completions.create(model="demo", messages=asked, tools=tools, **more).choices[0].message
    )
    found: Any = message.tool_calls or []
    return [(call.function.name, json.loads(call.function.arguments)) for call in found]


def test_several_tools_are_called_at_once_where_several_are_wanted(client: openai.OpenAI):
    both = "Please add 3 and 4 and multiply 5 and 6"
    expected = [("add", {"a": 3, "b": 4}), ("multiply", {"a": 5, "b": 6})]
    assert calls(client, both) == expected
    assert len(calls(client, both, parallel_tool_calls=False)) == 1
    assert calls(client, "Please add 3 and 4") == expected[:1]
    asked: Any = [{"role": "user", "content": both}]
    with client.chat.completions.create(model="demo", messages=asked, tools=TOOLS, stream=True) as stream:
        deltas = [one for chunk in stream for one in chunk.choices[0].delta.tool_calls or []]
    assert [delta.index for delta in deltas] == sorted(delta.index for delta in deltas)
    by_index = itertools.groupby(deltas, key=lambda delta: delta.index)
    told = [list(group) for _, group in by_index]
    assert len({group[0].id for group in told}) == 2
    assert [
        (g[0].function.name, json.loads("".join(d.function.arguments for d in g))) for g in told
    ] == expected


def test_a_tool_that_ends_the_talk_is_told_what_would_be_said(client: openai.OpenAI):
    parameters = {"type": "object", "properties": {"response": {"type": "string"}}}
    end = tool("generate_response", "Generate the response.", parameters)
    choice = {"type": "function", "function": {"name": "generate_response"}}
    [(name, arguments)] = calls(client, "What is 2 + 2?", [*TOOLS, end], tool_choice=choice)
    assert (name, arguments) == ("generate_response", {"response": "2 + 2 = 4"})
    call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
    talk: Any = [
        {"role": "user", "content": "Please add 3 and 4"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "7"},
    ]
    answer = client.chat.completions.create(
        model="demo", messages=talk, tools=[*TOOLS, end], tool_choice="required"
    )
    [ended] = answer.choices[0].message.tool_calls or []
    assert json.loads(ended.function.arguments) == {"response": "add returned “7”."}  # type: ignore[union-attr]


def test_one_model_may_stand_in_for_all_others(processes):
    with processes.demo(stand_in="demo-fast") as demo, demo.http() as http:
        body = {"model": "qwen-max", "messages": [{"role": "user", "content": "What is 2 + 2?"}]}
        answer = http.post("/chat/completions", json=body).json()
        assert (answer["model"], answer["choices"][0]["message"]["content"]) == ("qwen-max", "2 + 2 = 4")
        assert http.post("/embeddings", json={"model": "text-embedding-v3", "input": "x"}).status_code == 200
        assert http.get("/models/qwen-max").status_code == 200
