"""Keys never reach the journal; who brings one back gets the agent with all that it remembers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from journal_agents import HasKey
from revival import home

from nbagents.exceptions import ModelAuthError, ModelUnavailableError
from nbagents.message import Msg

KEY = "sk-canary-0123456789abcdef"


def config(name: str = "mine", **more: Any) -> dict[str, Any]:
    """A model at a port where nobody listens: whoever asks it learns that, and not that a key is missing."""
    return {
        "config_name": name,
        "model_type": "openai_chat",
        "model_name": "m",
        "base_url": "http://127.0.0.1:9/v1",
        "api_key": KEY,
        "client_args": {"default_headers": {"X-Key": f"{KEY}-header"}},
        "max_retries": 0,
        **more,
    }


def poet(model: Any) -> dict[str, Any]:
    return {
        "class_name": "DialogAgent",
        "args": ["poet"],
        "kwargs": {"sys_prompt": "Rhyme.", "model_config_name": model},
    }


def test_no_key_reaches_the_journal_and_the_cell_that_is_run_again_brings_it_back(runtime: Path):
    with home() as server:
        about = server.client.define_agent("book.ipynb", "poet", poet(config()))
        assert about["needs_key"] is False
        agent = server.find(about["agent_id"])
        agent.observe(Msg("user", "hello")).result(20)
        with pytest.raises(ModelUnavailableError):
            agent("Write.").result(20)
        own = server.make(HasKey, "own", api_key=f"{KEY}-own")
        assert own().content == f"{KEY}-own"[-4:]
        assert b"canary" not in server.contents()
        server.revive()
        listed, other = server.client.get_agent_list()
        assert other["agent_id"] == "own"
        assert (listed["needs_key"], listed["messages"]) == (True, 2)
        with pytest.raises(ModelAuthError, match="run the cell that defines poet again"):
            server.find(about["agent_id"])("Write.").result(20)
        again = server.client.define_agent("book.ipynb", "poet", poet(config()))
        assert (again["change"], again["agent_id"], again["needs_key"]) == (
            "unchanged",
            about["agent_id"],
            False,
        )
        with pytest.raises(ModelUnavailableError):
            server.find(about["agent_id"])("Write.").result(20)
        assert server.memory(about["agent_id"])[0]["content"] == "hello"
        assert b"canary" not in server.contents()


@pytest.mark.long
def test_set_model_configs_brings_a_key_back_but_not_to_another_address(runtime: Path):
    with home() as server:
        server.client.set_model_configs(config("named"))
        server.client.create_agent(poet(config("given")), "given")
        server.client.create_agent(poet("named"), "named")
        assert b"canary" not in server.contents()
        server.revive()
        needs = lambda: {one["agent_id"]: one["needs_key"] for one in server.client.get_agent_list()}  # noqa: E731
        assert needs() == {"given": True, "named": True}
        with pytest.raises(ModelAuthError, match="set_model_configs"):
            server.find("named")("Write.").result(20)
        elsewhere = {"base_url": "http://127.0.0.1:10/v1"}
        server.client.set_model_configs([config("given", **elsewhere), config("named", **elsewhere)])
        assert needs() == {"given": True, "named": True}
        server.client.set_model_configs([config("given"), config("named")])
        assert needs() == {"given": False, "named": False}
        for name in ("given", "named"):
            with pytest.raises(ModelUnavailableError):
                server.find(name)("Write.").result(20)


def test_who_made_an_agent_by_its_id_brings_its_key_by_making_it_again(runtime: Path):
    with home() as server:
        server.client.create_agent(poet(config()), "p")
        server.find("p").observe(Msg("user", "hello")).result(20)
        server.revive()
        assert server.client.create_agent(poet(config()), "p")["messages"] == 1
        with pytest.raises(ModelUnavailableError):
            server.find("p")("Write.").result(20)


def test_a_model_without_a_key_comes_back_whole(runtime: Path):
    with home() as server:
        plain = {
            "config_name": "local",
            "model_type": "openai_chat",
            "model_name": "demo-fast",
            "endpoint": "demo",
        }
        server.client.set_model_configs(plain)
        server.client.create_agent(poet("local"), "p")
        server.find("p")("Write about rain.").result(20)
        server.revive()
        assert server.client.get_agent_list()[0]["needs_key"] is False
        assert server.find("p")("Write about snow.").result(20).content
        assert len(server.memory("p")) == 4
