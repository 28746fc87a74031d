"""The main thread is lent while it waits, and an interrupt there ends the calls of the run."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time

import pytest
from plain_agents import AsyncDoes, Does
from plain_agents import SoftGate as Gate

from nbagents import context
from nbagents.agents import scheduler
from nbagents.exceptions import CallCancelledError
from nbagents.message import Msg


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate._opened.set()


# ----------------------------------------------------------------------- the main thread is lent


def on_main_thread(fn):
    return Does("asks", lambda: scheduler().on_main_thread(fn))


def is_main() -> bool:
    return threading.current_thread() is threading.main_thread()


def test_whoever_waits_in_the_main_thread_lends_it():
    assert on_main_thread(is_main)().result(20).content is True


def test_an_async_cell_lends_the_main_thread():
    async def main():
        return (await on_main_thread(is_main)()).content

    assert asyncio.run(main()) is True


def test_the_main_thread_is_lent_while_it_waits_for_something_else(gate):
    asked = on_main_thread(is_main)()
    asked._promise.add_done_callback(gate._opened.set)
    assert gate().result(20).content == "open"
    assert asked.result(0).content is True


def test_what_goes_wrong_in_the_lent_thread_is_the_askers(gate):
    def fail():
        raise EOFError("no more input")

    asked = on_main_thread(fail)()
    asked._promise.add_done_callback(gate._opened.set)
    assert gate().result(20).content == "open"
    with pytest.raises(EOFError, match="no more input"):
        asked.result(0)


def test_an_interrupt_in_the_lent_thread_ends_both(gate):
    def interrupted():
        raise KeyboardInterrupt

    asked = on_main_thread(interrupted)()
    waiting = gate()
    with pytest.raises(KeyboardInterrupt):
        waiting.result(20)
    with pytest.raises(CallCancelledError):
        asked.result(20)
    with pytest.raises(CallCancelledError):
        waiting.result(20)


def test_who_asks_and_is_cancelled_asks_no_more():
    asked = []
    reply = on_main_thread(lambda: asked.append("asked"))()
    jobs = scheduler()._jobs
    limit = time.monotonic() + 10
    while not jobs and time.monotonic() < limit:
        time.sleep(0.005)
    reply.cancel()
    while jobs and time.monotonic() < limit:
        time.sleep(0.005)
    assert Does("other", lambda: "x")().result(20).content == "x"
    assert asked == []


# ----------------------------------------------------------------------------------- interrupts
INTERRUPTED = """
    from nbagents import context
    Slow.seconds = 60
    context.run.set("cell 1")
    calls = [Slow("one")(), Slow("two")()]
    context.run.set("cell 2")
    other = Slow("three")()
    context.run.set("cell 1")
"""


def test_an_interrupt_ends_every_call_of_the_run(script):
    run = script(
        INTERRUPTED
        + """
    ready()
    try:
        calls[1].content
    except KeyboardInterrupt:
        print("interrupted")
    for call in calls:
        try:
            call.result(20)
        except Exception as error:
            print(error)
    print(other.done())
    print(Slow("again")().done())
    scheduler().stop_run("cell 1")
    other.cancel()
    """
    )
    assert run.line() == "ready"
    before = time.monotonic()
    run.interrupt()
    assert [run.line() for _ in range(5)] == [
        "interrupted",
        "the call of one was interrupted",
        "the call of two was interrupted",
        "False",
        "False",
    ]
    assert time.monotonic() - before < 5
    assert run.end() == ("", "")
    assert run.process.returncode == 0


def test_an_interrupt_ends_an_awaited_call(script):
    run = script(
        """
    Slow.seconds = 60
    reply = Slow("one")()
    async def main():
        ready()
        await reply
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        print("interrupted")
    try:
        reply.result(20)
    except Exception as error:
        print(error)
    """
    )
    assert run.line() == "ready"
    before = time.monotonic()
    run.interrupt()
    assert [run.line(), run.line()] == ["interrupted", "the call of one was cancelled"]
    assert time.monotonic() - before < 5
    assert run.end() == ("", "")


def test_an_interrupt_gets_in_while_data_is_waited_for(script):
    run = script(
        """
    Slow.seconds = 60
    agent = Slow("one")
    reply = agent()
    agent.mood = "good" if reply.done() else "patient"
    ready()
    try:
        agent.mood
    except KeyboardInterrupt:
        print("interrupted", reply.done())
    reply.cancel()
    print(agent.mood)
    """
    )
    assert run.line() == "ready"
    run.interrupt()
    assert [run.line(), run.line()] == ["interrupted False", "patient"]
    assert run.end() == ("", "")


def test_a_run_is_stopped_with_the_calls_that_were_just_made(gate):
    def cell() -> list:
        context.run.set("the run")
        replies = [gate(Msg("user", number)) for number in range(3)]
        assert scheduler().stop_run("the run", "stopped by you") == 3
        return replies

    for _ in range(20):
        for reply in contextvars.copy_context().run(cell):
            with pytest.raises(CallCancelledError, match="gate was stopped by you"):
                reply.result(20)
    assert scheduler().stop_run("the run") == 0


def test_a_stop_does_not_wait_for_code_that_blocks_the_loop(gate):
    blocking, let_go = threading.Event(), threading.Event()

    async def block():
        blocking.set()
        assert let_go.wait(20)

    token = context.run.set("the run")
    reply, _ = gate(), AsyncDoes("blocks", block)()
    context.run.reset(token)
    assert blocking.wait(10)
    assert scheduler().stop_run("the run") == 0
    let_go.set()
    with pytest.raises(CallCancelledError):
        reply.result(20)
