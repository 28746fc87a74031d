"""One description of what a cell does, run either way, and interrupted either way."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from nbagents.agents import AgentBase, scheduler
from nbagents.exceptions import CallCancelledError
from nbagents.magics._pace import apart, arrival, blocking, ended, in_ticks, promised
from nbagents.message import Msg, PlaceholderMessage


class Quick(AgentBase):
    async def reply(self, x=None):
        return Msg(self.name, "done")


class Endless(AgentBase):
    async def reply(self, x=None):
        await asyncio.Event().wait()


class Broken(AgentBase):
    async def reply(self, x=None):
        raise ValueError("nothing works")


async def _work(message: PlaceholderMessage) -> str:
    await arrival(message)
    where = await apart(lambda: threading.current_thread() is threading.main_thread())
    return f"{message.content} {where}"


def test_it_blocks_where_no_loop_runs_and_then_stays_on_its_thread():
    assert blocking(_work(Quick("q")())) == "done True"


def test_it_waits_on_a_loop_and_leaves_the_thread_for_what_blocks():
    assert asyncio.run(in_ticks(_work(Quick("q")()))) == "done False"


def test_a_failure_is_not_raised_by_waiting():
    message = Broken("b")()

    async def work() -> bool:
        await arrival(message)
        return message.done()

    assert blocking(work()) is True
    assert asyncio.run(in_ticks(work())) is True


def test_waiting_for_a_call_does_not_take_its_failure_as_read():
    message = Broken("b")()
    call = message._promise

    async def work() -> bool:
        await ended(call)
        return bool(call.read)

    assert asyncio.run(in_ticks(work())) is False
    assert blocking(work()) is False
    with pytest.raises(ValueError, match="nothing works"):
        message.result()


def test_cancelling_gets_in_at_once_and_reaches_the_work():
    message = Endless("e")()
    seen: list[str] = []

    async def work() -> None:
        try:
            await arrival(message)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def main() -> float:
        task = asyncio.ensure_future(in_ticks(work()))
        await asyncio.sleep(0.05)
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - began

    assert asyncio.run(main()) < 0.5
    assert seen == ["cancelled"]
    with pytest.raises(CallCancelledError):
        message.result()


def test_cancelling_does_not_wait_for_what_blocks_apart():
    release = threading.Event()

    async def work() -> None:
        await apart(lambda: release.wait(10))

    async def main() -> float:
        task = asyncio.ensure_future(in_ticks(work()))
        await asyncio.sleep(0.05)
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        took = time.monotonic() - began
        release.set()
        return took

    assert asyncio.run(main()) < 0.5


def test_what_a_pause_raises_is_raised_in_the_work():
    async def work() -> str:
        try:
            await apart(lambda: 1 / 0)
        except ZeroDivisionError:
            return "caught"
        return "not reached"

    assert blocking(work()) == "caught"
    assert asyncio.run(in_ticks(work())) == "caught"


def test_the_messages_within_a_value():
    first, second = Quick("a")(), Quick("b")()
    value = [first, (second, "text"), Msg("c", "there")]
    assert list(promised(value)) == [first, second]
    assert list(promised("text")) == []
    scheduler().report()
