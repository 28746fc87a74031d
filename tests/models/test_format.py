"""What a model is told of a conversation of many."""

from __future__ import annotations

import asyncio

import pytest

from nbagents.exceptions import UsageError
from nbagents.message import Msg
from nbagents.models import ModelResponse, OpenAIChatWrapper
from nbagents.models._completion import Completion
from nbagents.models._format import chat_messages

OPENAI = OpenAIChatWrapper("a", "m", "sk-0123456789", "https://api.openai.com/v1")
OTHER = OpenAIChatWrapper("b", "m", base_url="http://localhost:1/v1")
DEMO = OpenAIChatWrapper("c", "demo", endpoint="demo")

TALK = [
    Msg("system", "You are a poet.", "system"),
    Msg("user", "Rain?", "user"),
    None,
    [Msg("poet", "Beads."), [Msg("critic", "Cut!")]],
]


@pytest.mark.parametrize("model", [OPENAI, DEMO])
def test_own_words_are_the_assistants_and_names_stand_in_their_field(model):
    assert model.format(*TALK, speaker="poet") == [
        {"role": "system", "content": "You are a poet."},
        {"role": "user", "name": "user", "content": "Rain?"},
        {"role": "assistant", "name": "poet", "content": "Beads."},
        {"role": "user", "name": "critic", "content": "Cut!"},
    ]


def test_elsewhere_names_stand_in_the_text_where_several_others_speak():
    assert [entry["content"] for entry in OTHER.format(*TALK, speaker="poet")[1:]] == [
        "user: Rain?",
        "Beads.",
        "critic: Cut!",
    ]
    assert [entry["content"] for entry in OTHER.format(*TALK[:2], speaker="poet")[1:]] == ["Rain?"]


def test_without_a_speaker_the_roles_stay():
    roles = [entry["role"] for entry in OTHER.format(*TALK)]
    assert roles == ["system", "user", "assistant", "assistant"]
    assert OTHER.format(*TALK)[1]["content"] == "Rain?"


def test_only_what_leads_is_the_system_message():
    entries = OPENAI.format(
        Msg("system", "One.", "system"),
        Msg("system", "Two.", "system"),
        Msg("Moderator", "Begin.", "system"),
        Msg("system", "Three.", "system"),
    )
    assert entries == [
        {"role": "system", "content": "One.\n\nTwo."},
        {"role": "user", "name": "Moderator", "content": "Begin."},
        {"role": "user", "name": "system", "content": "Three."},
    ]


@pytest.mark.parametrize(
    ("model", "name", "entry"),
    [
        (OPENAI, "Player 1", {"name": "Player_1", "content": "Player 1: hi"}),
        (OPENAI, "诗人", {"name": "诗人", "content": "hi"}),
        (DEMO, "诗人", {"name": "诗人", "content": "hi"}),
        (OTHER, "诗人", {"content": "诗人: hi"}),
        (OTHER, "诗人 2", {"name": "2", "content": "诗人 2: hi"}),
        (OPENAI, "</>", {"content": "</>: hi"}),
        (OPENAI, "a" * 70, {"name": "a" * 64, "content": "a" * 70 + ": hi"}),
        (OTHER, "ok-1_x", {"name": "ok-1_x", "content": "hi"}),
    ],
)
def test_a_name_that_the_field_cannot_hold_stands_in_the_text(model, name, entry):
    assert model.format(Msg(name, "hi"), speaker="me") == [{"role": "user"} | entry]
    assert model.format(Msg(name, "hi"), speaker=name)[0]["content"] == "hi"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("hi", "hi"),
        (None, ""),
        ({"mood": "grün"}, '{"mood": "grün"}'),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "a\nb"),
        ([], "[]"),
    ],
)
def test_content_that_is_no_text_becomes_one(content, text):
    assert chat_messages([Msg("user", content)])[0]["content"] == text


def test_what_is_no_message_is_refused():
    with pytest.raises(UsageError, match="not dict"):
        OPENAI.format({"role": "user", "content": "hi"})  # type: ignore[arg-type]


def test_tool_calls_are_put_together_from_their_pieces():
    answer = Completion()
    for delta in (
        {"role": "assistant", "content": None, "tool_calls": [{"index": 0, "id": "c1", "type": "function"}]},
        {"tool_calls": [{"index": 0, "function": {"name": "add", "arguments": '{"a"'}}]},
        {"tool_calls": [{"index": 1, "id": "c2", "function": {"name": "mul", "arguments": "{}"}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": ": 1}"}}]},
    ):
        assert answer.add({"id": "x", "choices": [{"index": 0, "delta": delta}]}) == ""
    answer.add({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]})
    message = answer.raw()["choices"][0]["message"]
    assert [(call["id"], call["function"]) for call in message["tool_calls"]] == [
        ("c1", {"name": "add", "arguments": '{"a": 1}'}),
        ("c2", {"name": "mul", "arguments": "{}"}),
    ]
    assert answer.whole


def test_a_refusal_is_the_text_and_reasoning_is_not():
    answer = Completion()
    assert answer.add({"choices": [{"delta": {"reasoning_content": "hm"}}]}) == ""
    assert answer.add({"choices": [{"delta": {"refusal": "I cannot."}}]}) == "I cannot."
    assert answer.raw()["choices"][0]["message"]["reasoning_content"] == "hm"


def test_what_other_servers_give_is_understood():
    answer = Completion()
    parts = [{"type": "thinking", "thinking": []}, {"type": "text", "text": "Beads."}]
    call = {"function": {"name": "add", "arguments": {"a": 1}}}
    answer.add({"choices": [{"message": {"content": parts, "reasoning": "hm", "tool_calls": [call]}}]})
    thinking, text, use = answer.blocks()
    assert (thinking["thinking"], text["text"], use["input"]) == ("hm", "Beads.", {"a": 1})
    assert use["id"] == answer.blocks()[2]["id"]


@pytest.mark.parametrize(
    "chunk",
    [
        5,
        [],
        {},
        {"choices": None},
        {"choices": [5]},
        {"choices": [{"delta": 5}]},
        {"choices": [{"delta": {"tool_calls": [5]}}]},
        {"choices": [{"delta": {"tool_calls": [{"function": 5}]}}]},
        {"choices": [{"delta": {"tool_calls": [{"function": {"name": 5}}]}}]},
    ],
)
def test_what_is_no_chunk_is_refused(chunk):
    with pytest.raises(ValueError, match="no"):
        Completion().add(chunk)


def test_a_response_of_plain_values_is_complete():
    response = ModelResponse(text="x", raw={"a": 1}, parsed=2, image_urls=["u"], embedding=[1.0])
    assert (response.text, response.raw, response.parsed, response.image_urls, response.embedding) == (
        "x",
        {"a": 1},
        2,
        ["u"],
        [1.0],
    )
    assert response.done()
    assert response.usage is None
    assert repr(response) == "ModelResponse(text='x')"

    async def arrived() -> ModelResponse:
        return await response

    assert asyncio.run(arrived()) is response


def test_a_response_of_a_plain_stream_can_be_read_either_way():
    def told() -> ModelResponse:
        return ModelResponse(stream=(text for text in ("a", "ab", "abc")))

    grown = [(False, "a"), (False, "ab"), (False, "abc"), (True, "abc")]
    response = told()
    assert list(response.stream) == grown
    assert list(response.stream) == grown
    assert response.text == "abc"
    assert told().text == "abc"
    assert ModelResponse(stream=[(False, "a"), (True, "ab")]).text == "ab"

    async def watch() -> list[tuple[bool, str]]:
        return [item async for item in told().stream]

    assert asyncio.run(watch()) == grown
