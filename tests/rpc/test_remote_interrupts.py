"""An agent of a server is interrupted through its proxy, by whoever has one, and replies at once."""

from __future__ import annotations

import json
import uuid

import pytest
from remote_agents import Echo, Probe, Slow

from nbagents.exceptions import AgentNotFoundError, ProtocolError, UsageError
from nbagents.message import Msg
from nbagents.rpc import RpcAgent


@pytest.fixture
def slow(remote, wait_for):
    """An agent in the midst of a call, and its reply."""
    agent, probe = remote(Slow, uuid.uuid4().hex), remote(Probe)
    reply = agent(600)
    wait_for(lambda: probe(agent.name).content == "began")
    return agent, reply


def test_it_replies_at_once_and_remembers_why(slow):
    agent, reply = slow
    agent.interrupt(Msg("user", "Stop that."))
    assert reply.result(20).content.startswith("I noticed that you have interrupted me.")
    assert reply.metadata == {"_is_interrupted": True}
    assert [message.content for message in agent.memory.get_memory()] == ["Stop that.", reply.content]
    assert agent(0).content.endswith("slept")


def test_another_session_interrupts_it_too(slow, another):
    agent, reply = slow
    theirs = RpcAgent(agent.name, agent.agent_id, kind="Slow", connect=lambda: another.attachment)
    theirs.interrupt([Msg("user", "Stop."), Msg("user", "Please.")])
    assert reply.result(20).metadata == {"_is_interrupted": True}
    assert agent.memory.size() == 3


def test_an_idle_one_is_not_touched(remote):
    echo = remote(Echo)
    echo.interrupt()
    assert echo("hi").content == "echo heard hi"


@pytest.mark.filterwarnings("ignore:the content of a message")
def test_what_cannot_travel_is_refused(remote, client):
    echo = remote(Echo)
    with pytest.raises(UsageError, match="cannot travel to its server"):
        echo.interrupt(Msg("user", object()))
    for said in ({"messages": "x"}, {"messages": [{"__module__": "os", "__name__": "system"}]}, "x"):
        with pytest.raises(ProtocolError):
            client._ask("interrupt", value=json.dumps({"agent": echo.agent_id, "said": said}))
    with pytest.raises(AgentNotFoundError):
        client._steer("interrupt", agent="nobody")
