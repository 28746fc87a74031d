"""Routed agents and the agents of a server send messages to each other."""

from __future__ import annotations

import asyncio
import sys
import time
import uuid

import pytest
from remote_agents import Echo, Failing, Renamed, Slow
from topic_agents import Ask, Note, Told
from topics_here import knows, program, worker

from nbagents.exceptions import (
    CallTimeoutError,
    CantHandleException,
    RemoteAgentError,
    UndeliverableException,
)
from nbagents.message import Msg
from nbagents.topics import AgentId, TopicId, TypeSubscription, UnknownPayload

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def living(client, emptied):
    """Define an agent of a class in the server, under its name, in a workspace."""

    def define(cls, name: str, workspace: str = "/w/one.ipynb", **kwargs) -> str:
        settings = {
            "class_name": f"{cls.__module__}:{cls.__name__}",
            "args": [name],
            "kwargs": kwargs,
            "import_path": sys.path,
        }
        return client.define_agent(workspace, name, settings)["agent_id"]

    return define


def ask(server, message, recipient: AgentId, **options):
    async def main():
        async with worker(server) as runtime:
            return await runtime.send_message(message, recipient, **options)

    return asyncio.run(main())


def test_an_agent_of_the_server_answers_a_message(server, living):
    agent_id = living(Echo, "poet")
    for recipient in (
        AgentId("poet", "default"),
        AgentId("poet", "/w/one.ipynb"),
        AgentId(agent_id, "default"),
    ):
        reply = ask(server, Msg("user", "hello"), recipient)
        assert isinstance(reply, Msg)
        assert (reply.name, reply.content) == ("poet", "poet heard hello")


@pytest.mark.parametrize(("message", "heard"), [
    ("a text", "a text"), (Told("its content", [1]), '{"text": "its content", "numbers": [1]}'),
    ({"content": "a dictionary's content"}, "a dictionary's content"), (["a", 1], '["a", 1]'),
])  # fmt: skip
def test_what_is_no_message_of_agents_becomes_one(server, living, message, heard):
    living(Echo, "poet")
    reply = ask(server, message, AgentId("poet", "default"), sender=AgentId("worker", "x"))
    assert reply.content == f"poet heard {heard}"


def test_what_an_agent_of_the_server_raises_comes_back_with_its_traceback(server, living):
    living(Failing, "faulty")
    with pytest.raises(RemoteAgentError) as caught:
        ask(server, "hello", AgentId("faulty", "default"))
    assert "remote_agents.py" in caught.value.remote_traceback


def test_several_of_one_name_are_told_apart_by_their_workspaces(server, living):
    living(Echo, "poet")
    living(Echo, "poet", "/w/two.ipynb")
    with pytest.raises(UndeliverableException, match="2 agents of the host are called poet") as caught:
        ask(server, "hello", AgentId("poet", "default"))
    assert "/w/two.ipynb" in caught.value.hint
    assert ask(server, "hello", AgentId("poet", "/w/two.ipynb")).content == "poet heard hello"
    with pytest.raises(UndeliverableException, match="nobody serves"):
        ask(server, "hello", AgentId("poet", "/w/three.ipynb"))


def test_one_that_has_renamed_itself_is_found_beside_one_that_was_made_so(server, living):
    living(Echo, "poet")
    living(Renamed, "bard", "/w/two.ipynb")
    assert ask(server, Msg("user", "poet"), AgentId("bard", "default")).content == "poet now"
    assert ask(server, Msg("user", "sage"), AgentId("poet", "/w/two.ipynb")).content == "sage now"
    assert ask(server, "hello", AgentId("poet", "/w/one.ipynb")).content == "poet heard hello"


def test_bytes_that_are_no_json_are_refused(server, living):
    living(Echo, "poet")
    with pytest.raises(CantHandleException, match="reads JSON"):
        ask(server, UnknownPayload("Picture", "image/png", b"\x89PNG"), AgentId("poet", "default"))


def test_a_deadline_ends_a_call_of_an_agent_of_the_server(server, client, living):
    living(Slow, "slow")
    began = time.monotonic()
    with pytest.raises(CallTimeoutError):
        ask(server, 20, AgentId("slow", "default"), timeout=0.5)
    assert time.monotonic() - began < 10
    limit = time.monotonic() + 10
    while client.get_server_info()["pending"]:
        assert time.monotonic() < limit
        time.sleep(0.02)


def test_agents_of_the_server_observe_the_topics_that_they_are_subscribed_to(server, client, living):
    agent_id = living(Echo, "poet")
    topic = f"t{uuid.uuid4().hex}"

    async def main():
        async with worker(server) as runtime:
            await runtime.add_subscription(TypeSubscription(topic, "poet"))
            await runtime.publish_message("heard by all", TopicId(topic, "default"))
            await runtime.publish_message(Note(7), TopicId(topic, "/w/one.ipynb"))
            return await runtime.send_message("and now?", AgentId("poet", "default"))

    asyncio.run(main())
    contents = [message.content for message in client.get_agent_memory(agent_id)]
    assert contents[:2] == ["heard by all", '{"number": 7}']


def test_a_routed_agent_asks_one_of_the_server_and_is_asked_by_name(server, living):
    """The worker's type goes before an agent of the same name."""
    living(Echo, "poet")

    async def main():
        async with worker(server) as runtime:
            knows(runtime, Told)
            with program(server.address, "poet=Answerer"):
                reply = await runtime.send_message(Ask("hello"), AgentId("poet", "default"))
                assert reply == Told("hello", [5])
            return await runtime.send_message(Ask("hello"), AgentId("poet", "default"))

    assert asyncio.run(main()).content.startswith("poet heard")
