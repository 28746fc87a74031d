"""A routed agent, asked as any other agent is."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from nbagents import Msg, msghub, sequentialpipeline
from nbagents.exceptions import CantHandleException, UndeliverableException, UsageError
from nbagents.runtime import RoutedAgent, RoutedProxy, SingleThreadedAgentRuntime, message_handler
from nbagents.topics import AgentId, MessageContext


@dataclass
class Weight:
    kilograms: float


@dataclass
class Postage:
    euros: float


class Post(RoutedAgent):
    @message_handler
    async def weigh(self, message: Weight, ctx: MessageContext) -> Postage:
        if message.kilograms > 30:
            raise ValueError("too heavy")
        return Postage(3 + message.kilograms / 2)

    @message_handler
    async def talk(self, message: Msg, ctx: MessageContext) -> Msg | str | None:
        if message.content == "nothing":
            return None
        return f"{self.id.key} hears {message.name}: {message.content}"


@pytest.fixture
def runtime():
    made = SingleThreadedAgentRuntime()
    asyncio.run(Post.register(made, "post", lambda: Post("knows what parcels cost")))
    made.start()
    yield made
    asyncio.run(made.close())


def said(text: str) -> Msg:
    return Msg("user", text, "user")


def test_a_handler_of_messages_gets_them_as_they_are(runtime):
    ann = RoutedProxy("ann", runtime, AgentId("post", "paris"))
    reply = ann(said("hi"))
    assert (reply.name, reply.content) == ("ann", "paris hears user: hi")
    assert RoutedProxy("bob", runtime, "post")(said("nothing")).content == ""
    assert [message.content for message in ann.memory.get_memory()] == ["hi", "paris hears user: hi"]


def test_functions_make_what_the_handler_takes_and_what_it_means(runtime):
    async def shown(postage: Postage) -> str:
        return f"{postage.euros:.2f} €"

    def weight(message: Msg) -> Weight:
        return Weight(float(message.content))

    assert RoutedProxy("ann", runtime, "post", message=weight)(said("2")).content == '{"euros": 4.0}'
    post = RoutedProxy("ann", runtime, "post", message=weight, reply=shown)
    assert post(said("2")).content == "4.00 €"
    with pytest.raises(ValueError, match="too heavy"):
        post(said("31")).result()
    with pytest.raises(ValueError, match="could not convert"):
        post(said("two")).result()


def test_it_stands_in_pipelines_and_hubs(runtime):
    ann, bob = (RoutedProxy(name, runtime, AgentId("post", name)) for name in ("ann", "bob"))
    assert sequentialpipeline([ann, bob], said("hi")).content == "bob hears ann: ann hears user: hi"
    with msghub([ann, bob], announcement=said("welcome")):
        ann(said("one")).result()
    assert [message.content for message in bob.memory.get_memory()][-2:] == ["welcome", "ann hears user: one"]


def test_what_cannot_be_sent_is_said(runtime):
    with pytest.raises(UndeliverableException):
        RoutedProxy("ann", runtime, "bakery")(said("hi")).result()
    with pytest.raises(CantHandleException):
        RoutedProxy("ann", runtime, "post", message=lambda message: 3)(said("hi")).result()
    with pytest.raises(UsageError, match="told nothing"):
        RoutedProxy("ann", runtime, "post")().result()
    with pytest.raises(UsageError, match="not of a str"):
        RoutedProxy("ann", "runtime", "post")
