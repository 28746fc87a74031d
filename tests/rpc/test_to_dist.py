"""`to_dist`: agents that are moved into servers, or made there."""

from __future__ import annotations

import gc
import os
import sys
import time
from pathlib import Path

import psutil
import pytest
from remote_agents import Blocking, Counter, Echo, Failing, Fussy, Slow

import nbagents
from nbagents import asking
from nbagents.agents import DialogAgent, UserAgent
from nbagents.config import model_configs
from nbagents.exceptions import (
    AgentCreationError,
    AgentServerNotAliveError,
    NbAgentsError,
    RemoteAgentError,
    UsageError,
)
from nbagents.hub import msghub
from nbagents.message import Msg
from nbagents.rpc import DistConf, RpcAgent, RpcAgentClient, RpcAgentServerLauncher, connections, settings_of

MODEL = {"config_name": "mine", "model_type": "openai_chat", "model_name": "m", "api_key": "sk-0123456789ab"}


@pytest.fixture(autouse=True)
def _own_places(runtime: Path):
    """Each test's servers can be counted."""


def servers() -> int:
    return len(connections())


def test_an_agent_is_moved_into_a_server_of_its_own():
    local = Counter("c")
    with_server = local.to_dist()
    assert isinstance(with_server, RpcAgent)
    assert (with_server.name, with_server.agent_id) == ("c", local.agent_id)
    assert [with_server().content, with_server().content] == ["1", "2"]
    assert local.n == 0
    assert with_server.to_dist() is with_server
    assert with_server.server_address.startswith("unix:")
    assert servers() == 1
    with_server.stop()
    with_server.stop()
    assert servers() == 0
    with pytest.raises(AgentServerNotAliveError, match="was stopped"):
        with_server().result(10)


def test_an_agent_is_made_in_a_server():
    for where in (True, DistConf(), {}, {"max_pool_size": 10}):
        agent = Echo("poet", to_dist=where)
        assert isinstance(agent, RpcAgent)
        assert agent("x").content == "poet heard x"
        agent.stop()
    assert isinstance(Echo(name="poet", to_dist=False), Echo)
    assert isinstance(Echo(name="poet", to_dist=None), Echo)


def test_an_agent_goes_to_a_server_that_is_there():
    with RpcAgentServerLauncher(port=0, custom_agent_classes=[Echo]) as launcher:
        where = DistConf("localhost", launcher.port)
        moved = Echo("a").to_dist("localhost", launcher.port)
        made = Echo("b", to_dist=where)
        again = Echo("c", to_dist=where)
        assert [agent("x").content[:1] for agent in (moved, made, again)] == ["a", "b", "c"]
        assert servers() == 1
        moved.stop()  # launched nothing, ends nothing
        assert launcher.is_alive()
        assert moved.memory.size() == 2


def test_where_is_never_changed():
    where = {"port": None, "lazy_launch": True}
    Echo("a", to_dist=where)
    Echo("b", to_dist=where)
    assert where == {"port": None, "lazy_launch": True}


@pytest.mark.parametrize(
    "where",
    ["here", 3, {"hots": "localhost"}, {"port": -5}, {"port": 0}, {"host": "0.0.0.0", "local_mode": False}],
)
def test_a_senseless_place_is_refused(where):
    with pytest.raises(UsageError):
        Echo("a", to_dist=where)
    assert servers() == 0


def test_the_old_option_is_told_to_be_old():
    with pytest.warns(DeprecationWarning, match="launch_server"):
        Echo("a").to_dist(launch_server=True).stop()


# ---------------------------------------------------------------------------- later


def test_a_lazy_agent_is_launched_by_its_first_call():
    lazy = Counter("c", to_dist=DistConf(lazy_launch=True))
    assert servers() == 0
    begin = time.monotonic()
    calls = [lazy() for _ in range(5)]
    assert time.monotonic() - begin < 0.15, "the calls are kept until the server is up"
    assert [call.content for call in calls] == ["1", "2", "3", "4", "5"]
    assert servers() == 1
    lazy.stop()


def test_a_lazy_agent_that_cannot_be_made_says_so_at_its_calls():
    lazy = Fussy("f", to_dist={"lazy_launch": True})
    first, second = lazy(), lazy()
    for call in (first, second):
        with pytest.raises(AgentCreationError, match="f does not want to be made"):
            call.result(20)
    assert servers() == 0


def test_a_lazy_call_can_be_cancelled_before_the_server_is_up():
    lazy = Counter("c", to_dist={"lazy_launch": True})
    first, second = lazy(), lazy()
    first.cancel()
    assert second.content == "1"
    lazy.stop()


def test_the_first_use_may_be_its_memory():
    lazy = Echo("e", to_dist={"lazy_launch": True})
    assert lazy.memory.size() == 0
    assert servers() == 1
    lazy.stop()


# ---------------------------------------------------------------------------- ends


def test_a_server_ends_when_neither_the_agent_nor_a_clone_is_left(wait_for):
    agent = Slow("s").to_dist()
    (clone,) = agent.clone_instances(1, including_self=False)
    waiting = agent(0.3)
    del agent
    gc.collect()
    assert waiting.content == "s slept"
    assert clone(0.01).content == "s slept"
    assert servers() == 1
    del clone, waiting
    gc.collect()
    wait_for(lambda: servers() == 0)


def test_a_failed_constructor_leaves_no_server():
    before = set(psutil.Process().children())
    with pytest.raises(AgentCreationError, match="f does not want to be made"):
        Fussy("f", to_dist={"lazy_launch": False})
    assert servers() == 0
    left = set(psutil.Process().children()) - before
    assert [child for child in left if child.status() != psutil.STATUS_ZOMBIE] == []


# ---------------------------------------------------------------------------- together


def test_clones_are_made_as_the_first_was():
    agent = Echo("e").to_dist()
    clones = agent.clone_instances(4)
    assert clones[0] is agent
    assert len({clone.agent_id for clone in clones}) == 4
    assert [clone("x").content for clone in clones] == ["e heard x"] * 4
    assert [clone.memory.size() for clone in clones] == [2] * 4
    assert agent.clone_instances(0) == []
    agent.delete()
    with pytest.raises(NbAgentsError, match="cannot be cloned"):
        agent.clone_instances(2)
    agent.stop()


def test_agents_of_different_servers_work_together():
    first, second = Blocking("b").to_dist(), Echo("e").to_dist()
    with msghub([first, second], announcement=Msg("host", "welcome")):
        said = second(first())
    assert said.content == "e heard b slept"
    assert [m.content for m in second.memory.get_memory()] == ["welcome", "b slept", "e heard b slept"]
    failing = Failing("f").to_dist()
    with pytest.raises(RemoteAgentError, match=r"^f: ValueError: that went wrong$"):
        second(failing()).result(10)
    for agent in (first, second, failing):
        agent.stop()


# ---------------------------------------------------------------------------- models


def test_the_configuration_of_a_model_goes_along():
    model_configs.clear()
    nbagents.init([MODEL])
    for agent in (
        DialogAgent("poet", "be brief", "mine"),
        DialogAgent("poet", sys_prompt="be brief", model_config_name=MODEL),
        DialogAgent("poet", model_or_config_name="mine"),
        DialogAgent("poet", "be brief", model_config_name=DialogAgent("x", model_config_name=MODEL).model),
    ):
        settings = settings_of(DialogAgent, agent._init_settings["args"], agent._init_settings["kwargs"])
        sent = [*settings["args"], *settings["kwargs"].values()]
        (config,) = [value for value in sent if isinstance(value, dict)]
        assert (config["config_name"], config["api_key"]) == ("mine", "sk-0123456789ab")
        assert settings["class_name"] == "DialogAgent"
        assert "import_path" not in settings
    moved = DialogAgent("poet", "be brief", "mine").to_dist()
    (about,) = RpcAgentClient(moved.server_address).get_agent_list()
    assert about["model"]["config_name"] == "mine"
    assert about["sys_prompt"] == "be brief"
    moved.stop()
    model_configs.clear()


def test_a_server_knows_the_configurations_of_its_launcher():
    model_configs.clear()
    nbagents.init([MODEL])
    with RpcAgentServerLauncher() as launcher:
        client = RpcAgentClient(launcher.address)
        named = {"class_name": "DialogAgent", "args": ["p"], "kwargs": {"model_config_name": "mine"}}
        assert client.create_agent(named, "p")["model"]["config_name"] == "mine"
    model_configs.clear()


def test_without_a_model_the_choice_is_made_here():
    settings = settings_of(DialogAgent, ("poet", "be brief"), {})
    assert settings["kwargs"]["model_config_name"]["config_name"] == "demo"
    assert settings_of(DialogAgent, ("poet", None, None), {})["args"][2]["config_name"] == "demo"


class Stubborn(DialogAgent):
    """Its constructor takes no model."""

    def __init__(self, mood: str) -> None:
        super().__init__("stubborn", mood, "demo")


def test_a_class_of_ones_own_gets_only_what_its_constructor_takes():
    Stubborn.__module__ = "somewhere"
    settings = settings_of(Stubborn, ("sad",), {})
    assert (settings["args"], settings["kwargs"]) == (["sad"], {})
    assert settings["class_name"] == "somewhere:Stubborn"
    assert os.getcwd() in settings["import_path"] or "" not in sys.path
    assert "" not in settings["import_path"]


def test_what_cannot_travel_to_the_constructor_is_named():
    with pytest.raises(UsageError, match=r"the value\['args'\]\[0\] is a object"):
        Echo(object(), to_dist=True)
    assert servers() == 0


def test_a_person_in_a_server_is_asked_where_the_call_was_made(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    user = UserAgent("me").to_dist()
    try:
        with pytest.raises(UsageError, match="nobody is there to answer"):
            user().result(20)
        with asking.scripted(["I am"]):
            assert user().content == "I am"
    finally:
        user.stop()
