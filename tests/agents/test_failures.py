"""What goes wrong: raised where it is read, never lost, reported once; calls that are cancelled or late."""

from __future__ import annotations

import asyncio
import gc
import sys
import traceback

import pytest
from plain_agents import Sleeps, Works, awaited

from nbagents.agents import AgentBase, scheduler
from nbagents.exceptions import CallCancelledError
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


failing = pytest.mark.parametrize("kind", [Fails, FailsOnThread])


def broken(name: str) -> str:
    return f"nbagents: the failure of {name} was never read: KeyError: '{name} is broken'\n"


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
