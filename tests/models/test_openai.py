"""The OpenAI wrapper against a scripted endpoint over real HTTP."""

from __future__ import annotations

import asyncio
import contextvars
import os
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from nbagents import context, events
from nbagents._loop import background
from nbagents.exceptions import (
    CallCancelledError,
    ModelChoiceError,
    UsageError,
    WouldBlockLoopError,
)
from nbagents.message import Msg
from nbagents.models import ModelResponse, ModelUsage, OpenAIChatWrapper, load_model

TEXT = "Grey beads on the glass"
HELLO = [{"role": "user", "content": "rain"}]


def model(endpoint: Any, script: str = "hello", **more: Any) -> OpenAIChatWrapper:
    base_url = endpoint if isinstance(endpoint, str) else endpoint.base_url
    return OpenAIChatWrapper("mine", script, base_url=base_url, **more)


def run(code: str, *args: str, env: dict[str, str] | None = None) -> str:
    """Run a program in a process of its own and return what it printed."""
    command = [sys.executable, "-W", "error", "-c", code, *args]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def _awaited(response: ModelResponse) -> ModelResponse:
    return await response


def test_reading_the_text_waits_for_the_whole_answer(endpoint):
    response = model(endpoint)(HELLO)
    assert response.text == TEXT
    assert response.usage == ModelUsage(7, 3, 10)
    assert response.raw["choices"][0]["message"]["content"] == TEXT
    assert response.done()
    assert endpoint.body["stream_options"] == {"include_usage": True}


def test_an_answer_that_is_not_streamed_reads_the_same(endpoint):
    response = model(endpoint, stream=False)(HELLO, temperature=0.5, seed=None)
    assert (response.text, response.usage) == (TEXT, ModelUsage(7, 3, 10))
    assert response.raw["choices"][0]["message"]["content"] == TEXT
    assert endpoint.body["temperature"] == 0.5
    assert not endpoint.body.keys() & {"seed", "stream_options"}


def test_calling_returns_before_the_answer_is_there(endpoint):
    response = model(endpoint, "stall")(HELLO)
    assert not response.done()
    assert repr(response) == "<waiting for stall>"
    response.cancel()
    with pytest.raises(CallCancelledError, match="request to stall was cancelled"):
        response.result(10)


def test_a_response_can_be_awaited_on_any_loop(endpoint):
    async def ask() -> tuple[ModelResponse, ModelResponse]:
        response = model(endpoint)(HELLO)
        return response, await response

    for asked, got in (asyncio.run(ask()), background().run(ask())):
        assert asked is got
        assert got.text == TEXT


def test_a_blocking_read_on_the_loop_is_refused_until_it_is_there(endpoint):
    async def ask() -> str | None:
        response = model(endpoint)(HELLO)
        with pytest.raises(WouldBlockLoopError, match="the answer of hello is not there yet"):
            _ = response.text
        await response
        return response.text

    assert background().run(ask()) == TEXT


def test_the_stream_shows_the_text_as_it_grows(endpoint):
    response = model(endpoint)(HELLO)
    grown = list(response.stream)
    assert grown == [(False, "Grey "), (False, "Grey beads "), (False, TEXT), (True, TEXT)]
    assert list(response.stream) == grown

    async def watch() -> list[tuple[bool, str]]:
        return [item async for item in model(endpoint)(HELLO).stream]

    assert asyncio.run(watch()) == grown
    assert background().run(watch()) == grown


def test_the_stream_yields_before_the_end(endpoint):
    response = model(endpoint, "stall")(HELLO)
    assert next(iter(response.stream)) == (False, "Grey ")
    assert not response.done()
    response.cancel()
    assert endpoint.left.wait(10)


def test_events_carry_the_call_in_whose_context_the_model_was_asked(endpoint):
    call = SimpleNamespace(id="c7", agent_name="poet", run="r1", parent_id="", done=False, error=None)
    seen: list[events.Event] = []

    def ask() -> ModelResponse:
        context.frame.set(call)
        return model(endpoint, label="shown")(HELLO)

    unsubscribe = events.subscribe(seen.append)
    try:
        contextvars.copy_context().run(ask).result(10)
    finally:
        unsubscribe()
    assert [event.kind for event in seen] == ["model", "delta", "delta", "delta", "usage"]
    assert {(event.call, event.agent, event.run) for event in seen} == {("c7", "poet", "r1")}
    assert "".join(event.data["text"] for event in seen[1:4]) == TEXT
    assert dict(seen[-1].data) == {
        "model": "shown",
        "prompt_tokens": 7,
        "completion_tokens": 3,
        "total_tokens": 10,
        "cost": 0.0,
        "estimated": False,
    }


def test_tokens_that_nobody_counted_are_estimated(endpoint):
    assert model(endpoint, "uncounted")(HELLO).usage == ModelUsage(1, 6, 7, estimated=True)


def test_cancelling_closes_the_request_and_tells_what_was_spent(endpoint):
    spent: list[events.Event] = []
    unsubscribe = events.subscribe(lambda event: spent.append(event) if event.kind == "usage" else None)

    async def ask() -> None:
        response = model(endpoint, "stall")(HELLO)
        waiting = asyncio.ensure_future(anext(aiter(response.stream)))
        await waiting
        task = asyncio.ensure_future(_awaited(response))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(CallCancelledError):
            await response
        assert response.partial == "Grey "

    try:
        asyncio.run(ask())
        assert endpoint.left.wait(10)
    finally:
        unsubscribe()
    assert [event.data["estimated"] for event in spent] == [True]


def test_an_interrupt_while_reading_cancels_the_request(endpoint):
    def interrupt(event: events.Event) -> None:
        if event.kind == "delta":
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    unsubscribe = events.subscribe(interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            _ = model(endpoint, "stall")(HELLO).text
    finally:
        unsubscribe()
    assert endpoint.left.wait(10)


def test_the_end_of_the_call_that_reads_ends_the_request(endpoint):
    call = SimpleNamespace(id="c7", agent_name="poet", run="", parent_id="", done=False, error=None)

    def end(event: events.Event) -> None:
        if event.kind == "delta":
            call.error, call.done = CallCancelledError("the call of poet was stopped"), True

    def read() -> None:
        context.frame.set(call)
        with pytest.raises(CallCancelledError, match="poet was stopped"):
            _ = model(endpoint, "stall")(HELLO).text
        with pytest.raises(CallCancelledError, match="poet was stopped"):
            model(endpoint)(HELLO)

    unsubscribe = events.subscribe(end)
    try:
        contextvars.copy_context().run(read)
    finally:
        unsubscribe()
    assert endpoint.left.wait(10)


def test_a_read_that_times_out_leaves_the_request_going(endpoint):
    response = model(endpoint, "stall")(HELLO)
    while not response.partial:  # on a busy machine its first piece takes longer than that
        with pytest.raises(TimeoutError, match="the request goes on"):
            response.result(0.05)
    assert not response.done()
    response.cancel()
    assert endpoint.left.wait(10)


def test_this_machine_is_never_reached_through_a_proxy(endpoint, dead_port):
    code = """
import sys
from nbagents.models import OpenAIChatWrapper

for base_url in sys.argv[1:]:
    model = OpenAIChatWrapper("mine", "hello", base_url=base_url, max_retries=0)
    try:
        print(model([{"role": "user", "content": "rain"}]).text)
    except Exception as error:
        print(error)
"""
    addresses = [
        endpoint.base_url,
        endpoint.base_url.replace("127.0.0.1", "localhost"),
        "http://model.invalid/v1",
    ]
    proxies = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
    environ = {name: value for name, value in os.environ.items() if name.lower() != "no_proxy"}
    environ |= dict.fromkeys(proxies, f"http://127.0.0.1:{dead_port}")
    assert run(code, *addresses, env=environ).splitlines() == [
        TEXT,
        TEXT,
        f"hello at http://model.invalid cannot be reached through the proxy http://127.0.0.1:{dead_port}.",
    ]


def test_a_proxy_that_cannot_be_used_is_named(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "nonsense://127.0.0.1:1")
    with pytest.raises(UsageError, match="HTTPS_PROXY, HTTP_PROXY or ALL_PROXY"):
        model("http://model.invalid/v1", max_retries=0)(HELLO).result(10)


def test_the_key_of_the_environment_goes_to_no_other_address(endpoint, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-environment")
    monkeypatch.setenv("OPENAI_ORG_ID", "org")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Gate: open\nAuthorization: Bearer else")
    assert model(endpoint)(HELLO).text == TEXT
    assert not endpoint.headers.keys() & {"authorization", "openai-organization", "x-gate"}
    monkeypatch.setenv("OPENAI_BASE_URL", endpoint.base_url)
    assert OpenAIChatWrapper("mine", "hello")(HELLO).text == TEXT
    assert endpoint.headers["openai-organization"] == "org"
    assert endpoint.headers["x-gate"] == "open"


def test_no_cookie_is_kept(endpoint):
    asked = model(endpoint, stream=False)
    assert [asked(HELLO).text for _ in range(2)] == [TEXT, TEXT]
    assert "cookie" not in endpoint.headers


def test_auto_takes_the_first_model_that_is_listed(endpoint):
    asked = model(endpoint, "auto")
    assert asked(HELLO).text == TEXT
    assert (endpoint.body["model"], asked.model_name) == ("first", "first")


def test_openai_without_a_key_is_refused_before_anything_is_sent():
    with pytest.raises(ModelChoiceError, match="needs a key"):
        OpenAIChatWrapper("mine", "gpt-4o-mini")


def test_a_key_with_a_line_end_in_it_is_refused_without_showing_it():
    with pytest.raises(ModelChoiceError, match="copy it again") as caught:
        OpenAIChatWrapper("mine", "gpt-4o-mini", api_key="sk-01234567\n89abcdef")
    assert "01234567" not in str(caught.value)


def test_messages_are_checked_before_anything_is_sent(endpoint):
    for wrong in ("rain", [], [{"content": "rain"}], [{"role": "user"}]):
        with pytest.raises(UsageError, match=r"model\.format"):
            model(endpoint)(wrong)  # type: ignore[arg-type]
    assert endpoint.requests == []


def test_messages_of_agents_are_formatted_first(endpoint):
    for said in (Msg("user", "rain"), [Msg("user", "rain")]):
        assert model(endpoint)(said).text == TEXT
        assert endpoint.body["messages"] == [{"role": "user", "name": "user", "content": "rain"}]


def test_arguments_that_cannot_be_sent_are_the_callers_fault(endpoint):
    with pytest.raises(UsageError, match=r"cannot be sent.*nonsense"):
        model(endpoint)(HELLO, nonsense=1).result(10)
    with pytest.raises(UsageError, match=r"cannot be sent.*not JSON serializable"):
        model(endpoint)([{"role": "user", "content": object()}]).result(10)


def test_client_args_may_hold_the_address_as_agentscope_has_it(endpoint):
    args = {"base_url": endpoint.base_url, "default_headers": {"X-Team": "blue"}}
    asked = OpenAIChatWrapper("mine", "hello", api_key="sk-0123456789abcdef", client_args=args)
    assert asked(HELLO).text == TEXT
    assert endpoint.headers["x-team"] == "blue"
    assert endpoint.headers["authorization"] == "Bearer sk-0123456789abcdef"
    assert model(endpoint, client_args={"default_headers": {"authorization": "Token t"}})(HELLO).text == TEXT
    assert endpoint.headers["authorization"] == "Token t"
    with pytest.raises(UsageError, match=r"does not fit the openai client.*colour"):
        model(endpoint, client_args={"colour": 1})(HELLO).result(10)


def test_headers_of_a_single_request(endpoint):
    config = {
        "config_name": "mine",
        "model_type": "openai",
        "model_name": "hello",
        "base_url": endpoint.base_url,
    }
    asked = load_model(config | {"generate_args": {"extra_headers": {"X-Team": "blue"}}})
    assert asked(HELLO).text == TEXT
    assert asked(HELLO, extra_headers={"X-Team": "red"}).text == TEXT
    assert [headers["x-team"] for headers, _ in endpoint.requests] == ["blue", "red"]


def test_many_requests_at_once_overlap(endpoint):
    asked = model(endpoint, "stall")
    responses = [asked(HELLO) for _ in range(20)]
    for response in responses:
        assert next(iter(response.stream)) == (False, "Grey ")
    assert not any(response.done() for response in responses)
    for response in responses:
        response.cancel()
    limit = time.monotonic() + 10
    for response in responses:
        with pytest.raises(CallCancelledError):
            response.result(limit - time.monotonic())


def test_the_loop_is_not_held_up_by_the_first_request():
    """The import of the client runs in a thread: the loop ticks on meanwhile."""
    code = """
import asyncio, sys, time
from nbagents._loop import background
from nbagents.models import OpenAIChatWrapper, prewarm

assert "openai" not in sys.modules
model = OpenAIChatWrapper("mine", "hello", base_url="http://127.0.0.1:9/v1", max_retries=0)
assert "openai" not in sys.modules

async def pauses():
    begin = time.perf_counter()
    response, longest = model([{"role": "user", "content": "rain"}]), 0.0
    while not response.done():
        start = time.perf_counter()
        await asyncio.sleep(0.001)
        longest = max(longest, time.perf_counter() - start)
    return longest, time.perf_counter() - begin

print(*background().run(pauses()))
assert "openai" in sys.modules
"""
    longest, whole = map(float, run(code).split())
    assert longest < whole / 2


def test_what_utf_8_cannot_hold_does_not_keep_a_request_from_being_sent(endpoint):
    call = {"type": "tool_use", "id": "c1", "name": "look", "input": {"path": "\udcff"}}
    result = {"type": "tool_result", "id": "c1", "name": "look", "output": "b\udcff"}
    tried = [Msg("user", "a\udcff", "user"), Msg("m", [call], "assistant"), Msg("s", [result], "system")]
    assert model(endpoint)(tried).text == TEXT
    sent = str(endpoint.body["messages"])
    assert "a�" in sent
    assert "b�" in sent
