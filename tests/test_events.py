"""Events: who hears what, and that listening harms nobody."""

from __future__ import annotations

import asyncio
import time

import pytest

from nbagents import context, events
from nbagents.agents import AgentBase
from nbagents.exceptions import CallCancelledError
from nbagents.hub import msghub
from nbagents.message import Msg


@pytest.fixture
def heard():
    found: list[events.Event] = []
    unsubscribe = events.subscribe(found.append)
    yield found
    unsubscribe()


class Poet(AgentBase):
    async def reply(self, x=None):
        events.emit("delta", text="grey")
        await asyncio.sleep(0)
        return "grey beads"


class Blocking(AgentBase):
    def reply(self, x=None):
        events.emit("delta", text="beads")
        return "grey beads"


def test_nobody_listens_unless_asked():
    before = events.active()
    events.emit("delta", text="lost")
    unsubscribe = events.subscribe(lambda event: None)
    assert events.active()
    unsubscribe()
    unsubscribe()
    assert events.active() is before


def test_an_event_outside_a_call_names_the_run(heard):
    token = context.run.set("cell 1")
    events.emit("printed", text="x")
    context.run.reset(token)
    assert [(e.kind, e.call, e.agent, e.run, dict(e.data)) for e in heard] == [
        ("printed", "", "", "cell 1", {"text": "x"})
    ]


@pytest.mark.parametrize("kind", [Poet, Blocking])
def test_the_life_of_a_call_is_told_in_order(heard, kind):
    token = context.run.set("cell 1")
    reply = kind("poet")(Msg("user", "hi"))
    context.run.reset(token)
    reply.result(20)
    assert [event.kind for event in heard] == ["queued", "started", "delta", "done"]
    assert {(event.call, event.agent, event.run, event.parent) for event in heard} == {
        (reply._promise.id, "poet", "cell 1", "")
    }
    assert heard[0].data["method"] == "_reply"
    assert heard[-1].data["message"] is reply.result()
    assert [event.at for event in heard] == sorted(event.at for event in heard)
    assert all(event.source is reply._promise for event in heard)


def test_a_call_says_whose_replies_it_takes_and_who_made_it(heard):
    poet = Poet("poet")

    class Editor(AgentBase):
        async def reply(self, x=None):
            return await poet()

    first = poet()
    second = Editor("editor")([first, {"again": first}])
    second.result(20)
    queued = [event for event in heard if event.kind == "queued"]
    assert [event.agent for event in queued] == ["poet", "editor", "poet"]
    assert set(queued[1].data["waits_for"]) == {first._promise.id}
    assert queued[2].parent == second._promise.id


def test_a_failure_and_a_cancellation_are_told(heard):
    class Fails(AgentBase):
        async def reply(self, x=None):
            if x is None:
                await asyncio.sleep(60)
            raise KeyError("broken")

    fails = Fails("fails")
    with pytest.raises(KeyError):
        fails("now").result(20)
    reply = fails()
    reply.cancel()
    with pytest.raises(CallCancelledError):
        reply.result(20)
    told = [event.data["error"] for event in heard if event.kind == "failed"]
    assert [type(error) for error in told] == [KeyError, CallCancelledError]


def test_what_is_only_observed_is_not_told(heard):
    poet, listens = Poet("poet"), AgentBase("listens")
    with msghub([poet, listens], announcement=Msg("host", "hi")):
        poet()
    assert listens.memory.size() == 2
    assert {event.agent for event in heard} == {"poet"}


def test_a_spoken_message_is_told_and_printed_once(heard, capsys):
    class Speaks(AgentBase):
        async def reply(self, x=None):
            self.speak("hello")
            self.speak((last, text) for last, text in [(False, "one"), (True, "one two")])
            with pytest.raises(TypeError, match="speak"):
                self.speak(5)

    assert Speaks("a")().content is None
    assert [e.data["message"].content for e in heard if e.kind == "spoke"] == ["hello", "one two"]
    assert [e.data["text"] for e in heard if e.kind == "delta"] == ["one", " two"]
    assert capsys.readouterr().out == "a: hello\na: one two\n"
    token = context.card.set(True)
    Speaks("b")().result(20)
    context.card.reset(token)
    assert capsys.readouterr().out == "", "the card shows it"


def test_a_listener_that_fails_harms_nobody(heard, caplog):
    def fail(event):
        raise ValueError("deaf")

    unsubscribe = events.subscribe(fail)
    try:
        assert Poet("poet")().result(20).content == "grey beads"
        limit = time.monotonic() + 20
        while "a listener failed on done" not in caplog.text:  # the loop may still be telling
            assert time.monotonic() < limit, caplog.text
            time.sleep(0.01)
    finally:
        unsubscribe()
    assert [event.kind for event in heard] == ["queued", "started", "delta", "done"]
