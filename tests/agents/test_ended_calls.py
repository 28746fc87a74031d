"""Calls that end early: cancelled, or past their deadline."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref

import pytest
from plain_agents import Sleeps, Works

from nbagents import context
from nbagents.agents import AgentBase, scheduler
from nbagents.exceptions import CallCancelledError, CallTimeoutError
from nbagents.message import Msg


class Echo(AgentBase):
    async def reply(self, x=None):
        return x if x is None or isinstance(x, Msg) else f"{self.name}<{x}>"


def late(seconds: float):
    """Sets the deadline of the calls made here."""
    return context.deadline.set(time.monotonic() + seconds)


# ---------------------------------------------------------------------------------- cancelling


def test_a_cancelled_call_ends_at_once_with_the_calls_that_it_made():
    inner = Sleeps("inner")

    async def ask():
        return await inner()

    outer = Sleeps("outer", ask)
    reply = outer()
    assert inner._begun.wait(10)
    reply.cancel("stopped by you")
    with pytest.raises(CallCancelledError, match="the call of outer was stopped by you"):
        reply.result(10)
    assert inner._cancelled.wait(10)
    assert outer._cancelled.wait(10)


@pytest.mark.parametrize("end", ["cancel", "deadline"])
def test_a_call_that_ends_early_ends_the_calls_that_it_does_not_wait_for(end):
    inner, kept = Sleeps("inner"), []

    async def forget():
        kept.append(inner())
        await asyncio.sleep(60)

    token = late(0.1 if end == "deadline" else 60)
    reply = Sleeps("outer", forget)()
    context.deadline.reset(token)
    assert inner._begun.wait(10)
    if end == "cancel":
        reply.cancel()
    with pytest.raises((CallCancelledError, CallTimeoutError)):
        kept[0].result(20)
    assert inner._cancelled.wait(10)


def test_a_call_that_was_not_cancelled_leaves_its_calls_alone(until):
    inner, kept = Works("inner"), []

    async def forget():
        kept.append(inner())
        return "said"

    assert Sleeps("outer", forget)().content == "said"
    inner._let_go.set()
    assert kept[0].result(20).content == "done"


@pytest.mark.parametrize("round_", range(5))
def test_an_agent_that_is_cancelled_before_it_begins_stays_usable(round_):
    agent = Echo("echo")
    for _ in range(20):
        agent(1).cancel()
    assert agent(2).result(20).content == "echo<2>"


def test_a_queued_call_is_cancelled_without_harm_to_the_others():
    works = Works()
    first, second, third = works(), works(), works()
    second.cancel()
    with pytest.raises(CallCancelledError):
        second.result(10)
    assert not first.done()
    works._let_go.set()
    assert [first.content, third.content] == ["done", "done"]


def test_a_blocking_body_is_waited_for_though_its_call_is_over():
    works = Works()
    first = works()
    assert works._begun.wait(10)
    first.cancel()
    with pytest.raises(CallCancelledError):
        first.result(10)
    second = works()
    with pytest.raises(TimeoutError):
        second.result(0.05)  # one body at a time, come what may
    works._let_go.set()
    assert second.result(20).content == "done"


def test_a_body_that_swallows_its_cancellation_has_no_say(until):
    over = threading.Event()

    async def stubborn():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            over.set()
            return "late answer"

    agent = Sleeps("stubborn", stubborn)
    reply = agent()
    assert agent._begun.wait(10)
    reply.cancel()
    assert over.wait(10)
    with pytest.raises(CallCancelledError):
        reply.result(10)


def test_a_finished_call_cannot_be_cancelled():
    reply = Echo("echo")(1)
    assert reply.content == "echo<1>"
    reply.cancel()
    Echo("later")().result()
    assert reply.content == "echo<1>"


# ----------------------------------------------------------------------------------- deadlines


@pytest.mark.parametrize("kind", [Sleeps, Works])
def test_a_call_ends_at_its_deadline(kind):
    agent = kind("late")
    token = late(0.1)
    reply = agent()
    context.deadline.reset(token)
    with pytest.raises(CallTimeoutError, match="the deadline of the call of late passed"):
        reply.result(20)
    with pytest.raises(TimeoutError):  # a kind of it
        reply.result()
    if kind is Works:
        agent._let_go.set()


def test_a_deadline_counts_while_the_call_is_queued():
    works = Works()
    works()
    token = late(0.1)
    reply = works()
    context.deadline.reset(token)
    with pytest.raises(CallTimeoutError):
        reply.result(20)
    works._let_go.set()


def test_a_calls_calls_end_with_it(capsys):
    inner, kept = Sleeps("inner"), []

    async def ask():
        late(60)  # no later than its caller's
        kept.append(inner())
        return await kept[-1]

    for _ in range(10):
        token = late(0.05)
        reply = Sleeps("outer", ask)()
        context.deadline.reset(token)
        with pytest.raises(CallTimeoutError):
            reply.result(20)
        assert inner._cancelled.wait(10)
        assert kept[-1]._promise.deadline <= reply._promise.deadline
    kept.clear()
    del reply
    gc.collect()
    scheduler().report()
    assert capsys.readouterr().err == "", "who was late is told once"


def test_a_call_in_time_is_not_ended():
    token = late(1)
    reply, slow = Echo("echo")(1), Sleeps("slow")()
    context.deadline.reset(token)
    with pytest.raises(CallTimeoutError):  # when the deadline of both has passed
        slow.result(20)
    assert reply.result(20).content == "echo<1>"


def test_a_call_in_time_is_not_kept_until_its_deadline(until):
    token = late(300)
    reply = Echo("echo")(1)
    context.deadline.reset(token)
    assert reply.content == "echo<1>"
    kept = weakref.ref(reply._promise)
    del reply
    until(lambda: gc.collect() is not None and kept() is None)
