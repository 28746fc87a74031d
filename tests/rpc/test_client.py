"""`RpcAgentClient`, and plain gRPC clients that know nothing of us."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from remote_agents import (
    Counter,
    Echo,
    Failing,
    Forgetful,
    Fussy,
    Mirror,
    Odd,
    Pensive,
    Quitter,
    Slow,
    settings,
)

from nbagents import _loop
from nbagents.exceptions import (
    AgentCallError,
    AgentCreationError,
    AgentNotFoundError,
    InternalError,
    ModelChoiceError,
    ResultExpiredError,
    UsageError,
    WouldBlockLoopError,
)
from nbagents.message import Msg
from nbagents.rpc import RpcAgentClient, RpcAgentServerLauncher

pytestmark = pytest.mark.usefixtures("emptied")


# ---------------------------------------------------------------------------- the methods


def test_an_agent_is_made_listed_cloned_and_deleted(client):
    made = client.create_agent(settings(Echo, "poet"), "p1")
    assert (made["name"], made["type"], made["agent_id"], made["change"]) == ("poet", "Echo", "p1", "created")
    clone = client.clone_agent("p1")
    assert [about["agent_id"] for about in client.get_agent_list()] == ["p1", clone]
    assert client.clone_agent("nobody") is None
    assert client.delete_agent("p1")
    assert not client.delete_agent("p1")
    assert [about["agent_id"] for about in client.get_agent_list()] == [clone]
    assert client.delete_all_agents()
    assert client.get_agent_list() == []


def test_a_client_of_one_agent_need_not_name_it(server):
    own = RpcAgentClient(server.address, agent_id="mine", token=server.token)
    own.create_agent(settings(Echo, "poet"))
    task = own.call_agent_func("_reply", Msg("user", "hi"))
    assert own.update_placeholder(task).content == "poet heard hi"
    assert len(own.get_agent_memory()) == 2
    assert own.clone_agent()
    assert own.delete_agent()


def test_a_clone_has_a_memory_of_its_own(client):
    client.create_agent(settings(Echo, "poet"), "p1")
    client.update_placeholder(client.call_agent_func("_reply", Msg("user", "hi"), "p1"))
    clone = client.clone_agent("p1")
    assert len(client.get_agent_memory("p1")) == 2
    assert client.get_agent_memory(clone) == []


@pytest.mark.parametrize(
    ("cls", "agent_id", "why"),
    [
        (Echo, "taken", r"Agent with agent_id \[taken\] already exists"),
        (Fussy, "x", "could not be made: ValueError: n does not want to be made"),
        (Quitter, "x", "could not be made: SystemExit: n"),
    ],
)
def test_an_agent_that_cannot_be_made_says_why(client, cls: type, agent_id: str, why: str):
    client.create_agent(settings(Echo, "first"), "taken")
    with pytest.raises(AgentCreationError, match=why):
        client.create_agent(settings(cls, "n"), agent_id)
    assert [about["agent_id"] for about in client.get_agent_list()] == ["taken"]
    assert client.is_alive()


def test_a_module_that_cannot_be_imported_is_named(client, tmp_path: Path):
    (tmp_path / "half_done.py").write_text("class Poet(")
    for name, why in {"no_such_module:Poet": "No module named", "half_done:Poet": "SyntaxError"}.items():
        with pytest.raises(AgentCreationError, match=f"cannot import {name.split(':')[0]}: .*{why}"):
            client.create_agent({"class_name": name, "import_path": [str(tmp_path)]}, "x")
    (tmp_path / "half_done.py").write_text("Poet = 3")
    with pytest.raises(AgentCreationError, match="half_done has no agent class Poet"):
        client.create_agent({"class_name": "half_done:Poet", "import_path": [str(tmp_path)]}, "x")


def test_the_folders_of_a_user_come_last_on_the_import_path(client, tmp_path: Path):
    (tmp_path / "colorsys.py").write_text("raise RuntimeError('the wrong colorsys')")
    (tmp_path / "late_poet.py").write_text(
        "import colorsys\nfrom nbagents.agents import AgentBase\n"
        "class Poet(AgentBase):\n    def reply(self, x=None):\n        return colorsys.__doc__\n"
    )
    client.create_agent({"class_name": "late_poet:Poet", "args": ["p"], "import_path": [str(tmp_path)]}, "p")
    assert client.update_placeholder(client.call_agent_func("_reply", None, "p")).content.startswith(
        "Conversion"
    )


def test_defining_makes_keeps_and_updates(client):
    dialog = {"class_name": "AgentBase", "args": ["poet"], "kwargs": {"sys_prompt": "one"}}
    first = client.define_agent("/a.ipynb", "poet", dialog)
    again = client.define_agent("/a.ipynb", "poet", dialog)
    other = client.define_agent("/b.ipynb", "poet", dialog)
    changed = client.define_agent("/a.ipynb", "poet", dialog | {"kwargs": {"sys_prompt": "two"}})
    fresh = client.define_agent("/a.ipynb", "poet", dialog | {"kwargs": {"sys_prompt": "two"}}, fresh=True)
    replaced = client.define_agent("/a.ipynb", "poet", settings(Echo, "poet"))
    told = [about["change"] for about in (first, again, other, changed, fresh, replaced)]
    assert told == ["created", "unchanged", "created", "updated", "updated", "created"]
    assert first["agent_id"] == again["agent_id"] == changed["agent_id"] == fresh["agent_id"]
    assert len({first["agent_id"], other["agent_id"], replaced["agent_id"]}) == 3
    assert changed["sys_prompt"] == "two"
    assert [a["workspace"] for a in client.get_agent_list()] == ["/b.ipynb", "/a.ipynb"]


def test_colours_go_by_the_order_of_creation_and_are_never_shared(client):
    made = [client.define_agent("w", name, settings(Echo, name)) for name in "abc"]
    client.delete_agent(made[0]["agent_id"])
    made.append(client.define_agent("w", "d", settings(Echo, "d")))
    assert [about["color"] for about in made] == [0, 1, 2, 3]
    assert client.define_agent("v", "a", settings(Echo, "a"))["color"] == 0


def test_two_who_define_one_agent_at_once_agree(client):
    async def define_twice() -> list[str]:
        body = json.dumps(settings(Echo, "poet")).encode()
        ask = [
            client.attachment.request("create_agent", agent_init_args=body, workspace="w", name="poet")
            for _ in range(5)
        ]
        return [json.loads(answer.message)["change"] for answer in await asyncio.gather(*ask)]

    changes = _loop.background().run(define_twice())
    assert sorted(changes) == ["created"] + ["unchanged"] * 4


def test_a_call_has_a_task_id_under_which_its_reply_stays(client):
    client.create_agent(settings(Counter, "c"), "c")
    tasks = [client.call_agent_func("_reply", None, "c") for _ in range(3)]
    assert tasks == sorted(tasks)
    for _ in range(2):
        assert [client.update_placeholder(task).content for task in tasks] == ["1", "2", "3"]


def test_observing_is_answered_when_the_agent_has_observed(client):
    client.create_agent(settings(Echo, "e"), "e")
    client.call_agent_func("_observe", [Msg("a", "1"), Msg("b", "2")], "e")
    assert [m.content for m in client.get_agent_memory("e")] == ["1", "2"]


def test_observing_is_answered_however_long_it_takes(client):
    client.create_agent(settings(Pensive, "p"), "p")
    client.call_agent_func("_observe", Msg("a", "1"), "p")
    assert [m.content for m in client.get_agent_memory("p")] == ["1"]


def test_a_fault_that_nobody_foresaw_is_answered_and_logged(client, server):
    client.create_agent(settings(Forgetful, "f"), "f")
    with pytest.raises(InternalError, match=r"internal error \w+; the server's log tells more") as caught:
        client.get_agent_memory("f")
    number = str(caught.value).split(";")[0].split()[-1]
    assert f"error {number}" in server.connection.log.read_text()


def test_bytes_in_a_memory_travel(client, remote):
    mirror = remote(Mirror)
    with pytest.warns(UserWarning, match="cannot be written as JSON"):
        given = Msg("user", [b"\x00"])
    mirror.observe(given)
    assert mirror.memory.get_memory()[0].content == [b"\x00"]


def test_waiting_for_a_reply_can_end_before_the_call_does(client):
    client.create_agent(settings(Slow, "s"), "s")
    task = client.call_agent_func("_reply", 0.5, "s")
    with pytest.raises(TimeoutError):
        client.update_placeholder(task, timeout=0.05)
    assert client.update_placeholder(task, timeout=10).content == "s slept"


def test_what_an_agent_raised_is_raised_where_its_reply_is_fetched(client):
    client.create_agent(settings(Failing, "f"), "f")
    task = client.call_agent_func("_reply", "KeyError", "f")
    with pytest.raises(KeyError, match="f: KeyError: that went wrong") as caught:
        client.update_placeholder(task, timeout=10)
    assert "remote_agents.py" in caught.value.remote_traceback


def test_a_reply_that_cannot_travel_is_an_error_and_no_silence(client):
    client.create_agent(settings(Odd, "o"), "o")
    task = client.call_agent_func("_reply", "set", "o")
    with pytest.raises(UsageError, match="is a set"):
        client.update_placeholder(task, timeout=10)


@pytest.mark.parametrize("task", [0, -1, 99_999, 2**62])
def test_a_task_that_never_was_has_expired(client, task: int):
    with pytest.raises(ResultExpiredError, match=f"the reply of task {task} is gone or never was"):
        client.update_placeholder(task, timeout=10)


def test_old_replies_are_dropped_and_pending_ones_never(runtime: Path):
    with RpcAgentServerLauncher(max_pool_size=2) as launcher:
        client = RpcAgentClient(launcher.address, token=launcher.token)
        client.create_agent(settings(Slow, "s"), "s")
        client.create_agent(settings(Counter, "c"), "c")
        pending = client.call_agent_func("_reply", 0.6, "s")
        tasks = [client.call_agent_func("_reply", None, "c") for _ in range(4)]
        assert client.update_placeholder(tasks[-1]).content == "4"
        with pytest.raises(ResultExpiredError, match="keeps the last 2 replies"):
            client.update_placeholder(tasks[0])
        assert client.update_placeholder(pending).content == "s slept"
        assert client.get_server_info()["pending"] == 0


def test_replies_expire_by_age(runtime: Path, wait_for):
    with RpcAgentServerLauncher(max_timeout_seconds=0.1) as launcher:
        client = RpcAgentClient(launcher.address, token=launcher.token)
        client.create_agent(settings(Counter, "c"), "c")
        task = client.call_agent_func("_reply", None, "c")

        def expired() -> bool:
            try:
                client.update_placeholder(task)
            except ResultExpiredError:
                return True
            return False

        wait_for(expired, 5)


def test_nobody_is_not_found(client):
    with pytest.raises(AgentNotFoundError, match=r"Agent \[nobody\] not exists\."):
        client.call_agent_func("_reply", None, "nobody")
    with pytest.raises(AgentCallError, match=r"Agent \[nobody\] has not found"):
        client.get_agent_memory("nobody")


def test_the_server_tells_of_itself(client, server):
    info = client.get_server_info()
    assert info["pid"] == server.connection.pid
    assert info["id"] == server.server_id
    assert (info["size"], info["pending"]) == (0, 0)
    assert 10 < info["mem"] < 500
    assert info["cpu"] >= 0
    assert info["clients"] == 1


def test_model_configurations_are_loaded_by_name(client):
    config = {"config_name": "mine", "model_type": "openai_chat", "model_name": "m", "api_key": "sk-x" * 5}
    assert client.set_model_configs(config)
    assert client.set_model_configs([config, config | {"config_name": "other"}])
    named = {"class_name": "DialogAgent", "args": ["poet"], "kwargs": {"model_config_name": "other"}}
    assert client.create_agent(named, "p")["model"]["config_name"] == "other"
    with pytest.raises(ModelChoiceError, match=r"\[third\]") as caught:
        client.create_agent(named | {"kwargs": {"model_config_name": "third"}}, "q")
    assert "sk-x" not in str(caught.value)


def test_methods_refuse_to_block_the_loop(client):
    async def ask() -> None:
        client.is_alive()

    with pytest.raises(WouldBlockLoopError):
        _loop.background().run(ask())
