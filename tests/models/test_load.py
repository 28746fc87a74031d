"""Models from configurations, and configurations on their way to another process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nbagents.config import Secret, model_configs
from nbagents.exceptions import ModelChoiceError, UsageError
from nbagents.models import (
    ModelWrapperBase,
    OpenAIChatWrapper,
    load_model,
    model_config_from_wire,
    model_config_to_wire,
    read_model_configs,
)

CONFIG = {
    "config_name": "mine",
    "model_type": "openai_chat",
    "model_name": "m",
    "base_url": "http://localhost:1/v1",
}


@pytest.fixture(autouse=True)
def _no_configs() -> Iterator[None]:
    yield
    model_configs.clear()


@pytest.mark.parametrize("kind", ["openai", "openai_chat", "OpenAIChatWrapper"])
def test_the_type_of_a_configuration_has_several_names(kind):
    model = load_model(CONFIG | {"model_type": kind})
    assert isinstance(model, OpenAIChatWrapper)
    assert (model.config_name, model.model_name, model.label) == ("mine", "m", "m")


def test_a_model_a_name_and_nothing_are_taken_too(monkeypatch, dead_port):
    monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{dead_port}")
    read_model_configs(CONFIG)
    model = load_model("mine")
    assert load_model(model) is model
    assert load_model("demo-slow").label == "demo-slow"
    assert load_model("ollama/llama3.2").model_name == "llama3.2"
    assert load_model("").label == "demo"
    with pytest.raises(ModelChoiceError, match=r"Cannot find \[yours\]"):
        load_model("yours")
    model_configs.clear()
    with pytest.raises(ModelChoiceError, match="No model configs loaded"):
        load_model("gpt-4o")


def test_the_older_spelling_of_the_models_name():
    config = {key: value for key, value in CONFIG.items() if key != "model_name"}
    assert load_model(config | {"model": "old"}).model_name == "old"
    with pytest.warns(UserWarning, match="names no model_name"):
        assert load_model(config).model_name == "mine"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"model_type": "olama_chat"}, r"'olama_chat'\. Did you mean 'ollama_chat'\? Known: anthropic_chat,"),
        ({"model_type": None}, "Known:"),
        ({"provider": "olama"}, r"no provider 'olama'\. Did you mean 'ollama'\?"),
        ({"config_name": ""}, "`config_name` field is required"),
        ({"colour": 1}, "unknown fields: colour. Known: api_key"),
        ({"endpoint": "elsewhere"}, "endpoint can only be 'demo'"),
        ({"base_url": "localhost:1"}, "'mine': base_url is not an http"),
        ({"client_args": 5}, "client_args must be a dictionary"),
    ],
)
def test_what_is_wrong_with_a_configuration_is_said(change, says):
    with pytest.raises(UsageError, match=says):
        load_model(CONFIG | change)


def test_a_configuration_crosses_to_a_process_with_another_environment():
    environ = {"OPENAI_API_KEY": "sk-0123456789abcdef", "OPENAI_ORG_ID": "org"}
    config = {"config_name": "mine", "model_type": "openai_chat", "model_name": "gpt-4o", "timeout": 5}
    wire = model_config_to_wire(config, environ)
    assert wire == config | {
        "api_key": "sk-0123456789abcdef",
        "base_url": "https://api.openai.com/v1",
        "organization": "org",
    }
    back = model_config_from_wire(wire)
    assert back["api_key"] == Secret("sk-0123456789abcdef")
    assert load_model(back).timeout == 5  # type: ignore[attr-defined]
    assert model_config_to_wire(CONFIG, environ) == CONFIG
    demo = {"config_name": "demo", "model_type": "openai_chat", "model_name": "demo", "endpoint": "demo"}
    assert model_config_to_wire(demo, environ) == demo


def test_what_cannot_travel_is_named():
    with pytest.raises(UsageError, match="'mine' cannot go to a server: client_args cannot be written"):
        model_config_to_wire(CONFIG | {"client_args": {"http_client": object()}})
    for wrong in ([], {"model_type": "openai_chat"}, {"config_name": 5}):
        with pytest.raises(ModelChoiceError, match="a JSON object with a config_name"):
            model_config_from_wire(wrong)  # type: ignore[arg-type]


def test_a_model_tells_the_configuration_it_can_be_made_of_elsewhere(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0123456789abcdef")
    given = {
        "config_name": "mine",
        "model_type": "openai",
        "model_name": "gpt-4o",
        "generate_args": {"seed": 1},
    }
    given["client_args"] = {"timeout": 3, "default_headers": {"X-Team": "blue"}}
    wire = model_config_to_wire(load_model(given).config)
    monkeypatch.delenv("OPENAI_API_KEY")
    again = load_model(model_config_from_wire(wire))
    assert isinstance(again, OpenAIChatWrapper)
    assert (again.timeout, again.generate_args, again.label) == (3, {"seed": 1}, "gpt-4o")
    assert model_config_to_wire(again.config) == wire
    assert wire["api_key"] == "sk-0123456789abcdef"
    with pytest.raises(UsageError, match="'mine' is a ModelWrapperBase, which has no configuration"):
        _ = ModelWrapperBase("mine").config


def test_a_model_without_its_own_call_says_so():
    with pytest.raises(UsageError, match='missing the required "__call__"'):
        ModelWrapperBase("mine")([])
