"""`InMemoryMemory`: one memory, read at once or awaited; and agents with such memories."""

from __future__ import annotations

import asyncio

import pytest

from nbagents.agents import AgentBase, DialogAgent, revise
from nbagents.exceptions import UsageError
from nbagents.hub import msghub
from nbagents.memory import InMemoryMemory, MemoryBase, TemporaryMemory
from nbagents.message import Msg
from nbagents.models import ModelResponse, ModelWrapperBase


class Echo(ModelWrapperBase):
    def __call__(self, messages, **generate_args):
        return ModelResponse(text=f"{len(messages)} heard")


class Awaited(MemoryBase):
    """A memory that really waits, as one in a database does."""

    def __init__(self) -> None:
        self.kept: list[Msg] = []

    async def add(self, memories):
        await asyncio.sleep(0)
        self.kept += [memories] if isinstance(memories, Msg) else memories or []

    async def get_memory(self):
        await asyncio.sleep(0)
        return list(self.kept)


def test_it_is_read_by_code_that_awaits():
    async def main():
        memory = InMemoryMemory()
        assert await memory.add([Msg("a", "one"), Msg("b", "two")]) is None
        assert await memory.size() == 2
        messages = await memory.get_memory()
        assert type(messages) is list
        assert await memory.delete(0) is None
        assert [m.content for m in await memory.get_memory(recent_n=1)] == ["two"]
        state = memory.state_dict()
        assert await memory.clear() is None
        assert await memory.size() == 0
        memory.load_state_dict(state)
        return await memory.get_memory()

    assert [m.content for m in asyncio.run(main())] == ["two"]


def test_it_is_read_by_code_that_does_not():
    memory = InMemoryMemory()
    assert not memory.add(Msg("a", "one"))
    assert memory.size() + 1 == 2
    assert [m.content for m in memory.get_memory()] == ["one"]
    assert memory.get_memory() == list(memory)
    memory.delete(0)
    assert not memory.get_memory()


def test_the_same_message_twice_where_that_is_wanted():
    memory, message = InMemoryMemory(), Msg("a", "one")
    memory.add(message)
    memory.add(message)
    assert memory.size() == 1
    memory.add(message, allow_duplicates=True)
    assert memory.size() == 2


@pytest.mark.parametrize("state", [{}, {"content": 5}, {"content": [{"name": "a"}]}, {"content": "text"}])
def test_a_wrong_state_changes_nothing(state):
    memory = InMemoryMemory()
    memory.add(Msg("a", "one"))
    with pytest.raises(UsageError, match="state of a memory"):
        memory.load_state_dict(state)
    memory.load_state_dict({}, strict=False)
    assert memory.size() == 1


@pytest.mark.parametrize("make", [TemporaryMemory, InMemoryMemory, Awaited])
def test_agents_take_either(make):
    agent, other = DialogAgent("poet", None, Echo("echo")), DialogAgent("critic", None, Echo("echo"))
    agent.memory = memory = make()
    with msghub([agent, other], announcement=Msg("host", "Begin.")):
        other("Well?")
        assert agent("Go on.").content == "3 heard"

    async def contents():
        answer = memory.get_memory()
        return [m.content for m in (answer if isinstance(answer, list) else await answer)]

    assert asyncio.run(contents()) == ["Begin.", "2 heard", "Go on.", "3 heard"]


def test_an_agent_of_ones_own_awaits_its_memory():
    class Writer(AgentBase):
        async def reply(self, x=None):
            await self.memory.add(x)
            return f"{len(await self.memory.get_memory())} of {await self.memory.size()}"

    writer = Writer("writer")
    writer.memory = InMemoryMemory()
    assert writer(Msg("user", "hi")).content == "1 of 1"
    (entry,) = revise(writer).content["entries"]
    assert entry["content"] == "hi"
    state = writer.state_dict()
    again = Writer("again")
    again.memory = InMemoryMemory()
    again.load_state_dict(state)
    assert again.memory.get_memory()[0].content == "hi"
