"""What a journal holds stays within bounds, and is what the agents remember."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from journal_agents import Rewrites, Shuffles, Window
from journal_faults import Thief
from revival import home

from nbagents.exceptions import StorageFullError
from nbagents.rpc._keys import has_gaps, with_keys, without_keys

KEY = "canary0123456789"


def test_the_journal_of_an_agent_that_forgets_does_not_grow_for_ever(runtime: Path):
    with home() as server:
        agent = server.make(Window, "w")
        last = [agent() for _ in range(700)][-1]
        assert last.result(60).content == "700"
        before = server.digest("w")
        server.kill()
        # A window of 200 is written once, and what is new of it from then on.
        ((references,),) = server.rows("SELECT count(*) FROM memories")
        assert references < 1200
        server.start()
        assert server.digest("w") == before
        again = server.find("w")
        last = [again() for _ in range(300)][-1]
        assert last.result(60).content == "1000"
        before = server.digest("w")
        server.revive()
        assert server.digest("w") == before


def test_a_journal_that_holds_much_that_is_forgotten_is_tidied_up(runtime: Path):
    with home() as server:
        agent = server.make(Shuffles, "s")
        assert [agent() for _ in range(120)][-1].result(60).content == "120"
        before = server.digest("s")
        server.kill()
        ((references,),) = server.rows("SELECT count(*) FROM memories")
        assert references < 23_000, "of 120 times 200"
        server.start()
        assert server.digest("s") == before


@pytest.mark.linux
def test_an_edit_that_found_no_room_is_kept_once_there_is(runtime: Path):
    with home() as server:
        settings = {
            "class_name": f"journal_faults:{Thief.__name__}",
            "args": ["thief"],
            "import_path": sys.path,
        }
        server.client.create_agent(settings, "thief")
        thief, agent = server.find("thief"), server.make(Rewrites, "r")
        agent("first").result(20)
        thief("room", str(server.journal)).result(20)
        with pytest.raises(StorageFullError):
            [agent(f"text {number}").result(20) for number in range(100)]
        thief("no room").result(20)
        agent(None).result(20)
        before = server.memory("r")
        server.revive()
        assert server.memory("r") == before


@pytest.mark.parametrize(
    "more",
    [
        {"openai_api_key": KEY},
        {"azure_ad_token": KEY},
        {"auth": {"user": KEY}},
        {"credentials": [KEY]},
        {"json_args": {"key": KEY}},
        {"client_args": {"default_query": {"api-key": KEY}}},
        {"base_url": f"https://127.0.0.1/v1?key={KEY}"},
        {"base_url": f"https://me:{KEY}@127.0.0.1/v1"},
        {"api_url": f"https://127.0.0.1/generate?key={KEY}"},
        {"api_url": "https://127.0.0.1/generate", "headers": {"X-Any": KEY}},
    ],
)
def test_a_configuration_is_written_without_whatever_may_be_a_key(more: dict[str, Any]):
    config = {"config_name": "mine", "max_tokens": 5, "api_key_env": "MY_KEY", **more}
    kept = without_keys({"kwargs": {"model_config_name": config}})
    assert KEY not in repr(kept)
    inside = kept["kwargs"]["model_config_name"]
    assert has_gaps(inside)
    assert (inside["max_tokens"], inside["api_key_env"]) == (5, "MY_KEY")
    assert with_keys(inside, config) == config


def test_a_key_is_not_led_to_another_address():
    config = {"config_name": "mine", "api_url": "https://127.0.0.1/generate", "headers": {"X-Any": KEY}}
    kept = without_keys(config)
    assert with_keys(kept, config) == config
    assert with_keys(kept, config | {"api_url": "https://example.org/generate"}) is None


def test_a_place_in_a_request_is_no_key():
    config = {"config_name": "mine", "api_url": "https://127.0.0.1/generate", "messages_key": "inputs"}
    assert without_keys(config) == config
