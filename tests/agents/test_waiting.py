"""Waiting for calls: on the loop, on other loops, on threads, in the main thread; interrupts."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time

import pytest
from plain_agents import AsyncDoes, Does
from plain_agents import SoftGate as Gate

from nbagents.agents import scheduler
from nbagents.exceptions import CallCancelledError, WouldBlockLoopError


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate._opened.set()


# --------------------------------------------------------------------------------- with a limit


def test_a_wait_that_is_given_up_leaves_the_call_running(gate):
    reply = gate()
    before = time.monotonic()
    with pytest.raises(TimeoutError, match=r"gate did not answer within 0\.05 s; it goes on"):
        reply.result(0.05)
    assert time.monotonic() - before < 5
    assert not reply.done()
    gate._opened.set()
    assert reply.result(20).content == "open"


def test_a_body_that_gives_up_waiting_goes_on(gate, until):
    def body():
        try:
            gate().result(0.05)
        except TimeoutError:
            return "went on"

    assert Does("impatient", body)().result(20).content == "went on"
    until(lambda: scheduler().threads.busy == 0)


def test_a_wait_of_no_time_looks_once(gate):
    reply = gate()
    with pytest.raises(TimeoutError):
        reply.result(0)
    gate._opened.set()
    assert reply.result(20).content == "open"
    assert reply.result(0).content == "open"


# --------------------------------------------------------------------------------- on the loop


def test_reading_on_the_loop_says_to_await(gate):
    async def body():
        message = gate()
        assert not message.done()
        assert bool(message)
        assert message == message
        assert message != gate()
        assert hash(message) == hash(message)
        assert repr(message) == "<waiting for gate>"
        return message.content

    with pytest.raises(WouldBlockLoopError, match=r"gate.*`await message`"):
        _ = AsyncDoes("reads", body)().content


def test_a_message_that_has_arrived_is_read_on_the_loop(gate):
    gate._opened.set()

    async def body():
        message = gate()
        await message
        return message.content

    assert AsyncDoes("reads", body)().content == "open"


# ------------------------------------------------------------------------------- on other loops


def test_a_message_is_awaited_on_any_loop(gate):
    async def main():
        replies = [gate(), Does("a", lambda: "a")(), AsyncDoes("b", lambda: asyncio.sleep(0, "b"))()]
        gate._opened.set()
        return [message.content for message in await asyncio.gather(*replies)]

    assert asyncio.run(main()) == ["open", "a", "b"]


def test_the_loop_that_waits_goes_on_turning(gate):
    turns = 0

    async def turn():
        nonlocal turns
        while turns < 20:
            turns += 1
            await asyncio.sleep(0)
        gate._opened.set()

    async def main():
        turning = asyncio.create_task(turn())
        await gate()
        await turning

    asyncio.run(main())
    assert turns == 20


def test_a_wait_that_is_cancelled_cancels_the_call(gate):
    async def main():
        reply = gate()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reply, 0.05)
        return reply

    reply = asyncio.run(main())
    with pytest.raises(CallCancelledError, match="gate"):
        reply.result(20)
    assert gate._cancelled.wait(10)


def test_a_shielded_call_goes_on(gate):
    async def main():
        reply = gate()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(reply), 0.05)
        assert not reply.done()
        gate._opened.set()
        return (await reply).content

    assert asyncio.run(main()) == "open"


def test_a_cancelled_agent_cancels_what_it_awaits(gate):
    async def body():
        return await gate()

    reply = AsyncDoes("outer", body)()
    assert gate._begun.wait(10)
    reply.cancel()
    with pytest.raises(CallCancelledError, match="outer"):
        reply.result(20)
    assert gate._cancelled.wait(10)


def test_a_blocking_reply_may_run_a_loop_of_its_own():
    inner = AsyncDoes("inner", lambda: asyncio.sleep(0.01, "in"))

    def body():
        async def main():
            return [message.content for message in await asyncio.gather(inner(), inner())]

        return asyncio.run(main())

    assert Does("outer", body)().result(20).content == ["in", "in"]


def test_an_async_reply_may_wait_on_a_thread():
    inner = AsyncDoes("inner", lambda: asyncio.sleep(0.01, "in"))

    async def body():
        return await asyncio.to_thread(lambda: inner().content)

    assert AsyncDoes("outer", body)().result(20).content == "in"


def test_a_loop_that_is_gone_is_not_missed(gate, capfd):
    async def main():
        waiting = asyncio.ensure_future(awaited(asyncio.shield(gate())))
        await asyncio.sleep(0.01)
        assert not waiting.done()

    async def awaited(message):
        return await message

    asyncio.run(main())
    gate._opened.set()
    assert gate().result(20).content == "open"
    assert capfd.readouterr().err == ""


# ----------------------------------------------------------------------------------- on threads


def test_a_thread_that_outlives_its_agents_turn_goes_on_waiting(gate):
    seen = []

    def body():
        reply = gate()
        inside = contextvars.copy_context()
        thread = threading.Thread(target=inside.run, args=(lambda: seen.append(reply.result(20).content),))
        thread.start()
        return thread

    with pytest.warns(UserWarning, match="cannot be written as JSON"):
        thread = Does("leaves a thread", body)().result(20).content
    time.sleep(0.3)  # more than a tick
    gate._opened.set()
    thread.join(20)
    assert seen == ["open"]


@pytest.mark.parametrize("how", ["wait for its own", "wait for another's", "call"])
def test_a_thread_that_was_cancelled_is_told_at_its_next_wait_or_call(gate, how):
    waits, cancelled, told = threading.Event(), threading.Event(), []

    def body():
        waits.set()
        try:
            if how == "wait for its own":
                gate().result()
            elif how == "wait for another's":
                another.result()
            else:
                assert cancelled.wait(10)
                gate()
        except CallCancelledError as error:
            told.append(str(error))
            raise

    agent, another = Does("worker", body), gate()
    reply = agent()
    assert waits.wait(10)
    reply.cancel("stopped by you")
    with pytest.raises(CallCancelledError, match="worker was stopped by you"):
        reply.result(10)
    cancelled.set()
    assert agent.body is body  # its thread is over
    assert told == ["the call of worker was stopped by you"]
