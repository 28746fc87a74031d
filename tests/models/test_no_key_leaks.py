"""Make every failure happen with a marked key, and look for the mark in all that can be seen of it."""

from __future__ import annotations

import copy
import json
import logging
import traceback
from typing import Any

import pytest

from nbagents.exceptions import ModelError, UsageError
from nbagents.models import (
    OpenAIChatWrapper,
    choose_model,
    load_model,
    model_config_from_wire,
    model_config_to_wire,
    read_model_configs,
)

MARK = "0123456789CANARY"
KEY = f"sk-{MARK}-9f2c"
CONFIG = {"config_name": "mine", "model_type": "openai_chat", "model_name": "gpt-4o-mini", "api_key": KEY}
HELLO = [{"role": "user", "content": "rain"}]
SCRIPTS = ["401", "403", "404", "429", "400", "500", "cut", "unfinished", "error-event", "bad-event", "stall"]


def everything_shown(error: BaseException) -> str:
    """All that a front end could show of an error, with the local variables of every frame."""
    seen, parts, ahead = set(), [], [error]
    while ahead:
        one = ahead.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        parts += [str(one), repr(one), repr(vars(one)), repr(one.args)]
        parts += traceback.TracebackException.from_exception(one, capture_locals=True).format()
        ahead += [inner for inner in (one.__cause__, one.__context__) if inner is not None]
    return "\n".join(parts)


@pytest.mark.parametrize(("script", "stream"), [(script, True) for script in SCRIPTS] + [("401", False)])
def test_no_failure_shows_the_key(endpoint, script, stream, caplog):
    caplog.set_level(logging.DEBUG)
    model = OpenAIChatWrapper(
        "mine", script, KEY, base_url=endpoint.base_url, timeout=0.2, max_retries=1, stream=stream
    )
    response = model(HELLO)
    with pytest.raises(ModelError) as caught:
        response.result(10)
    shown = everything_shown(caught.value)
    assert "_answer" in shown  # the frames are there, so there was something to look at
    assert endpoint.headers["authorization"] == f"Bearer {KEY}"
    for place in (shown, repr(response), repr(model), repr(vars(model)), caplog.text):
        assert MARK not in place


def _at_its_own_address(url: str, script: str) -> Any:
    return load_model(
        {
            "config_name": "mine",
            "model_type": "post_api_chat",
            "api_url": f"{url}/chat/completions",
            "headers": {"Authorization": f"Bearer {KEY}"},
            "json_args": {"model": script, "api_key": KEY},
            "max_retries": 1,
        }
    )


@pytest.mark.parametrize("script", ["401", "429", "500", "no-json"])
def test_no_failure_of_an_address_of_its_own_shows_the_key(endpoint, script, caplog):
    caplog.set_level(logging.DEBUG)
    model = _at_its_own_address(endpoint.base_url, script)
    response = model(HELLO)
    with pytest.raises(ModelError) as caught:
        response.result(10)
    shown = everything_shown(caught.value)
    assert "post" in shown
    assert endpoint.headers["authorization"] == f"Bearer {KEY}"
    assert endpoint.body["api_key"] == KEY
    for place in (shown, repr(response), repr(model), repr(vars(model)), caplog.text):
        assert MARK not in place


def _wrongly_chosen() -> None:
    choose_model("nonsense://", environ={"OPENAI_API_KEY": KEY, "OPENAI_CUSTOM_HEADERS": f"X-Gate: {KEY}"})


def _wrong_address() -> None:
    choose_model(environ={"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": "ftp://host"})


def _wrong_key() -> None:
    choose_model(environ={"OPENAI_API_KEY": f"{KEY} x"})


def _wrong_argument() -> None:
    OpenAIChatWrapper("mine", "m", KEY, "nowhere", client_args={"default_headers": {"X-Gate": KEY}})


def _wrong_field() -> None:
    load_model(CONFIG | {"colour": 1})


def _cannot_travel() -> None:
    model_config_to_wire(CONFIG | {"client_args": {"http_client": object()}})


def _wrong_client() -> None:
    OpenAIChatWrapper("mine", "m", KEY, "http://127.0.0.1:9/v1", client_args={"colour": 1})(HELLO).result(10)


@pytest.mark.parametrize(
    "mistake",
    [
        _wrongly_chosen,
        _wrong_address,
        _wrong_key,
        _wrong_argument,
        _wrong_field,
        _cannot_travel,
        _wrong_client,
    ],
)
def test_no_mistake_shows_the_key(mistake):
    with pytest.raises(UsageError) as caught:
        mistake()
    inner = caught.value.__traceback__.tb_next.tb_next
    assert MARK not in everything_shown(
        caught.value.with_traceback(inner)
    )  # the mistake's own frame is not ours


def test_a_file_that_is_no_json_is_not_shown(tmp_path):
    path = tmp_path / "models.json"
    path.write_text(f'{{"config_name": "mine", "api_key": "{KEY}"')
    with pytest.raises(UsageError, match="is not JSON") as caught:
        read_model_configs(path)
    assert MARK not in everything_shown(caught.value)


def test_the_key_travels_only_where_it_is_asked_for(monkeypatch):
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", f"X-Gate: {KEY}")
    wire = model_config_to_wire(CONFIG)
    assert json.loads(json.dumps(wire))["api_key"] == KEY
    assert wire["client_args"]["default_headers"]["X-Gate"] == KEY
    back: dict[str, Any] = model_config_from_wire(wire)
    for thing in (back, copy.deepcopy(back), load_model(back), vars(load_model(back))):
        assert MARK not in repr(thing) + str(thing) + f"{thing}"
    with pytest.raises(TypeError):
        json.dumps(back)
    assert MARK not in json.dumps(back, default=str)
