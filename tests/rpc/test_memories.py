"""A person changes what an agent of a server remembers, sees what its model is sent, and reads the log."""

from __future__ import annotations

import json
import threading
import uuid

import pytest
from journal_agents import Keeps
from remote_agents import Counter, Echo
from revival import home
from run_agents import Grumbler, Keeper, Warden

from nbagents.exceptions import AgentCallError, AgentNotFoundError, ProtocolError, UsageError
from nbagents.message import Msg, is_muted
from nbagents.rpc import RpcAgent


@pytest.fixture
def echo(remote) -> RpcAgent:
    agent = remote(Echo)
    for word in ("one", "two"):
        agent(Msg("user", word)).result(20)
    return agent


def contents(memory) -> list[str]:
    return [message["content"] for message in memory]


def test_what_is_remembered_is_changed_and_changed_back(client, echo):
    one, heard, two, _ = client.get_agent_memory(echo.agent_id)

    def change(op: str, message: Msg | None = None, **more):
        about = {"op": op, **more} | ({"id": message.id} if message is not None else {})
        return client.edit_memory(echo.agent_id, about)

    assert contents(change("edit", heard, content="nothing"))[:2] == ["one", "nothing"]
    assert change("mute", two)[2]["muted"]
    assert not change("unmute", two)[2]["muted"]
    assert contents(change("delete", one)) == ["nothing", "two", "echo heard two"]
    assert contents(change("rewind", two)) == ["nothing", "two"]
    assert contents(change("undo")) == ["nothing", "two", "echo heard two"]
    assert [message.content for message in client.get_agent_memory(echo.agent_id)] == contents(
        change("undo")
    )[1:]


def test_a_change_waits_for_the_agent(client, remote):
    gate = remote(Keeper, uuid.uuid4().hex)
    waiting = gate()
    changed: list = []
    thread = threading.Thread(
        target=lambda: changed.append(client.edit_memory(gate.agent_id, {"op": "undo"}))
    )
    thread.start()
    assert client.is_alive()
    assert changed == []
    remote(Warden)(gate._name).result(20)
    waiting.result(20)
    thread.join(20)
    assert changed == [[]]


def test_what_was_changed_survives_the_server(runtime):
    with home() as kept:
        notes = kept.make(Keeps, "notes")
        for word in ("one", "two"):
            notes(Msg("user", word)).result(20)
        first, second, *_ = kept.client.get_agent_memory("notes")
        kept.client.edit_memory("notes", {"op": "edit", "id": first.id, "content": "snow"})
        told = kept.client.edit_memory("notes", {"op": "mute", "id": second.id})
        assert told[0]["content"] == "snow"
        kept.revive()
        assert [message["id"] for message in kept.memory("notes")] == [entry["id"] for entry in told]
        assert kept.memory("notes")[0]["content"] == "snow"
        assert is_muted(kept.client.get_agent_memory("notes")[1])


@pytest.mark.parametrize(
    ("agent", "operation", "error"),
    [
        ("nobody", {"op": "undo"}, AgentNotFoundError),
        ("", {"op": "forge"}, UsageError),
        ("", {}, UsageError),
        ("", {"op": "mute"}, UsageError),
        ("", {"op": "delete", "id": 3}, UsageError),
        ("", [], ProtocolError),
        ("", {"op": "delete", "id": "nobody's"}, UsageError),
    ],
)
def test_what_cannot_be_is_refused(client, echo, agent, operation, error):
    before = [message.to_dict() for message in client.get_agent_memory(echo.agent_id)]
    with pytest.raises(error):
        client._steer("edit_memory", agent=agent or echo.agent_id, operation=operation)
    assert [message.to_dict() for message in client.get_agent_memory(echo.agent_id)] == before


def test_what_the_model_is_sent_is_told(client):
    settings = {
        "class_name": "DialogAgent",
        "args": ["poet"],
        "kwargs": {"sys_prompt": "Be brief.", "model_config_name": "demo-fast"},
    }
    agent_id = uuid.uuid4().hex
    client.create_agent(settings, agent_id)
    poet = RpcAgent("poet", agent_id, connect=lambda: client.attachment)
    said = poet(Msg("ann", "Rain?")).content
    assert client.sent_to_model(agent_id) == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "name": "ann", "content": "Rain?"},
        {"role": "assistant", "name": "poet", "content": said},
    ]
    first = client.get_agent_memory(agent_id)[0]
    client.edit_memory(agent_id, {"op": "mute", "id": first.id})
    assert [entry["role"] for entry in client.sent_to_model(agent_id)] == ["system", "assistant"]


def test_an_agent_without_a_model_cannot_say(client, remote):
    with pytest.raises(AgentCallError, match="has no model"):
        client.sent_to_model(remote(Counter).agent_id)


def test_the_log_is_shown_without_keys(client, remote):
    remote(Grumbler)("the key is sk-0123456789abcdef").result(20)
    assert "the key is sk-…cdef" in client.log()
    remote(Grumbler)("the last").result(20)
    assert client.log(1).strip().endswith("the last")
    assert client.log(0) == ""
    with pytest.raises(ProtocolError):
        client.log(10**6)
    with pytest.raises(ProtocolError):
        client._ask("log", value=json.dumps({"lines": "all"}))
