"""Code that holds the background loop is named, wherever it is called from."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest

from nbagents import events
from nbagents.agents import AgentBase, scheduler
from nbagents.agents import _watchdog as watchdog_module
from nbagents.memory import TemporaryMemory
from nbagents.message import Msg


class Blocker(AgentBase):
    async def reply(self, x=None):
        time.sleep(x or 1.5)  # noqa: ASYNC251  # this is the mistake
        return "at last"


class Delegating(Blocker):
    """Blocks in a task of its own making."""

    async def reply(self, x=None):
        return await asyncio.create_task(super().reply(x))


class Patient(AgentBase):
    async def reply(self, x=None):
        await asyncio.sleep(1.5)
        return "slept"


class Threaded(AgentBase):
    def reply(self, x=None):
        time.sleep(1.5)
        return "slept"


class SlowMemory(TemporaryMemory):
    def add(self, *args, **kwargs):
        time.sleep(1.5)


class Recorder(AgentBase):
    def __init__(self, name):
        super().__init__(name)
        self.memory = SlowMemory()

    async def reply(self, x=None):
        return "recorded"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    monkeypatch.setattr(watchdog_module, "LIMIT", 0.7)
    heard: list[events.Event] = []
    unsubscribe = events.subscribe(heard.append)
    caplog.set_level(logging.WARNING, "nbagents.agents")
    yield lambda: (
        [e for e in heard if e.kind == "blocked"],
        [r.getMessage() for r in caplog.records if "held the loop" in r.getMessage()],
    )
    unsubscribe()


@pytest.mark.parametrize("cls", [Blocker, Delegating])
def test_the_agent_that_holds_the_loop_is_named_once(told, until, cls: type):
    agent = cls("greedy")
    message = agent()
    until(lambda: told()[0])  # while it still blocks
    assert not message.done()
    assert message.content == "at last"
    [event], [line] = told()
    assert event.agent == "greedy"
    assert event.call
    assert event.data["type"] == cls.__name__
    assert event.data["seconds"] >= 0.7
    assert "time.sleep(x or 1.5)" in event.data["where"]
    assert "test_watchdog.py, line " in event.data["where"]
    assert line.startswith(f"the agent greedy ({cls.__name__}) has held the loop for ")
    assert event.data["where"] in line
    until(lambda: agent.__dict__.get("_blocked", 0) >= 1)


def test_a_memory_that_holds_the_loop_is_its_agents(told, until):
    recorder = Recorder("recorder")
    recorder.observe(Msg("user", "hello")).result(timeout=10)
    [], [line] = told()
    assert line.startswith("the agent recorder (Recorder) has held the loop")
    assert "time.sleep(1.5)" in line


@pytest.mark.parametrize("cls", [Patient, Threaded])
def test_who_waits_as_it_should_is_not_named(told, cls: type):
    assert cls("patient")().content == "slept"
    assert told() == ([], [])


def test_each_time_is_told(told):
    agent = Blocker("again")
    for _ in range(2):
        assert agent().content
    assert [len(found) for found in told()] == [2, 2]


def test_one_thread_watches():
    import threading

    scheduler()
    assert [t.name for t in threading.enumerate()].count("nbagents-watchdog") == 1
