"""Agents that take one message at a time: in order, with room for so many, and never waiting in a ring."""

import asyncio
import contextlib
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

from clerks import Ask, Note, until

from nbagents.exceptions import DeadlockError
from nbagents.runtime import (
    RoutedAgent,
    SingleThreadedAgentRuntime,
    message_handler,
)
from nbagents.runtime import _turns as turns_module
from nbagents.topics import (
    AgentId,
    MessageContext,
    TopicId,
)


class Serial(RoutedAgent, concurrency=1):
    """Handles one message at a time."""

    def __init__(self):
        super().__init__("serial")
        self.log, self.running, self.most = [], 0, 0
        self.gate = asyncio.Event()

    @message_handler
    async def handle(self, message: Note, ctx: MessageContext) -> str:
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0.001)
        self.log.append(message.text)
        self.running -= 1
        return message.text

    @message_handler
    async def ask(self, message: Ask, ctx: MessageContext) -> str:
        if message.what == "ring":
            return await self.send_message(Ask("back"), AgentId("other", "x"))
        if message.what == "hold":
            await self.gate.wait()
        if message.what == "back":
            return await self.send_message(Note("re-entrant"), AgentId("serial", "x"))
        if message.what == "event":
            await self.publish_message(Ask("relayed"), TopicId("relay:", "x"))
            await asyncio.sleep(0.01)
            self.log.append("event sent")
        return "done"


class Relay(RoutedAgent):
    @message_handler
    async def relay(self, message: Ask, ctx: MessageContext) -> None:
        await self.send_message(Note("relayed"), AgentId("serial", "x"))


async def serial_runtime():
    runtime = SingleThreadedAgentRuntime()
    await Serial.register(runtime, "serial", Serial)
    await Serial.register(runtime, "other", Serial)
    await Relay.register(runtime, "relay", lambda: Relay("relays"))
    runtime.start()
    return runtime


def test_one_at_a_time_is_in_order():
    async def main():
        runtime, id = await serial_runtime(), AgentId("serial", "x")
        sent = [asyncio.create_task(runtime.send_message(Note(str(number)), id)) for number in range(10)]
        await asyncio.sleep(0)
        sent[3].cancel()
        done = await asyncio.gather(*sent, return_exceptions=True)
        await runtime.stop_when_idle()
        agent = await runtime.try_get_underlying_agent_instance(id, Serial)
        assert agent.most == 1
        assert [text for text in agent.log if text != "3"] == [text for text in done if isinstance(text, str)]
        assert len(done) == 10

    asyncio.run(main())


def test_a_chain_of_messages_that_comes_back_is_let_in_and_an_event_waits():
    async def main():
        runtime, id = await serial_runtime(), AgentId("serial", "x")
        assert await runtime.send_message(Ask("ring"), id, timeout=5) == "re-entrant"
        await runtime.send_message(Ask("event"), id)
        await runtime.stop_when_idle()
        agent = await runtime.try_get_underlying_agent_instance(id, Serial)
        assert agent.log == ["re-entrant", "event sent", "relayed"]

    asyncio.run(main())


class Crossed(RoutedAgent, concurrency=1):
    """Asks the other one once both are at work."""

    def __init__(self, other, both):
        super().__init__("crossed")
        self.other, self.both = AgentId(other, "x"), both

    @message_handler
    async def ask(self, message: Ask, ctx: MessageContext) -> str:
        if message.what != "cross":
            return message.what
        await self.both.wait()
        return await self.send_message(Ask("hello"), self.other)


def test_two_that_ask_each_other_crosswise_do_not_wait_for_ever():
    async def main():
        runtime, both = SingleThreadedAgentRuntime(), asyncio.Barrier(2)
        await Crossed.register(runtime, "one", lambda: Crossed("two", both))
        await Crossed.register(runtime, "two", lambda: Crossed("one", both))
        runtime.start()
        sent = [runtime.send_message(Ask("cross"), AgentId(kind, "x"), timeout=8) for kind in ("one", "two")]
        done = await asyncio.gather(*sent, return_exceptions=True)
        assert sorted(map(type, done), key=str) == [DeadlockError, str]
        assert "hello" in done
        again = await runtime.send_message(Ask("free"), AgentId("one", "x"), timeout=8)
        await runtime.stop_when_idle()
        return again

    assert asyncio.run(main()) == "free"


def test_a_mailbox_has_room_for_so_many(monkeypatch):
    monkeypatch.setattr(turns_module, "MOST_WAITING", 2)

    async def main():
        runtime, id = await serial_runtime(), AgentId("serial", "x")
        sent = [asyncio.create_task(runtime.send_message(Ask("hold"), id)) for _ in range(5)]
        await until(lambda: sum(each.done() for each in sent) == 2)
        runtime._background.post((await runtime.try_get_underlying_agent_instance(id, Serial)).gate.set)
        done = await asyncio.gather(*sent, return_exceptions=True)
        assert sorted(type(each).__name__ for each in done) == ["OverloadedError"] * 2 + ["str"] * 3
        await runtime.stop()

    asyncio.run(main())


def test_a_turn_is_taken_also_while_others_are_asked_for_a_ring(monkeypatch):
    monkeypatch.setattr(turns_module, "LOOK_SECONDS", 0.01)

    async def main():
        turns, agent, asked = turns_module.Turns(1), AgentId("serial", "x"), asyncio.Event()

        async def find_ring(holds, behind):
            if behind:
                asked.set()
                await asyncio.Event().wait()  # whoever is asked does not answer
            return []

        async def second():
            turns_module.enter_turns([(AgentId("asks", "x"), "a turn elsewhere")], find_ring)
            async with turns.turn(agent, is_rpc=True):
                return "had"

        async with turns.turn(agent, is_rpc=True):
            waiting = asyncio.ensure_future(second())
            await asked.wait()
        return await asyncio.wait_for(waiting, 5)

    assert asyncio.run(main()) == "had"


def test_a_turn_has_one_name_on_all_threads(monkeypatch):
    made, both = itertools.count(), threading.Barrier(2)

    def slowly() -> str:
        name = f"name {next(made)}"
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(0.3)
        return name

    monkeypatch.setattr(turns_module, "next_call_id", slowly)
    hold = turns_module.Hold(AgentId("serial", "x"))
    with ThreadPoolExecutor(2) as pool:
        names = [each.result() for each in [pool.submit(lambda: hold.name) for _ in range(2)]]
    assert names == ["name 0", "name 0"]
