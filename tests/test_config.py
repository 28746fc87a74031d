"""Secrets, the configurations by name, the project file."""

from __future__ import annotations

import copy
import dataclasses
import json
import logging
import pickle  # noqa: TID251  # to see that it is refused
from string import Template

import pytest

from nbagents.config import ModelConfigs, ProjectConfig, Secret, mask, redact, wrap_secrets
from nbagents.exceptions import ModelChoiceError, UsageError

KEY = "sk-0123456789abcdef9f2c"


def test_a_secret_shows_itself_nowhere(caplog):
    secret = Secret(KEY)
    logging.getLogger("x").warning("key %s %r", secret, secret)
    shown = [str(secret), repr(secret), f"{secret:>40}", f"{secret!r:5}", "%s" % secret, "{}".format(secret)]  # noqa: UP031, UP032
    shown += [Template("$k").substitute(k=secret), repr([secret]), repr({"k": secret}), caplog.text]
    shown += [json.dumps({"k": secret}, default=str)]
    assert "***" in str(secret)
    assert not [text for text in shown if "0123456789" in text]
    assert secret.reveal() == KEY
    assert secret.hint() == "sk-…9f2c"


def test_a_secret_goes_into_no_pickle_and_no_json():
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="pickled"):
            pickle.dumps(Secret(KEY), protocol)
    with pytest.raises(TypeError, match="Secret"):
        json.dumps(Secret(KEY))


def test_a_secret_compares_and_copies_as_itself():
    secret = Secret(KEY)
    assert secret == Secret(secret)
    assert secret != Secret("other")
    assert secret != KEY
    assert len({secret, Secret(KEY)}) == 1
    assert copy.deepcopy(secret) is copy.copy(secret) is secret
    assert not Secret("")


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        (f"key {KEY}.", "key sk-…9f2c."),
        ("sk-proj-abcDEF_0123-456789wxyz", "sk-…wxyz"),
        ("Authorization: Bearer abcdef0123456789", "Authorization: Bearer ***"),
        ("http://me:pass1234@host/v1", "http://***@host/v1"),
        ("gsk_0123456789abcdefWXYZ", "…WXYZ"),
        ("the task-force asked, risk-free", "the task-force asked, risk-free"),
        ("sk-…9f2c Bearer ***", "sk-…9f2c Bearer ***"),
        # Behind what a repr, JSON or a URL writes for a line's end, there begins a word.
        (rf"KeyError: 'refused\n{KEY}'", r"KeyError: 'refused\nsk-…9f2c'"),
        (rf"\x1b{KEY} \u202e{KEY} %0a{KEY} my_{KEY}", r"\x1bsk-…9f2c \u202esk-…9f2c %0ask-…9f2c my_sk-…9f2c"),
        (r"\nBearer abcdef0123456789", r"\nBearer ***"),
        ("Basic dXNlcjpwYXNzd29yZDE=", "Basic ***"),
        ("authorization: bearer abcdefgh", "authorization: bearer ***"),
        ("[(b'Authorization', b'Basic abcdefgh')]", "[(b'Authorization', b'Basic ***')]"),
        # A sentence is none.
        (
            "The basic principles of rain, for the bearer certificate",
            "The basic principles of rain, for the bearer certificate",
        ),
        (
            "Basic Kubernetes and basic level-1 courses in 2026",
            "Basic Kubernetes and basic level-1 courses in 2026",
        ),
    ],
)
def test_redact_masks_what_looks_like_a_key(text, safe):
    assert redact(text) == safe
    assert redact(redact(text)) == safe


def test_redact_masks_the_given_keys_whatever_they_look_like():
    assert (
        redact("sent hunter2-hunter2 and tiny", Secret("hunter2-hunter2"), "tiny", None) == "sent …ter2 and …"
    )
    assert mask("") == "…"


def test_secrets_are_wrapped_by_the_name_of_their_field():
    given = {
        "api_key": KEY,
        "max_tokens": 5,
        "client_args": {"default_headers": {"Authorization": "Bearer x"}},
    }
    wrapped = wrap_secrets(given)
    assert wrapped["api_key"].reveal() == KEY
    assert wrapped["max_tokens"] == 5
    assert wrap_secrets({"default_headers": {"X-Gate": "open"}})["default_headers"]["X-Gate"] == Secret(
        "open"
    )
    assert isinstance(wrapped["client_args"]["default_headers"]["Authorization"], Secret)
    assert given["api_key"] == KEY


def config(name="mine", **more):
    return {"config_name": name, "model_type": "openai_chat", **more}


def test_configurations_come_as_one_as_several_or_as_a_file(tmp_path):
    known = ModelConfigs()
    path = tmp_path / "models.json"
    path.write_text(json.dumps([config("c", api_key=KEY), config("d")]))
    assert known.load(config("a")) == ["a"]
    assert known.load([config("b")]) == ["b"]
    assert known.load(path) == ["c", "d"]
    assert known.load(str(path)) == ["c", "d"]
    assert known.names() == ["a", "b", "c", "d"]
    assert known.get("c")["api_key"] == Secret(KEY)
    known.get("c")["api_key"] = None
    assert known.get("c")["api_key"] == Secret(KEY)
    known.load(config("e"), clear_existing=True)
    assert known.names() == ["e"]


def test_a_changed_configuration_replaces_the_old_one_and_says_so():
    known = ModelConfigs()
    known.load(config(model_name="one"))
    known.load(config(model_name="one"))
    with pytest.warns(UserWarning, match="'mine' is replaced"):
        known.load(config(model_name="two"))
    assert known.get("mine")["model_name"] == "two"


def test_an_unknown_name_says_which_are_known():
    known = ModelConfigs()
    with pytest.raises(
        ModelChoiceError, match="No model configs loaded, please call `read_model_configs` first"
    ):
        known.get("mine")
    known.load([config("mine"), config("yours")])
    with pytest.raises(ValueError, match=r"Cannot find \[mime\].*Did you mean 'mine'.*mine, yours"):
        known.get("mime")
    known.clear()
    assert known.find("mine") is None


def test_a_configuration_without_a_type_is_taken_for_post_api():
    known = ModelConfigs()
    with pytest.warns(UserWarning, match="names no model_type"):
        known.load({"config_name": "old"})
    assert known.get("old")["model_type"] == "post_api"


@pytest.mark.parametrize(
    "wrong", [{}, {"model_type": "openai_chat"}, {"config_name": 5}, [config(), {}], 5, ["x"]]
)
def test_what_is_no_configuration_is_refused_and_nothing_is_kept(wrong):
    known = ModelConfigs()
    with pytest.raises(UsageError):
        known.load(wrong)
    assert known.names() == []


def test_a_file_that_cannot_be_used_is_named(tmp_path):
    known, path = ModelConfigs(), tmp_path / "models.json"
    with pytest.raises(UsageError, match=r"models\.json: No such file"):
        known.load(path)
    path.write_text('{"config_name":\n oops')
    with pytest.raises(UsageError, match=r"models\.json is not JSON: .* line 2"):
        known.load(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not UTF-8"):
        known.load(path)


def toml(folder, text):
    path = folder / "nbagents.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_project_file_is_found_upwards(tmp_path):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    toml(tmp_path, 'model = "demo"\n')
    found = ProjectConfig.find(inner)
    assert found == ProjectConfig("demo", origin="nbagents.toml")
    toml(tmp_path / "a", 'model = "ollama/llama3.2:1b"')
    assert ProjectConfig.find(inner).model == "ollama/llama3.2:1b"
    assert dataclasses.replace(found, model="gpt-4o", origin="%agents config").origin == "%agents config"


def test_no_project_file_is_an_empty_one(tmp_path):
    assert ProjectConfig.find(tmp_path) == ProjectConfig()


@pytest.mark.parametrize(
    ("text", "line", "key", "variable"),
    [
        ('model = "x"\nbase_url = "http://evil.example"', 2, "base_url", "OPENAI_BASE_URL"),
        (f'api_key = "{KEY}"', 1, "api_key", "OPENAI_API_KEY"),
        (f'[model]\n\nApi-Key = "{KEY}"', 3, "Api-Key", "OPENAI_API_KEY"),
        ('[[models]]\nclient_args = {base_url = "http://evil.example"}', 2, "base_url", "OPENAI_BASE_URL"),
    ],
)
def test_a_project_file_names_no_address_and_no_key(tmp_path, text, line, key, variable):
    toml(tmp_path, text)
    with pytest.raises(UsageError, match=rf"nbagents\.toml, line {line}: {key} must not stand") as caught:
        ProjectConfig.find(tmp_path)
    assert caught.value.hint == f"export {variable}=…"
    assert "evil" not in str(caught.value)
    assert "0123456789" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('modle = "demo"', "line 1: unknown setting modle; did you mean model"),
        ("colour = 1", "unknown setting colour. Known: budget, max_calls, model, prices"),
        ('\nmodel = "http://evil.example/x"', "line 2: model must be a name"),
        ("model = 3", "model must be a name"),
        ("timeout = 1", "line 1: timeout is not available in this version"),
        ("budget = 0", "line 1: budget must be dollars above 0, not 0"),
        ("max_calls = 2.5", "line 1: max_calls must be a whole number above 0, not 2.5"),
        ('[prices]\n"gpt-4o" = "cheap"', "line 2: the price of gpt-4o must be two numbers"),
        ("prices = 3", "prices is a table"),
        ("model = demo", "is not TOML"),
    ],
)
def test_a_mistake_in_the_project_file_is_named(tmp_path, text, says):
    toml(tmp_path, text)
    with pytest.raises(UsageError, match=says):
        ProjectConfig.find(tmp_path)
