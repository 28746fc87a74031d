"""Calls: order, overlap, arguments, replies, and agents that call back who calls them."""

from __future__ import annotations

import asyncio
import collections
import contextvars
import functools
import gc
import threading
import weakref

import pytest
from plain_agents import AsyncDoes, BlockingEcho, Does, Echo, Gate, awaited

from nbagents.agents import AgentBase
from nbagents.hub import msghub
from nbagents.message import Msg, PlaceholderMessage

# ------------------------------------------------------------------------------------- overlap


def test_a_call_returns_before_its_agent_has_answered():
    gate = Gate()
    reply = gate("hi")
    assert isinstance(reply, PlaceholderMessage)
    assert not reply.done()
    gate.open()
    assert reply.content == "hi"
    assert reply.done()


def test_a_chain_is_called_without_reading_in_between():
    gate, first, second = Gate(), Echo("first"), BlockingEcho("second")
    reply = second(first(gate(Msg("user", "hi"))))
    assert not reply.done()
    gate.open()
    assert reply.content == "second<first<hi>>"


def test_agents_work_at_the_same_time():
    meeting, table = asyncio.Barrier(8), threading.Barrier(8)

    class Meets(AgentBase):
        async def reply(self, x=None):
            await asyncio.wait_for(meeting.wait(), 20)
            return "met"

    class Sits(AgentBase):
        def reply(self, x=None):
            table.wait(20)
            return "met"

    replies = [kind(str(number))() for kind in (Meets, Sits) for number in range(8)]
    assert [reply.content for reply in replies] == ["met"] * 16


def test_one_agent_answers_one_message_at_a_time_in_order():
    class Careful(AgentBase):
        inside = 0

        def reply(self, x=None):
            self.inside += 1
            seen = (x, self.inside)
            self.inside -= 1
            return list(seen)

    careful = Careful("careful")
    replies = [careful(number) for number in range(50)]
    assert [reply.content for reply in replies] == [[number, 1] for number in range(50)]


def test_an_agent_runs_in_its_callers_context():
    language = contextvars.ContextVar("language", default="en")
    agents = Does("a", lambda: language.get()), AsyncDoes("b", lambda: asyncio.sleep(0, language.get()))
    language.set("eo")
    assert [agent().content for agent in agents] == ["eo", "eo"]


def test_a_nested_call_goes_ahead_of_what_blocking_code_would_do_later():
    heard, called, asked = [], threading.Event(), threading.Event()
    gate = Gate()
    inner = Does("inner", lambda x: heard.append(x.content))

    def ask():
        assert called.wait(10)
        reply = inner(Msg("outer", "nested"))
        asked.set()
        return reply.result().content

    inner(gate(Msg("user", "first")))
    Does("outer", ask)()
    later = inner(Msg("user", "later"))
    called.set()
    assert asked.wait(10)
    gate.open()
    assert later.result(10)
    assert heard == ["first", "nested", "later"]


def test_a_nested_call_is_ordered_from_the_moment_it_is_made():
    """Where the order matters beyond that, the message is read first."""
    gate, heard = Gate(), []
    inner = Does("inner", lambda x: heard.append(x.content))
    outer = Does("outer", lambda: (gate("go").content, inner(Msg("outer", "nested")).content))
    reply = outer()
    assert inner(Msg("user", "later")).content is None
    gate.open()
    assert reply.result(10)
    assert heard == ["later", "nested"]


# ----------------------------------------------------------------------------------- arguments


def test_messages_in_arguments_have_arrived_when_the_agent_gets_them():
    Pair = collections.namedtuple("Pair", "left right")
    gate = Gate()
    message = Msg("user", "hi")
    seen = []
    look = Does("look", lambda *args, **kwargs: seen.append((args, kwargs)))
    late = gate(message)
    reply = look(late, [late, 1], (late,), {"deep": [{"er": late}]}, Pair(late, 2), key=late)
    gate.open()
    assert reply.content is None
    assert seen == [
        ((message, [message, 1], (message,), {"deep": [{"er": message}]}, Pair(message, 2)), {"key": message})
    ]
    (single, listed, _, deep, pair), keys = seen[0]
    resolved = [single, listed[0], deep["deep"][0]["er"], pair.left, keys["key"]]
    assert [type(found) for found in resolved] == [Msg] * 5


def test_containers_are_copied_when_the_call_is_made_and_messages_are_shared():
    gate, message = Gate(), Msg("user", "hi")
    given, inner = [message], {"key": [1]}
    seen = []
    reply = Does("look", lambda *args: seen.append(args))(gate("wait"), given, inner)
    given.clear()
    inner["key"].append(2)
    gate.open()
    assert reply.content is None
    assert seen[0][1] == [message]
    assert seen[0][1][0] is message
    assert seen[0][2] == {"key": [1]}


def test_a_message_does_not_keep_the_conversation_before_it():
    echo = Echo("echo")
    reply = echo(Msg("user", "hi"))
    first = weakref.ref(reply._promise)
    for _ in range(3):
        reply = echo(reply)
    assert reply.content == "echo<echo<echo<echo<hi>>>>"
    echo().result()  # the turn before is over, too
    gc.collect()
    assert first() is None


# ------------------------------------------------------------------------------------- replies


def test_the_message_is_the_very_object_that_the_agent_returned():
    said = Msg("a", "x")
    reply = Does("a", lambda: said)()
    assert reply.result() is said
    assert asyncio.run(awaited(reply)) is said


@pytest.mark.parametrize("value", ["text", None, 3, {"a": 1}, [1, "b"], []])
def test_what_is_no_message_is_wrapped_in_one(value):
    reply = Does("poet", lambda: value)().result()
    assert type(reply) is Msg
    assert (reply.name, reply.content, reply.role) == ("poet", value, "assistant")


@pytest.mark.parametrize("kind", [Does, AsyncDoes])
def test_a_reply_may_return_messages_that_have_not_arrived(kind):
    gate = Gate()

    def answer(value):
        return value if kind is Does else asyncio.sleep(0, value)

    single = kind("single", lambda: answer(gate(Msg("a", "one"))))()
    several = kind("several", lambda: answer([gate(Msg("a", "two")), Msg("b", "three")]))
    listener = Echo("listener")
    with msghub([several, listener]):
        replies = several()
    gate.open()
    assert single.result().content == "one"
    assert type(single.result()) is Msg
    assert [(type(m), m.content) for m in replies.result()] == [(Msg, "two"), (Msg, "three")]
    assert [m.content for m in listener.memory] == ["two", "three"]


def test_an_async_reply_may_hide_behind_a_decorator():
    def plain(reply):
        @functools.wraps(reply)
        def wrapper(self, *args):
            return reply(self, *args)

        return wrapper

    class Decorated(AgentBase):
        @plain
        async def reply(self, x=None):
            await asyncio.sleep(0)
            return "hidden"

    assert [Decorated("d")().content for _ in range(20)] == ["hidden"] * 20


def test_an_agent_without_reply_says_so():
    with pytest.raises(ValueError, match=r'Agent \[Mute\] is missing the required "reply" function'):
        _ = type("Mute", (AgentBase,), {})("m")().content


# ------------------------------------------------------------------------------------- threads


def test_an_idle_agent_has_no_mailbox():
    agent = Echo("idle")
    assert "_box" not in vars(agent)
    assert agent(1).content == "idle<1>"
    assert "_box" in vars(agent)


def test_keywords_may_have_any_name():
    seen = []
    look = AsyncDoes("look", lambda *args, **kwargs: asyncio.sleep(0, seen.append(kwargs)))
    assert look(call=1, fn=2, args=3, kwargs=4).result(20).content is None
    assert seen == [{"call": 1, "fn": 2, "args": 3, "kwargs": 4}]
