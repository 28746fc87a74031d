"""What goes wrong: raised where it is read, never lost, reported once; calls that are cancelled or late."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
import traceback

import pytest

from nbagents import context
from nbagents.agents import AgentBase, scheduler
from nbagents.exceptions import CallCancelledError, CallTimeoutError
from nbagents.hub import msghub
from nbagents.message import Msg


class Echo(AgentBase):
    async def reply(self, x=None):
        return x if x is None or isinstance(x, Msg) else f"{self.name}<{x}>"


class Fails(AgentBase):
    runs = 0

    async def reply(self, x=None):
        self.runs += 1
        raise KeyError(f"{self.name} is broken")


class FailsOnThread(Fails):
    def reply(self, x=None):
        raise KeyError(f"{self.name} is broken")


class Sleeps(AgentBase):
    """Sleeps until it is cancelled, and says so."""

    def __init__(self, name: str = "sleeps", then=None) -> None:
        super().__init__(name)
        self._begun, self._cancelled, self._then = threading.Event(), threading.Event(), then

    async def reply(self, x=None):
        self._begun.set()
        try:
            if self._then is not None:
                return await self._then()
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self._cancelled.set()
            raise


class Works(AgentBase):
    """A blocking agent that nothing can stop."""

    def __init__(self, name: str = "works") -> None:
        super().__init__(name)
        self._begun, self._let_go = threading.Event(), threading.Event()

    def reply(self, x=None):
        self._begun.set()
        assert self._let_go.wait(20)
        return "done"


failing = pytest.mark.parametrize("kind", [Fails, FailsOnThread])


def broken(name: str) -> str:
    return f"nbagents: the failure of {name} was never read: KeyError: '{name} is broken'\n"


def late(seconds: float):
    """Sets the deadline of the calls made here."""
    return context.deadline.set(time.monotonic() + seconds)


# --------------------------------------------------------------------------------------- raised


@failing
def test_a_failure_is_raised_where_its_message_is_read(kind):
    reply = kind("a")()
    for read in (
        lambda: reply.content,
        reply.result,
        lambda: asyncio.run(awaited(reply)),
        lambda: reply["name"],
    ):
        with pytest.raises(KeyError, match="a is broken") as caught:
            read()
        where = [frame.name for frame in traceback.extract_tb(caught.tb)]
        assert where.count("reply") == 1, "the traceback shows the agent's own code, and does not grow"
    assert reply.done()
    assert repr(reply) == "<failed: KeyError('a is broken')>"


async def awaited(message):
    return await message


def test_an_agent_that_has_failed_takes_the_next_call():
    class Once(AgentBase):
        n = 0

        async def reply(self, x=None):
            self.n += 1
            return 1 / (self.n - 1)

    once = Once("once")
    first, second = once(), once()
    assert second.content == 1
    with pytest.raises(ZeroDivisionError):
        first.result()


def test_a_call_with_wrong_arguments_fails_alone():
    echo = Echo("echo")
    reply = echo(1, 2, 3)
    with pytest.raises(TypeError, match="positional argument"):
        reply.result(20)
    assert echo(1).content == "echo<1>"


def test_arguments_that_cannot_be_put_together_fail_the_call_alone():
    class Pair(list):
        def __init__(self, left, right):
            super().__init__([left, right])

    echo = Echo("echo")
    reply = echo(Pair(echo(1), 2))
    with pytest.raises(TypeError, match="right"):
        reply.result(20)
    assert echo(1).content == "echo<1>"


def test_a_reply_that_exits_fails_alone(caplog):
    class Exits(AgentBase):
        async def reply(self, x=None):
            if x == "task":
                leaving = asyncio.create_task(self.leave())
                await asyncio.sleep(0.01)
                return str(leaving.exception())
            sys.exit(3)

        async def leave(self):
            sys.exit(4)

    exits = Exits("exits")
    with pytest.raises(SystemExit) as caught:
        exits().result(20)
    assert caught.value.code == 3
    assert exits("task").result(20).content == "4"
    assert "tried to end the program" in caplog.text


def test_a_reply_that_cannot_be_a_message_fails_alone():
    class Says(AgentBase):
        async def reply(self, x=None):
            return x

    says = Says("says")
    given = object()  # the warning that JSON cannot hold it is an error here
    with pytest.raises(UserWarning, match="cannot be written as JSON"):
        says(given).result(20)
    assert says("text").content == "text"


# ------------------------------------------------------------------------------------ carried on


@failing
def test_a_call_whose_argument_failed_fails_with_the_same_error_unrun(kind, capsys):
    never = Fails("never")
    reply = never({"deep": [kind("a")()]})
    with pytest.raises(KeyError, match="a is broken"):
        reply.result(20)
    assert never.runs == 0
    del reply
    gc.collect()
    assert capsys.readouterr().err == ""


def test_thousands_may_depend_on_a_failure():
    works = Works()
    reply = Fails("a")(works())
    for number in range(3000):
        reply = Echo(f"echo {number}")(reply)
    works._let_go.set()
    with pytest.raises(KeyError, match="a is broken"):
        reply.result(50)


def test_the_hub_goes_on_without_the_message_that_failed(capsys):
    fails, speaks, listens = Fails("fails"), Echo("speaks"), Echo("listens")
    with msghub([fails, speaks, listens]):
        fails()
        speaks(Msg("user", "go"))
    assert [m.content for m in listens.memory] == ["go"]
    gc.collect()
    scheduler().report()
    assert capsys.readouterr().err == broken("fails")


def test_an_own_observe_that_fails_is_reported(capsys):
    class Deaf(Echo):
        def observe(self, x):
            raise KeyError("deaf is broken")

    deaf, listens = Deaf("deaf"), Echo("listens")
    with msghub([deaf, listens], announcement=Msg("host", "hi")):
        pass
    assert deaf(Msg("user", "still here")).content == "still here"
    assert [m.content for m in listens.memory] == ["hi"]
    gc.collect()
    scheduler().report()
    assert capsys.readouterr().err == broken("deaf").replace("of deaf", "of deaf to observe")


def test_what_a_memory_refuses_is_reported(capsys):
    echo = Echo("echo")
    echo.observe("no message")
    assert echo.memory.size() == 0
    gc.collect()
    scheduler().report()
    assert "the failure of echo to observe was never read: UsageError: Cannot add <class 'str'>" in (
        capsys.readouterr().err
    )


# ---------------------------------------------------------------------------------- never lost


@failing
def test_a_failure_that_nobody_reads_is_reported_when_its_message_is_gone(kind, capsys, until):
    agent = kind("a")
    reply = agent()
    until(reply.done)
    assert capsys.readouterr().err == ""
    del reply
    gc.collect()
    assert capsys.readouterr().err == broken("a")
    scheduler().report()
    assert capsys.readouterr().err == ""


def test_a_failure_whose_message_is_kept_is_reported_once_by_the_sweep(capsys):
    kept = [Fails("a")(), Fails("b")()]
    Echo("later")().result()
    scheduler().report()
    assert sorted(capsys.readouterr().err.splitlines(keepends=True)) == [broken("a"), broken("b")]
    scheduler().report()
    kept.clear()
    gc.collect()
    assert capsys.readouterr().err == ""


def test_a_failure_that_was_read_is_not_reported(capsys):
    for read in (lambda reply: reply.result(20), lambda reply: asyncio.run(awaited(reply))):
        with pytest.raises(KeyError):
            read(Fails("a")())
    gc.collect()
    scheduler().report()
    assert capsys.readouterr().err == ""


def test_a_read_that_gave_up_is_none(capsys, until):
    works, fails = Works(), Fails("a")
    reply = fails(works())
    with pytest.raises(TimeoutError):
        reply.result(0.01)
    works._let_go.set()
    until(reply.done)
    assert (repr(reply), bool(reply)) == ("<failed: KeyError('a is broken')>", True)
    scheduler().report()
    assert capsys.readouterr().err == broken("a")


def test_a_cancelled_call_is_not_reported(capsys):
    agent = Sleeps()
    reply = agent()
    dependent = Echo("echo")(reply)
    reply.cancel()
    with pytest.raises(CallCancelledError):
        dependent.result(20)
    agent().cancel()
    del reply, dependent
    gc.collect()
    scheduler().report()
    assert capsys.readouterr().err == ""


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
    token = late(30)
    reply = Echo("echo")(1)
    context.deadline.reset(token)
    assert reply.content == "echo<1>"
    assert reply._promise.timer.cancelled()
