"""Service functions as AgentScope 0.x has them: described and called by text."""

from __future__ import annotations

import asyncio
import threading

import pytest

from nbagents._loop import background
from nbagents.exceptions import (
    ArgumentNotFoundError,
    ArgumentTypeError,
    FunctionCallFormatError,
    FunctionNotFoundError,
    WouldBlockLoopError,
)
from nbagents.tools import ServiceExecStatus, ServiceFactory, ServiceResponse, ServiceToolkit


def search(question: str, api_key: str, num_results: int = 10) -> ServiceResponse:
    """Search the web.

    Args:
        question (str): What to look for.
        api_key (str): Ours.
        num_results (int): How many.
    """
    found = [question.upper(), api_key][:num_results]
    return ServiceResponse(ServiceExecStatus.SUCCESS, found)


@pytest.fixture
def toolkit():
    made = ServiceToolkit()
    made.add(search, api_key="K")
    return made


def test_a_response_is_a_dictionary():
    answer = ServiceResponse(ServiceExecStatus.ERROR, "no")
    assert dict(answer) == {"status": ServiceExecStatus.ERROR, "content": "no"}
    assert (answer.status, answer.content) == (-1, "no")


def test_tools_are_told_as_text_and_as_schemas(toolkit):
    text = toolkit.tools_instruction
    assert "1. search: Search the web." in text
    assert "question (string): What to look for." in text
    assert "api_key" not in text
    assert set(toolkit.json_schemas["search"]["function"]["parameters"]["properties"]) == {
        "question", "num_results",
    }  # fmt: skip
    assert ServiceToolkit().tools_instruction == ""
    assert '"name"' in toolkit.tools_calling_format


@pytest.mark.parametrize(
    "text",
    [
        '[{"name": "search", "arguments": {"question": "rain", "num_results": 1}}]',
        'I look.\n```json\n[{"name": "search", "arguments": {"question": "rain", "num_results": 1}}]\n```',
        [{"name": "search", "arguments": {"question": "rain", "num_results": 1}}],
        {"name": "search", "arguments": '{"question": "rain", "num_results": 1}'},
    ],
)
def test_calls_are_read_made_and_told(toolkit, text):
    message = toolkit.parse_and_call_func(text)
    assert (message.name, message.role) == ("system", "system")
    assert message.content == (
        "1. Execute function search\n   [ARGUMENTS]:\n       question: rain\n       num_results: 1\n"
        '   [STATUS]: SUCCESS\n   [RESULT]: ["RAIN"]\n'
    )


def test_what_a_function_raises_is_told_as_failed(toolkit):
    def fails(x: int) -> None:
        raise RuntimeError("no network")

    toolkit.add(fails)
    calls = [
        {"name": "fails", "arguments": {"x": 1}},
        {"name": "search", "arguments": {"question": "a"}},
    ]
    said = toolkit.parse_and_call_func(calls, raise_exception=True).content
    assert "[STATUS]: FAILED\n   [RESULT]: Error: RuntimeError: no network" in said
    assert "2. Execute function search" in said


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("look for rain", FunctionCallFormatError),
        ('["search"]', FunctionCallFormatError),
        ("3", FunctionCallFormatError),
        ('[{"name": "find", "arguments": {}}]', FunctionNotFoundError),
        ('[{"name": "search", "arguments": {}}]', ArgumentNotFoundError),
        ('[{"name": "search", "arguments": {"question": []}}]', ArgumentTypeError),
    ],
)
def test_calls_that_cannot_be_made_are_told_or_raised(toolkit, text, error):
    assert toolkit.parse_and_call_func(text).content.startswith(f"{error.__name__}: ")
    with pytest.raises(error):
        toolkit.parse_and_call_func(text, raise_exception=True)


def test_a_second_function_of_a_name_is_left_out(toolkit, caplog):
    toolkit.add(search, api_key="other")
    assert "search is there already" in caplog.text
    assert toolkit.parse_and_call_func([{"name": "search", "arguments": {"question": "a"}}]).content.endswith(
        '["A", "K"]\n'
    )


def test_waiting_on_the_loop_is_refused(toolkit):
    async def wrong():
        toolkit.parse_and_call_func([{"name": "search", "arguments": {"question": "a"}}])

    with pytest.raises(WouldBlockLoopError):
        background().run(wrong())


def test_native_calls_and_the_calls_of_old_code_are_the_same_tools(toolkit):
    call = {"type": "tool_use", "id": "1", "name": "search", "input": {"question": "a", "num_results": 1}}
    assert asyncio.run(toolkit.call_tool_function(call).last()).text == '["A"]'
    function, schema = ServiceFactory.get(search, api_key="K")
    assert function("a").content == ["A", "K"]
    assert schema == toolkit.json_schemas["search"]


def test_functions_run_off_the_loop(toolkit):
    seen = []

    def where() -> str:
        seen.append(threading.current_thread().name)
        return "there"

    toolkit.add(where)
    toolkit.parse_and_call_func([{"name": "where", "arguments": {}}])
    assert seen == ["nbagents-tool"]
