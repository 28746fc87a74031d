"""Which method of an agent takes which message, and what its annotations promise."""

import asyncio
import dataclasses
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from nbagents.exceptions import CantHandleException, UsageError
from nbagents.runtime import (
    AgentRuntime,
    BaseAgent,
    RoutedAgent,
    SingleThreadedAgentRuntime,
    event,
    handles,
    message_handler,
    rpc,
    type_subscription,
)
from nbagents.topics import (
    AgentId,
    MessageContext,
    NestedDataclassSerializer,
    TopicId,
)


@dataclasses.dataclass
class Ping:
    text: str


@dataclasses.dataclass
class Loud(Ping):
    pass


@dataclasses.dataclass
class Pong:
    ping: Ping


@type_subscription("pings")
class Clerk(RoutedAgent):
    def __init__(self):
        super().__init__("a clerk")
        self.seen = []

    @event
    async def a_event(self, message: Ping, ctx: MessageContext) -> None:
        self.seen.append(("event", message.text))

    @rpc(match=lambda message, ctx: message.text == "special")
    async def b_special(self, message: Ping, ctx: MessageContext) -> str:
        return "special"

    @rpc
    async def c_rpc(self, message: Ping, ctx: MessageContext) -> str:
        return f"rpc {message.text}"

    @message_handler
    async def d_union(self, message: int | str, ctx: MessageContext) -> int | str:
        return message * 2

    @message_handler
    async def wrong(self, message: float, ctx: MessageContext) -> str:
        return 7

    @message_handler(strict=False)
    async def lax(self, message: bool, ctx: MessageContext) -> str:
        return 7

    @message_handler
    async def stream(self, message: list, ctx: MessageContext) -> AsyncIterator[str]:
        for word in message:
            yield word


class Anything(RoutedAgent):
    @message_handler
    async def an_int(self, message: int, ctx: MessageContext) -> str:
        return "int"

    @message_handler
    async def rest(self, message: Any, ctx: MessageContext) -> Any:
        return type(message).__name__


def ask(*messages, kind=Clerk, publish=()):
    """Send each message to a clerk of its own runtime; return the replies, errors included, and the clerk."""

    async def main():
        runtime = SingleThreadedAgentRuntime()
        assert isinstance(runtime, AgentRuntime)
        await kind.register(runtime, "clerk", kind if kind is Clerk else lambda: kind("described"))
        runtime.start()
        for message in publish:
            await runtime.publish_message(message, TopicId("pings", "default"))
        me = AgentId("clerk", "default")
        replies = await asyncio.gather(
            *(runtime.send_message(each, me) for each in messages), return_exceptions=True
        )
        await runtime.stop_when_idle()
        return replies, await runtime.try_get_underlying_agent_instance(me)

    return asyncio.run(main())


def test_the_first_handler_by_name_that_matches_takes_it():
    replies, clerk = ask(Ping("a"), Ping("special"), publish=[Ping("special")])
    assert replies == ["rpc a", "special"]
    assert clerk.seen == [("event", "special")]


def test_a_union_is_several_types_and_a_subclass_is_another():
    replies, _ = ask(2, "a", Loud("x"))
    assert replies[:2] == [4, "aa"]
    assert isinstance(replies[2], CantHandleException)
    assert "takes no Loud" in str(replies[2])


def test_any_takes_the_rest():
    assert ask(1, "a", Loud("x"), kind=Anything)[0] == ["int", "str", "Loud"]


def test_a_reply_of_another_type_is_an_error_where_strict_and_logged_where_not(caplog):
    with caplog.at_level(logging.WARNING):
        replies, _ = ask(1.5, True)
    assert isinstance(replies[0], ValueError)
    assert replies[1] == 7
    assert "Clerk.lax is to return str, and returned int" in caplog.text


def test_a_stream_asked_plainly_replies_with_its_last_value():
    assert ask(["a", "b"], [])[0] == ["b", None]


def test_an_event_that_nobody_takes_is_logged(caplog):
    with caplog.at_level(logging.INFO):
        ask(publish=[Loud("x")])
    assert "Unhandled message: Loud for clerk/default" in caplog.text


def test_a_handler_can_be_called_as_the_method_it_is():
    assert asyncio.run(Clerk().d_union(3, None)) == 6
    assert Clerk.d_union.target_types == [int, str]
    assert Clerk.stream.produces_types == [str]
    with pytest.raises(CantHandleException, match="takes int or str, not float"):
        asyncio.run(Clerk().d_union(1.5, None))


def not_async(self, message: int, ctx: MessageContext) -> None: ...
async def misnamed(self, note: int, ctx: MessageContext) -> None: ...
async def no_context(self, message: int) -> None: ...
async def unannotated(self, message, ctx: MessageContext) -> None: ...
async def no_return(self, message: int, ctx: MessageContext): ...
async def no_type(self, message: 7, ctx: MessageContext) -> None: ...
async def lost(self, message: "Nowhere", ctx: MessageContext) -> None: ...  # noqa: F821
async def no_stream(self, message: int, ctx: MessageContext) -> str:
    yield "a"


MISTAKES = [not_async, misnamed, no_context, unannotated, no_return, no_type, lost, no_stream]


@pytest.mark.parametrize("func", MISTAKES, ids=lambda func: func.__name__)
def test_a_mistake_is_told_where_it_is_made(func):
    with pytest.raises(UsageError, match=f"@message_handler: .*{func.__name__}"):
        message_handler(func)


def test_an_event_returns_nothing():
    with pytest.raises(UsageError, match="nobody gets a reply"):

        @event
        async def handle(self, message: int, ctx: MessageContext) -> int:
            return 1


class TakesPong(RoutedAgent):
    @message_handler
    async def handle(self, message: Pong, ctx: MessageContext) -> str:
        return message.ping.text


@handles(Pong, NestedDataclassSerializer(Pong))
class TakesPongAsIs(TakesPong):
    pass


class TakesObject(RoutedAgent):
    @message_handler
    async def handle(self, message: object, ctx: MessageContext) -> None: ...


def test_a_type_that_would_not_survive_the_way_is_refused_when_registered():
    with pytest.raises(UsageError, match="field ping of Pong holds a Ping"):
        ask(kind=TakesPong)
    with pytest.raises(UsageError, match="handles object, which cannot be sent"):
        ask(kind=TakesObject)
    assert ask(Pong(Ping("x")), kind=TakesPongAsIs)[0] == ["x"]


def test_a_subclass_inherits_handlers_and_no_subscriptions():
    class Junior(Clerk):
        pass

    assert [each() for each in Junior.internal_unbound_subscriptions_list] == []
    assert len(Clerk.internal_unbound_subscriptions_list) == 1
    assert ask(Ping("a"), kind=type("Senior", (Anything,), {}))[0] == ["Ping"]


def test_a_class_without_its_method_says_so():
    async def main():
        runtime = SingleThreadedAgentRuntime()
        await BaseAgent.register(runtime, "bare", lambda: BaseAgent("bare"))
        runtime.start()
        with pytest.raises(NotImplementedError, match="on_message_impl"):
            await runtime.send_message(1, AgentId("bare", "x"))
        await runtime.stop()

    asyncio.run(main())


def test_a_description_is_a_text_and_concurrency_a_number():
    with pytest.raises(UsageError, match="must be a text"):
        Anything(7)
    with pytest.raises(UsageError, match="at least 1"):

        class Idle(RoutedAgent, concurrency=0):
            pass


def test_outside_of_a_runtime_it_has_no_address():
    agent = Anything("x")
    for name in ("id", "runtime", "metadata"):
        with pytest.raises(UsageError, match="lives in no runtime yet"):
            getattr(agent, name)
