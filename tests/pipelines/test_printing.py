"""`stream_printing_messages`: nothing that is printed is lost, doubled or mixed with what others print."""

from __future__ import annotations

import asyncio
import gc
import itertools
import threading
import time
from contextlib import nullcontext

import pytest

import nbagents
from nbagents._loop import background
from nbagents.agents import AgentBase, DialogAgent, ReActAgent
from nbagents.exceptions import CallCancelledError, UsageError
from nbagents.message import Msg
from nbagents.pipelines import fanout_pipeline, sequential_pipeline, stream_printing_messages
from nbagents.tools import Toolkit


class Printer(AgentBase):
    """Prints a message in three pieces, and says when it has."""

    def __init__(self, name, *, fail=False, inner=None):
        super().__init__(name)
        self.fail, self.inner, self.printed = fail, inner, threading.Event()
        self.set_console_output_enabled(False)

    async def reply(self, x=None):
        said = Msg(self.name, "", "assistant")
        for text in ("Grey", "Grey beads", "Grey beads on"):
            said.content = text
            await self.print(said, last=text.endswith("on"))
        if self.inner is not None:
            await self.inner(x)
        self.printed.set()
        if self.fail:
            raise ZeroDivisionError("after printing")
        return said


class Speaker(AgentBase):
    """Blocks and speaks, as agents of AgentScope 0.x do."""

    def reply(self, x=None):
        self.set_console_output_enabled(False)
        self.speak((last, text) for last, text in [(False, "In"), (False, "Ink"), (True, "Ink")])
        self.speak(Msg(self.name, "Blot", "assistant"))
        return "done"


async def read(stream, found=None):
    found = [] if found is None else found
    async for message, last in stream:
        found.append((message.name, message.content, last))  # kept when the stream raises
    return found


def until(done):
    limit = time.monotonic() + 20
    while not done():
        assert time.monotonic() < limit
        time.sleep(0.001)


def whole(found):
    return [(name, content) for name, content, last in found if last]


ALL = [("p", "Grey", False), ("p", "Grey beads", False), ("p", "Grey beads on", True)]


def quiet(agent):
    agent.set_console_output_enabled(False)
    return agent


@pytest.mark.parametrize("loop", ["own", "background"])
def test_a_call_that_runs_already_streams(loop):
    async def main():
        agent = Printer("p")
        return await read(stream_printing_messages(agents=[agent], coroutine_task=agent(None)))

    found = asyncio.run(main()) if loop == "own" else background().run(main(), timeout=20)
    assert found[-1] == ALL[-1]
    assert found == ALL[-len(found) :]


def test_a_coroutine_streams_every_piece_and_begins_when_it_is_read():
    async def main():
        agent, other = Printer("p"), Printer("other")

        async def work():
            await other(None)
            await agent.print(Msg("p", "first", "assistant"))
            await agent(None)

        stream = stream_printing_messages([agent], work())
        await asyncio.sleep(0)
        assert not other.printed.is_set()
        return await read(stream)

    assert asyncio.run(main()) == [("p", "first", True), *ALL]


def test_a_message_keeps_its_id_and_each_piece_is_a_copy():
    async def main():
        agent = Printer("p")

        async def work():
            await agent(None)
            await agent(None)

        return [(message, last) async for message, last in stream_printing_messages([agent], work())]

    found = asyncio.run(main())
    assert [last for _, last in found] == [False, False, True] * 2
    assert len({message.id for message, _ in found}) == 2
    assert len({id(message) for message, _ in found}) == 6
    assert [message.content for message, _ in found[:3]] == ["Grey", "Grey beads", "Grey beads on"]


@pytest.mark.parametrize("fail", [False, True])
def test_what_was_printed_before_the_stream_was_made_is_not_lost(fail):
    """Also when the agent has replied, and when it has failed."""

    async def main():
        agent = Printer("p", fail=fail)
        reply = agent(None)
        await asyncio.to_thread(agent.printed.wait, 20)
        found = []
        with pytest.raises(ZeroDivisionError, match="after printing") if fail else nullcontext():
            await read(stream_printing_messages([agent], reply), found)
        return found

    assert asyncio.run(main()) == ALL[-1:]


def test_only_what_belongs_to_the_call_is_heard():
    """An earlier call, and one of another request at the same time, are not."""

    async def request(agents, n):
        reply = agents[n % 2](Msg("user", str(n)))
        return [message.content async for message, last in stream_printing_messages(agents, reply) if last]

    class Teller(AgentBase):
        async def reply(self, x=None):
            await asyncio.sleep(0)
            await self.print(Msg(self.name, f"{self.name} {x.content}", "assistant"))

    async def main():
        agents = [quiet(Teller("a")), quiet(Teller("b"))]
        await agents[0](Msg("user", "before"))
        return await asyncio.gather(*(request(agents, n) for n in range(20)))

    assert asyncio.run(main()) == [[f"{'ab'[n % 2]} {n}"] for n in range(20)]


class Chair(AgentBase):
    """Streams, in its own reply, what one of two agents prints that it asks at the same time."""

    def __init__(self, name, asked):
        super().__init__(name)
        self.asked = asked

    async def reply(self, x=None):
        replies = [agent(None) for agent in self.asked]
        found = await read(stream_printing_messages(self.asked, replies[0]))
        await replies[1]
        return [*found, *await read(stream_printing_messages(self.asked, replies[1]))]


def test_an_agent_may_stream_what_the_agents_that_it_asks_print():
    async def main():
        return (await Chair("chair", [Printer("a"), Printer("b")])(None)).content

    assert [name for name, _, last in asyncio.run(main()) if last] == ["a", "b"]


def test_inner_agents_pipelines_and_several_calls_stream():
    async def main():
        inner = Printer("inner")
        outer, a, b = Printer("outer", inner=inner), Printer("a"), Printer("b")
        nested = await read(stream_printing_messages([outer, inner], outer(None)))
        only_outer = await read(stream_printing_messages([outer], outer(None)))
        reply = sequential_pipeline([a, b], None)
        await reply  # all of it is over
        steps = await read(stream_printing_messages([a, b], reply))
        many = await read(stream_printing_messages([a, b], fanout_pipeline([a, b], None)))
        return nested, only_outer, steps, many

    nested, only_outer, steps, many = asyncio.run(main())
    assert whole(nested) == [("outer", "Grey beads on"), ("inner", "Grey beads on")]
    assert whole(only_outer) == [("outer", "Grey beads on")]
    assert whole(steps) == [("a", "Grey beads on"), ("b", "Grey beads on")]
    assert sorted(whole(many)) == [("a", "Grey beads on"), ("b", "Grey beads on")]


def test_what_a_blocking_agent_speaks_streams_too():
    async def main():
        agent = Speaker("s")

        async def work():
            await agent(None)

        return await read(stream_printing_messages([agent], work()))

    found = asyncio.run(main())
    assert whole(found) == [("s", "Ink"), ("s", "Blot")]
    assert [content for _, content, _ in found[:2]] == ["In", "Ink"]


@pytest.mark.parametrize("late", [False, True])
def test_the_answer_of_a_model_grows(late):
    """Also where the stream comes while the model already answers."""

    async def main():
        agent = quiet(ReActAgent("poet", "You are a poet.", "demo"))
        reply = agent(Msg("user", "Write about rain"))
        if late:
            call = reply._promise
            await asyncio.to_thread(until, lambda: call.printed and call.printed.waiting)
        found = [(message, last) async for message, last in nbagents.stream_printing_messages([agent], reply)]
        return found, await reply

    found, reply = asyncio.run(main())
    texts = [message.content for message, _ in found]
    assert len(texts) > 3
    assert all(after.startswith(before) for before, after in itertools.pairwise(texts))
    assert {message.id for message, _ in found} == {reply.id}
    assert texts[-1] == reply.content
    assert [last for _, last in found] == [*[False] * (len(found) - 1), True]


def test_the_steps_of_an_agent_with_tools_stream():
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    async def main():
        toolkit = Toolkit()
        toolkit.register_tool_function(add)
        agent = quiet(ReActAgent("calc", "You calculate.", "demo-fast", toolkit=toolkit))
        stream = stream_printing_messages([agent], agent(Msg("user", "Please add 2 and 3")))
        return [message async for message, last in stream if last]

    kinds = [block["type"] for message in asyncio.run(main()) for block in message.get_content_blocks()]
    assert kinds[:2] == ["tool_use", "tool_result"]
    assert kinds[-1] == "text"


@pytest.mark.parametrize("given", [[], ["one"], ["one", "two"]], ids=["none", "message", "list"])
def test_agents_take_none_a_message_or_a_list(given):
    async def main():
        agent = quiet(DialogAgent("d", "You talk.", "demo-fast"))
        messages = [Msg("user", text) for text in given]
        said = messages if len(messages) > 1 else messages[0] if messages else None
        found = await read(stream_printing_messages([agent], agent(said)))
        return found, [message.content for message in agent.memory.get_memory()]

    found, remembered = asyncio.run(main())
    assert found[-1][2] is True
    assert remembered == [*given, found[-1][1]]


@pytest.mark.parametrize("kind", ["coroutine", "task", "other loop"])
def test_errors_come_after_all_that_was_printed(kind):
    async def main():
        agent = Printer("p", fail=True)

        made = threading.Event()

        async def work():
            await asyncio.to_thread(made.wait, 20)
            await agent(None)

        task = {
            "coroutine": work,
            "task": lambda: asyncio.create_task(work()),
            "other loop": lambda: background().spawn(work()),
        }[kind]()
        found = []
        stream = stream_printing_messages([agent], task)
        made.set()
        with pytest.raises(ZeroDivisionError, match="after printing"):
            await read(stream, found)
        assert "_listeners" not in agent.__dict__
        return found

    assert whole(asyncio.run(main())) == whole(ALL)


class Endless(AgentBase):
    async def reply(self, x=None):
        self.set_console_output_enabled(False)
        for n in itertools.count():
            await self.print(Msg(self.name, str(n), "assistant"))
            await asyncio.sleep(0.005)


def test_a_reader_that_leaves_ends_what_is_the_streams_own():
    ended = []

    async def work(agent):
        try:
            await agent(None)
        except asyncio.CancelledError:
            ended.append(agent.name)
            raise

    async def first(stream):
        async for _ in stream:
            break
        await stream.aclose()

    async def main():
        own, given, called = Endless("own"), Endless("given"), Endless("called")
        await first(stream_printing_messages([own], work(own)))
        task, reply = asyncio.create_task(work(given)), called(None)
        await first(stream_printing_messages([given], task))
        await first(stream_printing_messages([called], reply))
        await asyncio.sleep(0.05)
        assert ended == ["own"]
        assert not task.done()
        assert not reply.done()
        reader = asyncio.create_task(read(stream_printing_messages([called], reply)))
        await asyncio.sleep(0.05)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        with pytest.raises(CallCancelledError):
            await reply
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_a_queue_and_an_end_of_ones_own():
    async def main():
        agent, queue = Printer("p"), asyncio.Queue(maxsize=1)

        async def work():
            await agent(None)
            await queue.put((Msg("me", "between", "user"), True))
            await agent(None)

        found = await read(stream_printing_messages([agent], work(), queue))
        ended = asyncio.Queue()
        ended.put_nowait((Msg("me", "only", "user"), True))
        ended.put_nowait("DONE")
        with_end = await read(stream_printing_messages([agent], agent(None), ended, end_signal="DONE"))
        spoken = [item async for item in stream_printing_messages([agent], agent(None), yield_speech=True)]
        return found, with_end, spoken

    found, with_end, spoken = asyncio.run(main())
    assert sorted(whole(found)) == [("me", "between"), ("p", "Grey beads on"), ("p", "Grey beads on")]
    assert with_end == [("me", "only", True)]
    assert {item[2] for item in spoken} == {None}


def test_what_is_no_agent_or_no_work_is_refused():
    agent = Printer("p")
    with pytest.raises(UsageError, match="takes a list of agents, not str"):
        stream_printing_messages(["p"], agent(None))
    with pytest.raises(UsageError, match="not none"):
        stream_printing_messages([], agent(None))
    with pytest.raises(UsageError, match="a task or what an agent's call returns, not int") as caught:
        stream_printing_messages([agent], 5)
    assert "coroutine_task=agent(msg)" in caught.value.hint


def test_a_stream_that_nobody_reads_keeps_nothing():
    async def main():
        agent = Printer("p")
        task = asyncio.create_task(asyncio.sleep(0))
        stream_printing_messages([agent], task)
        gc.collect()
        await agent(None)
        assert all(ref() is None for ref in agent.__dict__.get("_listeners", ()))
        await task

    asyncio.run(main())
