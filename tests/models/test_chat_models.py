"""Models and formatters as AgentScope 1.x has them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import BaseModel

from nbagents._loop import background
from nbagents.agents import DialogAgent, ReActAgent
from nbagents.exceptions import CallCancelledError, ModelAuthError, ModelChoiceError, UsageError
from nbagents.message import Msg
from nbagents.models import (
    ChatModelBase,
    ChatResponse,
    DashScopeChatFormatter,
    DashScopeChatModel,
    DashScopeMultiAgentFormatter,
    OpenAIChatFormatter,
    OpenAIChatModel,
    OpenAIMultiAgentFormatter,
    load_model,
    model_config_from_wire,
    model_config_to_wire,
)

KEY = "sk-0123456789abcdef"
HELLO = [{"role": "user", "content": "What is 2 + 2?"}]
USE = {"type": "tool_use", "id": "c1", "name": "add", "input": {"a": 3}}
RESULT = {"type": "tool_result", "id": "c1", "name": "add", "output": "7"}
IMAGE = {"type": "image", "source": {"type": "url", "url": "http://x/a.png"}}
TALK = [
    Msg("system", "You are Bob.", "system"),
    Msg("Alice", "Hi!", "user"),
    Msg("Bob", "Hello.", "assistant"),
    Msg(
        "Carol",
        [
            {"type": "text", "text": "Look"},
            {"type": "image", "source": {"type": "url", "url": "http://x/a.png"}},
        ],
        "user",
    ),
    Msg("Bob", [USE], "assistant"),
    Msg("system", [RESULT], "system"),
]


@pytest.mark.parametrize("stream", [True, False])
def test_a_model_is_made_in_a_line_and_awaited(stream):
    async def ask() -> tuple[Any, list[Any]]:
        model = OpenAIChatModel("demo-fast", stream=stream, endpoint="demo")
        response = await model(HELLO)
        return response, [chunk.content async for chunk in await model(HELLO)]

    response, chunks = asyncio.run(ask())
    assert isinstance(response, ChatResponse)
    assert response.content == [{"type": "text", "text": "2 + 2 = 4"}]
    assert chunks[-1] == response.content


def test_what_is_awaited_streams_as_in_agentscope(endpoint):
    async def watch() -> None:
        response = await OpenAIChatModel("stall", KEY, base_url=endpoint.base_url)(HELLO)
        async for chunk in response:
            if chunk.text:
                break
        assert chunk.text == "Grey "
        assert not response.done()
        response.cancel()
        with pytest.raises(CallCancelledError):
            await response
        with pytest.raises(ModelAuthError):
            await OpenAIChatModel("401", KEY, base_url=endpoint.base_url)(HELLO)

    asyncio.run(watch())
    assert endpoint.left.wait(10)


def test_what_has_begun_is_awaited_again_for_all_of_it(endpoint):
    async def ask() -> Any:
        response = await OpenAIChatModel("hello", KEY, base_url=endpoint.base_url)(HELLO)
        return await response

    assert background().run(ask()).text == "Grey beads on the glass"


@pytest.mark.parametrize("kind", [DialogAgent, ReActAgent])
def test_agents_take_the_whole_of_what_streams(kind):
    class Wrapped(ChatModelBase):
        async def __call__(self, messages: Any, **generate_args: Any) -> ChatResponse:
            return await inner(messages, **generate_args)

    inner = OpenAIChatModel("demo-fast", endpoint="demo")
    for model in (inner, Wrapped("mine")):
        agent = kind("Ann", "You calculate.")
        agent.model = model
        assert agent(Msg("user", "What is 2 + 2?")).content == "2 + 2 = 4"


def test_a_shape_is_kept_by_the_offline_model():
    class Reading(BaseModel):
        answer: str
        sure: bool

    response = OpenAIChatModel("demo-fast", endpoint="demo")(HELLO, structured_model=Reading)
    assert response.metadata == {"answer": "2 + 2 = 4", "sure": True}


def test_the_key_of_dashscope_is_looked_for_in_order(endpoint, monkeypatch):
    monkeypatch.delenv("DASHSCOPE_API_KEY", raising=False)
    monkeypatch.delenv("DASHSCOPE_BASE_URL", raising=False)
    with pytest.raises(ModelChoiceError, match="needs a key, and DASHSCOPE_API_KEY is not set"):
        DashScopeChatModel("qwen-max")
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    model = DashScopeChatModel("qwen-max")
    assert model.config["base_url"] == "https://dashscope.aliyuncs.com/compatible-mode/v1"
    monkeypatch.setenv("DASHSCOPE_BASE_URL", endpoint.base_url)
    for given, expected in ((None, KEY), ("sk-another-0123456789", "sk-another-0123456789")):
        asked = DashScopeChatModel("hello", api_key=given, stream=False, enable_thinking=False)
        assert asked(HELLO).text == "Grey beads on the glass"
        assert endpoint.headers["authorization"] == f"Bearer {expected}"
        assert endpoint.body["enable_thinking"] is False
    monkeypatch.delenv("DASHSCOPE_BASE_URL")
    assert DashScopeChatModel("hello", KEY, base_url=endpoint.base_url)(HELLO).text
    with pytest.raises(UsageError, match="give base_url"):
        DashScopeChatModel("hello", KEY, base_http_api_url="https://example.org")


def test_arguments_have_two_names(endpoint):
    model = OpenAIChatModel(
        "hello",
        client_kwargs={"base_url": endpoint.base_url, "timeout": 5},
        generate_kwargs={"seed": 1},
        reasoning_effort="low",
    )
    assert model(HELLO).text == "Grey beads on the glass"
    assert (endpoint.body["seed"], endpoint.body["reasoning_effort"], model.timeout) == (1, "low", 5)
    with pytest.raises(UsageError, match="generate_kwargs or generate_args, not both"):
        OpenAIChatModel("hello", KEY, generate_kwargs={}, generate_args={})


def test_a_model_travels_to_a_server(endpoint):
    model = DashScopeChatModel("hello", KEY, base_url=endpoint.base_url)
    assert isinstance(model, ChatModelBase)
    again = load_model(model_config_from_wire(model_config_to_wire(model.config)))
    assert again(HELLO).text == "Grey beads on the glass"
    assert again.provider.name == "dashscope"  # type: ignore[attr-defined]


def test_each_message_is_an_entry():
    entries = asyncio.run(OpenAIChatFormatter().format(TALK))
    assert [entry["role"] for entry in entries] == [
        "system",
        "user",
        "assistant",
        "user",
        "assistant",
        "tool",
    ]
    assert entries[1] == {"role": "user", "name": "Alice", "content": "Hi!"}
    assert entries[3]["content"][1]["type"] == "image_url"
    assert entries[4]["tool_calls"][0]["function"] == {"name": "add", "arguments": '{"a": 3}'}
    assert entries[5] == {"role": "tool", "tool_call_id": "c1", "content": "7"}
    spoken = asyncio.run(DashScopeChatFormatter().format(TALK))
    assert spoken[1]["content"] == "Alice: Hi!"  # its models do not see who it was


@pytest.mark.parametrize("formatter", [OpenAIMultiAgentFormatter(), DashScopeMultiAgentFormatter()])
def test_a_talk_of_many_is_one_text_between_calls_of_tools(formatter):
    entries = asyncio.run(formatter.format([*TALK, Msg("Alice", "Thanks!", "user")]))
    assert [entry["role"] for entry in entries] == ["system", "user", "assistant", "tool", "user"]
    text, picture = entries[1]["content"]
    assert text["text"] == "## Conversation History\nAlice: Hi!\nBob: Hello.\nCarol: Look\n(image_url)"
    assert picture["type"] == "image_url"
    assert entries[4]["content"] == "Alice: Thanks!"
    assert asyncio.run(formatter.format(None)) == []


def test_what_is_no_message_is_refused():
    with pytest.raises(UsageError, match="not dict"):
        asyncio.run(OpenAIChatFormatter().format([{"role": "user"}]))
