"""Typed messages are in the same trace as agents and tools, in one process and from worker to worker."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind

from nbagents import AgentBase, Msg
from nbagents.rpc import GrpcWorkerAgentRuntime, RpcAgentServerLauncher
from nbagents.runtime import RoutedAgent, SingleThreadedAgentRuntime, event, rpc
from nbagents.topics import AgentId, MessageContext, TopicId, TypeSubscription

from .test_spans import Spans, spans  # noqa: F401  # a fixture

pytestmark = pytest.mark.timeout(120)
numbers = itertools.count()


class Poet(AgentBase):
    """An agent that is called, not sent to."""

    async def reply(self, x=None):
        return Msg(self.name, "a verse", "assistant")


class First(RoutedAgent):
    """Asks the second, and publishes."""

    def __init__(self, number: int) -> None:
        super().__init__("first")
        self.number = number

    @rpc
    async def ask(self, message: str, ctx: MessageContext) -> str:
        if message == "fail":
            raise LookupError("not to be told: a secret")
        said = await self.send_message("ask", AgentId(f"second{self.number}", "x"))
        await self.publish_message(len(said), TopicId(f"news{self.number}", "x"))
        return said

    @rpc
    async def stream(self, message: int, ctx: MessageContext) -> AsyncGenerator[int, None]:
        for number in range(message):
            yield number


class Second(RoutedAgent):
    """Calls an agent; hears news."""

    @rpc
    async def ask(self, message: str, ctx: MessageContext) -> str:
        return (await Poet("poet")(message)).content

    @event
    async def hear(self, message: int, ctx: MessageContext) -> None:
        pass


async def register(one, other, number: int) -> None:
    await First.register(one, f"first{number}", lambda: First(number))
    await Second.register(other, f"second{number}", lambda: Second("second"))
    await other.add_subscription(TypeSubscription(f"news{number}", f"second{number}"))


def way(known: Spans, span) -> list[str]:
    """Return the names of a span and of all that it is in."""
    by_id = {one.context.span_id: one for one in known.all()}
    names = [span.name]
    while span.parent is not None:
        span = by_id[span.parent.span_id]
        names.append(span.name)
    return names


def test_in_one_process_handlers_and_the_agents_that_they_call_are_one_trace(spans: Spans):  # noqa: F811
    n = next(numbers)

    async def main() -> None:
        runtime = SingleThreadedAgentRuntime()
        await register(runtime, runtime, n)
        runtime.start()
        with spans.tracer.start_as_current_span("mine"):
            assert await runtime.send_message("ask", AgentId(f"first{n}", "x")) == "a verse"
        await runtime.stop_when_idle()

    asyncio.run(main())
    first, second = [f"process first{n}", "mine"], [f"process second{n}", f"process first{n}", "mine"]
    assert sorted(way(spans, span) for span in spans.all()) == sorted(
        [["mine"], first, second, ["invoke_agent poet", *second], second]
    )


def test_from_worker_to_worker_a_message_is_in_the_trace_of_its_sender(spans: Spans):  # noqa: F811
    n = next(numbers)

    async def main() -> None:
        with RpcAgentServerLauncher(port=0) as launcher:
            one, other = (GrpcWorkerAgentRuntime(launcher.address) for _ in range(2))
            with spans.tracer.start_as_current_span("began"):  # none of the messages belongs to that
                await one.start()
                await other.start()
            await register(one, other, n)
            with spans.tracer.start_as_current_span("mine"):
                assert await other.send_message("ask", AgentId(f"first{n}", "x")) == "a verse"
            with pytest.raises(LookupError):
                await other.send_message("fail", AgentId(f"first{n}", "y"))
            assert [chunk async for chunk in other.stream_message(3, AgentId(f"first{n}", "z"))] == [0, 1, 2]
            await one.stop()
            await other.stop()

    asyncio.run(main())
    asked = [f"process first{n}", f"send first{n}"]
    outer = [*asked, "mine"]
    second = [f"process second{n}", f"send second{n}", *outer]
    news = [f"process second{n}", f"publish news{n}", *outer]
    ways = sorted(way(spans, span) for span in spans.all())
    expected = [["began"], ["mine"], outer, outer[1:], second, second[1:], news, news[1:]]
    expected += [["invoke_agent poet", *second], asked, asked[1:], asked, asked[1:]]
    assert ways == sorted(expected)
    kinds = {span.name.split()[0]: span.kind for span in spans.all()}
    assert (kinds["send"], kinds["process"]) == (SpanKind.PRODUCER, SpanKind.CONSUMER)
    failed = [span for span in spans.all() if not span.status.is_ok and span.status.status_code.value == 2]
    assert [span.name for span in failed] == [f"process first{n}", f"send first{n}"]
    assert failed[0].attributes["error.type"] == "LookupError"
    assert "secret" not in "".join(span.to_json() for span in spans.all())


def test_a_provider_of_a_runtimes_own_has_its_messages_alone():
    n, own = next(numbers), Spans(TracerProvider())

    async def main() -> None:
        runtime = SingleThreadedAgentRuntime(tracer_provider=own.provider)
        await register(runtime, runtime, n)
        runtime.start()
        await runtime.send_message("ask", AgentId(f"first{n}", "x"))
        await runtime.stop_when_idle()

    asyncio.run(main())
    assert {span.name for span in own.all()} == {f"process first{n}", f"process second{n}"}
