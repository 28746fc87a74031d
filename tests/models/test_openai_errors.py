"""What can go wrong with an endpoint is an error that says what, where and what to do."""

from __future__ import annotations

import contextvars
from types import SimpleNamespace
from typing import Any

import pytest

from nbagents import context
from nbagents.exceptions import (
    ModelAuthError,
    ModelRateLimitError,
    ModelResponseError,
    ModelUnavailableError,
)
from nbagents.models import ModelResponse, OpenAIChatWrapper

TEXT = "Grey beads on the glass"
HELLO = [{"role": "user", "content": "rain"}]


def model(endpoint: Any, script: str = "hello", **more: Any) -> OpenAIChatWrapper:
    base_url = endpoint if isinstance(endpoint, str) else endpoint.base_url
    return OpenAIChatWrapper("mine", script, base_url=base_url, **more)


def test_a_refused_key_is_named_by_its_last_characters(endpoint):
    asked = model(endpoint, "401", api_key="sk-0123456789abcdef9f2c")(HELLO)
    port = endpoint.base_url.split(":")[2].split("/")[0]
    with pytest.raises(ModelAuthError) as caught:
        asked.result(10)
    assert str(caught.value) == f"401 from 127.0.0.1:{port} – key sk-…9f2c was rejected."
    assert caught.value.hint == "Set OPENAI_API_KEY, then %agents doctor."


def test_an_endpoint_that_wants_a_key_and_got_none(endpoint):
    with pytest.raises(ModelAuthError, match="none was sent"):
        model(endpoint, "401")(HELLO).result(10)


@pytest.mark.parametrize(
    ("script", "kind", "text"),
    [
        ("403", ModelAuthError, "may not use"),
        ("404", ModelResponseError, "there is no 404"),
        ("429", ModelRateLimitError, "no credit left"),
        ("400", ModelResponseError, "refused the request: no"),
        ("500", ModelUnavailableError, "also after retries"),
        ("no-json", ModelResponseError, "broke off"),
    ],
)
def test_each_refusal_has_its_error(endpoint, script, kind, text):
    with pytest.raises(kind, match=text):
        model(endpoint, script, api_key="sk-0123456789abcdef9f2c")(HELLO).result(10)


def test_an_answer_that_is_no_json_is_no_answer(endpoint):
    with pytest.raises(ModelResponseError, match="gave no usable answer: it is no JSON"):
        model(endpoint, "no-json", stream=False)(HELLO).result(10)


def test_too_many_requests_are_sent_again(endpoint):
    assert model(endpoint, "busy")(HELLO).text == TEXT
    assert len(endpoint.requests) == 2


def test_retries_are_the_clients_own_and_can_be_off(endpoint):
    with pytest.raises(ModelUnavailableError):
        model(endpoint, "503", max_retries=1)(HELLO).result(10)
    assert len(endpoint.requests) == 2
    endpoint.requests.clear()
    with pytest.raises(ModelRateLimitError, match="too many requests"):
        model(endpoint, "busy", max_retries=0)(HELLO).result(10)
    assert len(endpoint.requests) == 1


def test_a_refused_connection_says_where_and_what_to_type(dead_port):
    llama = model(f"http://localhost:{dead_port}/v1", "llama3.2", label="ollama/llama3.2", max_retries=0)
    with pytest.raises(ModelUnavailableError) as caught:
        llama(HELLO).result(10)
    assert str(caught.value) == f"ollama/llama3.2 at http://localhost:{dead_port} refused the connection."
    assert caught.value.hint == "start it with `ollama serve`, or %%agent NAME -m demo"


def test_an_error_names_the_agent_whose_call_it_was(dead_port):
    call = SimpleNamespace(id="c7", agent_name="judge", run="", parent_id="", done=False, error=None)

    def ask() -> ModelResponse:
        context.frame.set(call)
        return model(f"http://127.0.0.1:{dead_port}/v1", max_retries=0)(HELLO)

    with pytest.raises(ModelUnavailableError, match=r"^judge: hello at") as caught:
        contextvars.copy_context().run(ask).result(10)
    assert caught.value.hint == "%%agent judge -m demo"


@pytest.mark.parametrize("script", ["cut", "unfinished", "error-event", "bad-event"])
def test_a_broken_stream_keeps_the_text_that_came(endpoint, script):
    response = model(endpoint, script)(HELLO)
    with pytest.raises(ModelResponseError) as caught:
        response.result(10)
    assert caught.value.partial == response.partial
    assert response.partial == (TEXT if script == "unfinished" else "Grey ")
    with pytest.raises(ModelResponseError):
        list(response.stream)


def test_a_stream_that_stalls_is_given_up(endpoint):
    with pytest.raises(ModelUnavailableError, match=r"said nothing for 0\.2 s after 5 characters") as caught:
        model(endpoint, "stall", timeout=0.2, max_retries=0)(HELLO).result(10)
    assert caught.value.partial == "Grey "
    assert endpoint.left.wait(10)
