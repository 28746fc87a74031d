"""Which model is chosen, from what, and what is said about it."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Iterator

import pytest

from nbagents.config import ProjectConfig, Secret, model_configs
from nbagents.exceptions import ModelChoiceError
from nbagents.models import choose_model
from nbagents.models._ollama import ollama_models, ollama_origin

KEY = {"OPENAI_API_KEY": " sk-0123456789abcdef9f2c\n"}
URL = {"OPENAI_BASE_URL": "http://localhost:8000/v1/"}


@pytest.fixture
def no_ollama(dead_port) -> dict[str, str]:
    return {"OLLAMA_HOST": f"127.0.0.1:{dead_port}"}


@pytest.fixture
def ollama() -> Iterator[str]:
    class Tags(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"models": [{"name": "llama3.2:latest"}, {"name": "qwen3"}]}).encode()
            self.send_response(200 if self.path == "/api/tags" else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Tags) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(10)


@pytest.fixture(autouse=True)
def _no_configs() -> Iterator[None]:
    yield
    model_configs.clear()


def test_nothing_said_and_nothing_there_is_the_demo(no_ollama):
    choice = choose_model(environ=no_ollama)
    assert (choice.label, choice.source) == ("demo", "default")
    assert choice.config == {
        "config_name": "demo",
        "model_type": "openai_chat",
        "model_name": "demo",
        "endpoint": "demo",
        "label": "demo",
    }
    assert "not an AI" in choice.notes[0]
    assert "no OPENAI_API_KEY" in choice.notes[0]
    assert "no Ollama on :" in choice.notes[0]


def test_the_first_hit_counts(no_ollama):
    every = no_ollama | KEY | URL | {"NBAGENTS_MODEL": "demo-slow"}
    project = ProjectConfig(model="demo-long")
    order = [
        (choose_model("demo-fast", project=project, environ=every), "demo-fast", "-m"),
        (choose_model(project=project, environ=every), "demo-long", "nbagents.toml"),
        (choose_model(environ=every), "demo-slow", "NBAGENTS_MODEL"),
        (choose_model(environ=no_ollama | KEY | URL), "localhost:8000", "OPENAI_BASE_URL"),
        (choose_model(environ=no_ollama | KEY), "gpt-4o-mini", "OPENAI_API_KEY"),
    ]
    assert [(choice.label, choice.source) for choice, _, _ in order] == [
        (label, source) for _, label, source in order
    ]


def test_every_step_is_told_with_what_to_type(no_ollama):
    choice = choose_model(environ=no_ollama | KEY | {"NBAGENTS_MODEL": "demo"}, probe=True)
    assert [step.mark for step in choice.steps] == ["·", "·", "✓", "·", "–", "·", "–"]
    taken = choice.steps[2]
    assert (taken.text, taken.line) == ("NBAGENTS_MODEL: demo", "")
    assert all(step.line for step in choice.steps if step.mark != "✓")
    assert "NBAGENTS_MODEL comes first" in choice.steps[4].text
    assert "getpass" in choose_model(environ=no_ollama).steps[4].line


def test_a_paid_key_that_was_found_is_announced(no_ollama):
    choice = choose_model(environ=no_ollama | KEY)
    assert choice.config["api_key"] == Secret("sk-0123456789abcdef9f2c")
    assert choice.config["base_url"] == "https://api.openai.com/v1"
    assert "costs money" in choice.notes[0]
    assert "sk-" not in repr(choice)
    assert not any("costs money" in note for note in choose_model("demo", environ=KEY | no_ollama).notes)


def test_the_model_at_an_own_address(no_ollama):
    unnamed = choose_model(environ=no_ollama | URL).config
    assert (unnamed["model_name"], unnamed["base_url"]) == ("auto", "http://localhost:8000/v1")
    assert "api_key" not in unnamed
    named = choose_model(environ=no_ollama | URL | KEY | {"OPENAI_MODEL": "qwen3"})
    assert (named.label, named.config["model_name"]) == ("qwen3", "qwen3")
    assert named.config["api_key"].hint() == "sk-…9f2c"
    plain = choose_model(environ=no_ollama | KEY | {"OPENAI_BASE_URL": "http://box.example/v1"})
    assert any("unencrypted" in note for note in plain.notes)


def test_an_ollama_is_offered_and_never_taken(ollama):
    choice = choose_model(environ={"OLLAMA_HOST": ollama})
    assert choice.label == "demo"
    assert f"Ollama on :{ollama.split(':')[1]} has llama3.2:latest, qwen3" in choice.notes[0]
    assert choice.notes[1] == "to use it: -m ollama/llama3.2:latest"


def test_no_network_where_something_was_chosen(ollama):
    steps = choose_model("demo", environ={"OLLAMA_HOST": ollama}).steps
    assert any("not looked for" in step.text for step in steps)
    steps = choose_model("demo", environ={"OLLAMA_HOST": ollama}, probe=True).steps
    assert any("has llama3.2" in step.text for step in steps)


def test_looking_for_ollama_uses_no_proxy_and_little_time(ollama, monkeypatch, dead_port):
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{dead_port}")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{dead_port}")
    assert ollama_models(f"http://{ollama}") == ["llama3.2:latest", "qwen3"]
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        start = time.monotonic()
        assert ollama_models(f"http://127.0.0.1:{silent.getsockname()[1]}") is None
        assert time.monotonic() - start < 1


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("", "http://127.0.0.1:11434"),
        ("box", "http://box:11434"),
        (":5000", "http://127.0.0.1:5000"),
        ("0.0.0.0:5000", "http://127.0.0.1:5000"),
        ("[::]:5000", "http://[::1]:5000"),
        ("http://box", "http://box"),
        ("https://me:secret@box/path", "https://box"),
    ],
)
def test_the_spellings_of_ollama_host(given, address):
    assert ollama_origin({"OLLAMA_HOST": given}) == address


def test_ollama_by_name_goes_to_ollama_without_the_key(no_ollama):
    choice = choose_model("ollama/llama3.2", environ=no_ollama | KEY)
    assert choice.label == "ollama/llama3.2"
    assert choice.config["model_name"] == "llama3.2"
    assert choice.config["base_url"] == f"http://{no_ollama['OLLAMA_HOST']}/v1"
    assert "api_key" not in choice.config


def test_headless_takes_the_demos_typing_away(no_ollama):
    choice = choose_model(environ=no_ollama, headless=True)
    assert (choice.label, choice.config["label"], choice.config["model_name"]) == (
        "demo",
        "demo",
        "demo-fast",
    )
    assert choose_model("demo-slow", headless=True, environ=no_ollama).config["model_name"] == "demo-slow"


def test_a_loaded_configuration_by_its_name(no_ollama):
    model_configs.load({"config_name": "mine", "model_type": "openai_chat", "model_name": "gpt-4o"})
    choice = choose_model("mine", environ=no_ollama | KEY)
    assert (choice.label, choice.source) == ("gpt-4o", "-m")
    assert choice.config["api_key"].hint() == "sk-…9f2c"


def test_any_other_name_is_a_model_of_the_address_or_of_openai(no_ollama):
    assert choose_model("gpt-5", environ=no_ollama | KEY).config["base_url"] == "https://api.openai.com/v1"
    assert choose_model("qwen3", environ=no_ollama | URL).config["base_url"] == "http://localhost:8000/v1"


@pytest.mark.parametrize(
    ("explicit", "environ", "says"),
    [
        ("gpt-4o", {}, "-m: 'gpt-4o' is no loaded configuration, and neither OPENAI_API_KEY nor"),
        ("demmo", {}, "Did you mean 'demo'"),
        ("demo-fats", KEY, "there is no model 'demo-fats'; offline: demo, demo-fast"),
        ("ollama/", KEY, "there is no model 'ollama/'"),
        ("http://evil.example/v1", KEY, "there is no model"),
        (None, {"NBAGENTS_MODEL": "gpt-4o"}, "NBAGENTS_MODEL: 'gpt-4o' is no"),
        (None, {"OPENAI_BASE_URL": "localhost:8000"}, "OPENAI_BASE_URL is not an http"),
        ("ollama/llama3.2", {"OLLAMA_HOST": "box:port"}, "-m: OLLAMA_HOST is not an address"),
        (None, {"OPENAI_API_KEY": "sk-1234 5678"}, "the key holds blanks"),
    ],
)
def test_what_is_asked_for_and_cannot_be_had_is_an_error(no_ollama, explicit, environ, says):
    with pytest.raises(ModelChoiceError, match=says):
        choose_model(explicit, environ=no_ollama | environ)


def test_what_is_wrong_but_not_asked_for_stops_nothing():
    wrong = {"OPENAI_BASE_URL": "localhost:8000", "OPENAI_API_KEY": "sk-1 2", "OLLAMA_HOST": "box:port"}
    choice = choose_model("demo", environ=wrong, probe=True)
    assert choice.label == "demo"
    assert [step.mark for step in choice.steps] == ["✓", "·", "·", "✗", "✗", "✗", "–"]
    assert "OLLAMA_HOST is not an address" in choice.steps[5].text
    assert choose_model("ollama/x", environ={"OPENAI_BASE_URL": "http://h:port"}).label == "ollama/x"


def test_a_public_machine_is_pointed_out(no_ollama):
    choice = choose_model(environ=no_ollama | {"BINDER_SERVICE_HOST": "x"})
    assert "do not paste a key" in choice.notes[0]


def test_a_model_of_a_provider_is_named_with_it():
    key = "sk-0123456789abcdef"
    choice = choose_model(
        "dashscope/qwen-plus", environ={"DASHSCOPE_API_KEY": key, "OPENAI_API_KEY": "sk-another"}
    )
    assert choice.label == "dashscope/qwen-plus"
    assert choice.config["model_name"] == "qwen-plus"
    assert choice.config["base_url"] == "https://dashscope.aliyuncs.com/compatible-mode/v1"
    assert choice.config["api_key"].reveal() == key
    local = choose_model("vllm/qwen", environ={"VLLM_BASE_URL": "http://box:9/v1"})
    assert local.config["base_url"] == "http://box:9/v1"
    routed = choose_model("deepseek/v3", environ={"OPENAI_BASE_URL": "https://router.example/v1"})
    assert routed.config["model_name"] == "deepseek/v3"  # there, that is the model's whole name
