"""`stream_printing_messages` over agents that live in servers."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from remote_agents import Failing, Talker

from nbagents.agents import AgentBase
from nbagents.exceptions import RemoteAgentError
from nbagents.message import Msg
from nbagents.pipelines import stream_printing_messages


async def read(stream):
    return [(message, last) async for message, last in stream]


def test_what_an_agent_in_a_server_says_grows(remote):
    async def main():
        talker = remote(Talker)
        talker.set_console_output_enabled(False)

        async def work():
            return await talker(Msg("user", "hi"))

        return await read(stream_printing_messages([talker], work()))

    found = asyncio.run(main())
    texts = [message.content for message, _ in found]
    assert texts[0] == "one "
    assert all(after.startswith(before) for before, after in itertools.pairwise(texts))
    assert texts[-1] == "one two three"
    assert [last for _, last in found] == [*[False] * (len(found) - 1), True]
    assert len({message.id for message, _ in found}) == 1


def test_a_call_that_was_sent_before_loses_no_message(remote):
    async def main():
        talker, other = remote(Talker), remote(Talker, "other")
        talker.set_console_output_enabled(False)
        other.set_console_output_enabled(False)
        reply, unheard = talker(Msg("user", "hi")), other(Msg("user", "hi"))
        await reply
        await unheard
        return await read(stream_printing_messages([talker, other], reply))

    found = asyncio.run(main())
    assert [(message.name, message.content, last) for message, last in found] == [
        ("talker", "one two three", True)
    ]


class Asker(AgentBase):
    """Lives here, and asks agents that do not."""

    def __init__(self, name, asked):
        super().__init__(name)
        self.asked = asked
        self.set_console_output_enabled(False)

    async def reply(self, x=None):
        await self.print(Msg(self.name, "I ask.", "assistant"))
        await self.asked(x)


def test_agents_here_and_there_stream_together(remote):
    async def main():
        talker = remote(Talker)
        talker.set_console_output_enabled(False)
        asker = Asker("asker", talker)
        return await read(stream_printing_messages([asker, talker], asker(Msg("user", "hi"))))

    found = [(message.name, message.content) for message, last in asyncio.run(main()) if last]
    assert found == [("asker", "I ask."), ("talker", "one two three")]


def test_what_an_agent_in_a_server_raises_is_raised(remote):
    async def main():
        failing = remote(Failing)
        await read(stream_printing_messages([failing], failing(Msg("user", "hi"))))

    with pytest.raises(RemoteAgentError):
        asyncio.run(main())
