"""Handlers that are async generators: values come as they are made, and stop when nobody reads them."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from clerks import until

from nbagents.exceptions import CallTimeoutError, UndeliverableException
from nbagents.runtime import RoutedAgent, SingleThreadedAgentRuntime, message_handler
from nbagents.runtime import _envelopes as envelopes_module
from nbagents.topics import AgentId, CancellationToken, DefaultTopicId, MessageContext

COUNTER = AgentId("counter", "x")


class Counter(RoutedAgent):
    def __init__(self):
        super().__init__("counts")
        self.made, self.ended = 0, False

    @message_handler
    async def count(self, message: int, ctx: MessageContext) -> AsyncGenerator[str, None]:
        try:
            for number in range(message):
                self.made += 1
                yield f"{number} {DefaultTopicId().source}"
            if message == 3:
                raise ValueError("after three")
            if message == 4:
                await asyncio.Event().wait()
        finally:
            self.ended = True

    @message_handler
    async def plain(self, message: str, ctx: MessageContext) -> str:
        return message

    @message_handler
    async def relay(self, message: list, ctx: MessageContext) -> AsyncGenerator[str, None]:
        async for value in self.stream_message(message[0], COUNTER):
            yield f"relayed {value}"


async def read(stream, into, after_each=lambda: None):
    async for value in stream:
        into.append(value)
        after_each()


async def counting():
    runtime = SingleThreadedAgentRuntime()
    await Counter.register(runtime, "counter", Counter)
    runtime.start()
    return runtime, await runtime.try_get_underlying_agent_instance(COUNTER, Counter)


def test_values_come_one_by_one_and_the_last_is_the_reply():
    async def main():
        runtime, _ = await counting()
        assert [value async for value in runtime.stream_message(2, COUNTER)] == ["0 x", "1 x"]
        assert await runtime.send_message(2, COUNTER) == "1 x"
        assert [value async for value in runtime.stream_message(0, COUNTER)] == [None]
        assert [value async for value in runtime.stream_message("one", COUNTER)] == ["one"]
        relayed = runtime.stream_message([2], AgentId("counter", "relay"))
        assert [value async for value in relayed] == ["relayed 0 x", "relayed 1 x"]
        await runtime.stop_when_idle()

    asyncio.run(main())


def test_a_failure_comes_after_what_was_made_before_it():
    async def main():
        runtime, _ = await counting()
        got = []
        with pytest.raises(ValueError, match="after three"):
            await read(runtime.stream_message(3, COUNTER), got)
        assert len(got) == 3
        with pytest.raises(UndeliverableException):
            await read(runtime.stream_message(3, AgentId("nobody", "x")), got)
        await runtime.stop_when_idle()

    asyncio.run(main())


def test_whoever_stops_reading_stops_the_handler(monkeypatch):
    monkeypatch.setattr(envelopes_module, "AHEAD", 3)

    async def main():
        runtime, counter = await counting()
        stream = runtime.stream_message(1_000_000, COUNTER)
        assert await anext(stream) == "0 x"
        await stream.aclose()
        await until(lambda: counter.ended)
        assert counter.made <= 8
        await runtime.stop_when_idle()

    asyncio.run(main())


def test_a_stream_ends_by_its_deadline_and_by_its_token():
    async def main():
        runtime, counter = await counting()
        with pytest.raises(CallTimeoutError):
            await read(runtime.stream_message(4, COUNTER, timeout=0.05), [])
        await until(lambda: counter.ended)
        token = CancellationToken()
        got = []
        with pytest.raises(Exception, match="cancelled by its sender"):
            await read(runtime.stream_message(4, COUNTER, cancellation_token=token), got, token.cancel)
        assert got
        await runtime.stop_when_idle()

    asyncio.run(main())
