"""Tools in a request, calls of tools, thinking and pictures in an answer, and answers in a shape."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any

import pytest
from pydantic import BaseModel

from nbagents import events
from nbagents.exceptions import (
    ModelResponseError,
    ResponseParsingError,
    SchemaMismatchError,
    UsageError,
)
from nbagents.models import ModelResponse, ModelWrapperBase, OpenAIChatWrapper

HELLO = [{"role": "user", "content": "rain"}]
PARAMETERS = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}
ADD = {"type": "function", "function": {"name": "add", "description": "Add", "parameters": PARAMETERS}}


class Verdict(BaseModel):
    good: bool
    why: str


def model(endpoint: Any, *answers: dict[str, Any], **more: Any) -> OpenAIChatWrapper:
    endpoint.answers += answers
    return OpenAIChatWrapper("mine", "hello", base_url=endpoint.base_url, **more)


def call(arguments: str, name: str = "add", id: str = "c1", index: int = 0) -> dict[str, Any]:
    return {
        "index": index,
        "id": id,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }


def wishes(*calls: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**more, "tool_calls": list(calls), "finish": "tool_calls"}


@pytest.mark.parametrize("stream", [True, False])
def test_a_model_thinks_speaks_and_calls_tools(endpoint, stream):
    said = wishes(
        call('{"a": 3, "b": 4}'),
        call("", "now", "c2", 1),
        reasoning_content="Two sums.",
        content="I will add.",
    )
    response = model(endpoint, said, stream=stream)(HELLO, tools=[ADD], tool_choice="add")
    assert response.content == [
        {"type": "thinking", "thinking": "Two sums."},
        {"type": "text", "text": "I will add."},
        {"type": "tool_use", "id": "c1", "name": "add", "input": {"a": 3, "b": 4}},
        {"type": "tool_use", "id": "c2", "name": "now", "input": {}},
    ]
    assert [block["name"] for block in response.tool_calls] == ["add", "now"]
    assert response.text == "I will add."
    assert endpoint.body["tools"] == [ADD]
    assert endpoint.body["tool_choice"] == {"type": "function", "function": {"name": "add"}}


def test_the_content_can_be_watched_as_it_grows(endpoint):
    said = wishes(call('{"a": 1}'), content="Adding")

    async def watch() -> list[ModelResponse]:
        return [snapshot async for snapshot in model(endpoint, said)(HELLO, tools=[ADD])]

    snapshots = asyncio.run(watch())
    texts = [snapshot.text or "" for snapshot in snapshots]
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(texts))
    assert texts[-1] == "Adding"
    assert snapshots[-1].tool_calls[0]["input"] == {"a": 1}
    assert snapshots[-1].usage is not None


def test_a_call_without_an_id_gets_one(endpoint):
    first, second = model(endpoint, wishes(call("{}", id=""), call("{}", id="", index=1)))(
        HELLO, tools=[ADD]
    ).tool_calls
    assert first["id"]
    assert first["id"] != second["id"]


@pytest.mark.parametrize(
    ("tools", "choice", "says"),
    [
        ([ADD], "ad", r"not 'ad'\. Did you mean 'add'\? Tools: add"),
        ([{"name": "add"}], None, "toolkit.get_json_schemas"),
        ([ADD["function"]], "auto", "toolkit.get_json_schemas"),
    ],
)
def test_wrong_tools_are_named_before_anything_is_sent(endpoint, tools, choice, says):
    with pytest.raises(UsageError, match=says):
        model(endpoint)(HELLO, tools=tools, tool_choice=choice)
    assert endpoint.requests == []


def test_arguments_that_are_no_json_are_asked_for_again(endpoint):
    spent: list[Any] = []
    unsubscribe = events.subscribe(lambda event: spent.append(event.kind))
    try:
        asked = model(endpoint, wishes(call('{"a": ')), wishes(call('{"a": 2}')))
        assert asked(HELLO, tools=[ADD]).tool_calls[0]["input"] == {"a": 2}
    finally:
        unsubscribe()
    assert len(endpoint.requests) == 2
    assert spent.count("usage") == 2  # what was of no use has cost too


def test_arguments_that_stay_no_json_are_an_error(endpoint):
    asked = model(endpoint, *[wishes(call('{"a": ')) for _ in range(3)])
    with pytest.raises(
        ResponseParsingError, match=r"hello gave no answer.*'add' with arguments.*3 times"
    ) as e:
        asked(HELLO, tools=[ADD]).result(10)
    assert e.value.hint
    assert len(endpoint.requests) == 3


def test_an_answer_in_the_shape_of_a_class(endpoint):
    asked = model(endpoint, {"content": '```json\n{"good": true, "why": "short"}\n```'})
    response = asked(HELLO, structured_model=Verdict)
    assert response.parsed == response.metadata == {"good": True, "why": "short"}
    assert endpoint.body["response_format"]["json_schema"]["name"] == "Verdict"
    assert endpoint.body["response_format"]["json_schema"]["schema"] == Verdict.model_json_schema()


def test_an_answer_of_another_shape_is_asked_for_again_with_the_reason(endpoint):
    asked = model(endpoint, {"content": '{"good": "perhaps"}'}, {"content": '{"good": false, "why": "x"}'})
    assert asked(HELLO, structured_model=Verdict).parsed == {"good": False, "why": "x"}
    assert "does not fit Verdict: good" in endpoint.body["messages"][-1]["content"]
    with pytest.raises(SchemaMismatchError, match=r"does not fit answer: it is no JSON: 'no'"):
        model(endpoint, {"content": "no"})(HELLO, structured_model=PARAMETERS, max_retries=1).result(10)


def test_who_knows_no_shapes_is_asked_by_a_tool(endpoint):
    asked = model(endpoint, wishes(call('{"good": true, "why": "x"}', "Verdict")), provider="dashscope")
    response = asked(HELLO, structured_model=Verdict)
    assert response.parsed == {"good": True, "why": "x"}
    assert json.loads(response.text or "") == response.parsed
    assert response.tool_calls == []
    assert endpoint.body["tool_choice"]["function"]["name"] == "Verdict"
    assert "response_format" not in endpoint.body


def test_tools_and_a_shape_exclude_each_other(endpoint):
    asked = model(endpoint, {"content": '{"good": true, "why": "x"}'})
    with pytest.warns(UserWarning, match="tools are left out"):
        asked(HELLO, tools=[ADD], structured_model=Verdict).result(10)
    assert "tools" not in endpoint.body
    with pytest.raises(UsageError, match="pydantic class"):
        asked(HELLO, structured_model=int)


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"content": ""}, "gave an empty answer"),
        ({"content": "", "finish": "length"}, "used up all the tokens"),
        ({"reasoning_content": "hm", "finish": "length"}, "used up all the tokens"),
        ({"content": "", "finish": "content_filter"}, "its filter stopped it"),
    ],
)
def test_an_answer_without_anything_in_it_is_an_error(endpoint, said, says):
    with pytest.raises(ModelResponseError, match=says):
        model(endpoint, said)(HELLO).result(10)


# ------------------------------------------------------------------------- reading what was said


def parse(response: ModelResponse) -> ModelResponse:
    return ModelResponse(text=response.text, parsed=json.loads(response.text or ""))


def test_an_answer_is_read_and_asked_for_again_until_it_can_be(endpoint):
    said = [{"content": "no json"}, {"content": "{}}"}, {"content": '{"a": 1}'}]
    response = model(endpoint, *said)(HELLO, parse_func=parse)
    assert (response.parsed, response.text) == ({"a": 1}, '{"a": 1}')
    assert response.usage is not None
    assert list(response.stream)[-1] == (True, '{"a": 1}')
    assert response.partial == '{"a": 1}'


def test_what_a_function_returns_is_what_was_parsed(endpoint):
    assert model(endpoint, {"content": "[1]"})(HELLO, parse_func=json.loads).parsed == [1]
    assert model(endpoint, {"content": "ab"})(HELLO, parse_func=lambda r: len(r.text)).parsed == 2


def test_the_fault_handler_has_the_last_word(endpoint):
    def handle(response: ModelResponse) -> dict[str, Any]:
        return {"speak": response.text}

    asked = model(endpoint, {"content": "one"}, {"content": "two"})
    response = asked(HELLO, parse_func=json.loads, fault_handler=handle, max_retries=2)
    assert response.parsed == {"speak": "two"}
    assert len(endpoint.requests) == 2


def test_without_one_the_error_says_what_came(endpoint):
    with pytest.raises(ResponseParsingError, match=r"JSONDecodeError.*asked 2 times") as caught:
        model(endpoint, *[{"content": "no"}] * 2)(HELLO, parse_func=json.loads, max_retries=2).result(10)
    assert caught.value.raw_response == "no"


def test_a_function_that_is_broken_is_not_asked_again(endpoint):
    with pytest.raises(AttributeError):
        model(endpoint)(HELLO, parse_func=lambda r: r.nonsense).result(10)
    assert len(endpoint.requests) == 1
    for wrong in ({"parse_func": 5}, {"fault_handler": "x"}, {"max_retries": 0}):
        with pytest.raises(UsageError):
            model(endpoint)(HELLO, **wrong)


def test_a_function_may_ask_a_model_itself(endpoint):
    other = model(endpoint)

    def parse(response: ModelResponse) -> str:
        return f"{response.text}; {other(HELLO).text}"

    assert (
        model(endpoint, {"content": "one"})(HELLO, parse_func=parse).parsed == "one; Grey beads on the glass"
    )


def test_a_model_of_ones_own_is_read_as_every_other():
    class Counter(ModelWrapperBase):
        asked = 0

        def __call__(self, messages: Any, **generate_args: Any) -> ModelResponse:
            assert not generate_args
            self.asked += 1
            return ModelResponse(text="{" if self.asked < 3 else '{"a": 1}')

    model = Counter("mine")
    assert model(HELLO, max_retries=5).text == "{"
    response = model(HELLO, parse_func=parse)
    assert (response.parsed, model.asked) == ({"a": 1}, 3)
    model.asked = 0
    assert model(HELLO, parse_func=parse, fault_handler=lambda r: {"raw": r.text}, max_retries=1).parsed == {
        "raw": "{"
    }
