"""Routed agents for the tests of workers, and messages of theirs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from nbagents.runtime import RoutedAgent, default_subscription, event, message_handler, rpc
from nbagents.topics import AgentId, DefaultTopicId, MessageContext


@dataclass
class Ask:
    """A question."""

    text: str
    seconds: float = 0.0


@dataclass
class Told:
    """An answer."""

    text: str
    numbers: list[int] = field(default_factory=list)


@dataclass
class Note:
    """What is published."""

    number: int


class Unwritable:
    """Has no serializer."""


class Answerer(RoutedAgent):
    """Answers by what it is asked."""

    def __init__(self) -> None:
        super().__init__("answers")
        self.cancelled: list[str] = []
        self.count = 0

    @rpc
    async def answer(self, message: Ask, ctx: MessageContext) -> object:
        if message.text == "nothing":
            return None
        if message.text == "fail":
            raise KeyError("no such thing")
        if message.text == "fail without a word":
            raise ValueError
        if message.text == "unwritable":
            return Unwritable()
        if message.text == "die":
            import os

            os._exit(9)
        if message.text == "count":
            self.count += 1
            return Told("counted", [self.count])
        if message.text == "process":
            import os

            return Told(str(os.getpid()))
        if message.text == "who":
            return Told(f"{self.id} {ctx.sender} {ctx.topic_id} {ctx.is_rpc} {ctx.message_id}")
        if message.text == "cancelled":
            return Told(",".join(self.cancelled))
        if message.text == "wait":
            done = asyncio.Event()
            loop = asyncio.get_running_loop()
            ctx.cancellation_token.add_callback(lambda: loop.call_soon_threadsafe(done.set))
            try:
                await asyncio.wait_for(done.wait(), 30)
                self.cancelled.append("token")
            except asyncio.CancelledError:
                self.cancelled.append("task")
                raise
            return Told("cancelled")
        if message.seconds:
            await asyncio.sleep(message.seconds)
        return Told(message.text, [len(message.text)])

    @rpc
    async def text(self, message: str, ctx: MessageContext) -> str:
        return message.upper()

    async def save_state(self) -> dict[str, int]:
        return {"count": self.count}

    async def load_state(self, state: dict[str, int]) -> None:
        self.count = state["count"]


class Relay(RoutedAgent):
    """Passes questions on to another agent."""

    def __init__(self, to: str) -> None:
        super().__init__("passes on")
        self.to = AgentId.from_str(to)

    @rpc
    async def relay(self, message: Ask, ctx: MessageContext) -> Told:
        told = await self.send_message(message, self.to, cancellation_token=ctx.cancellation_token)
        return Told(f"{told.text}, says {self.to.type}", told.numbers)


class Streamer(RoutedAgent):
    """Yields what it is asked for, word by word."""

    def __init__(self) -> None:
        super().__init__("streams")
        self.stopped = 0

    @rpc
    async def stream(self, message: Ask, ctx: MessageContext) -> AsyncGenerator[Told, None]:
        done = False
        try:
            for number, word in enumerate(message.text.split()):
                await asyncio.sleep(message.seconds)
                yield Told(word, [number])
            done = True
        finally:
            self.stopped += not done

    @rpc
    async def count(self, message: str, ctx: MessageContext) -> int:
        return self.stopped


@default_subscription
class Listener(RoutedAgent):
    """Notes what it hears."""

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__("listens")
        self.heard: list[int] = []
        self.seconds = seconds

    @event
    async def hear(self, message: Note, ctx: MessageContext) -> None:
        if self.seconds:
            await asyncio.sleep(self.seconds)
        self.heard.append(message.number)

    @rpc
    async def tell(self, message: Ask, ctx: MessageContext) -> Told:
        return Told("heard", self.heard)


@default_subscription
class Echo(RoutedAgent):
    """Publishes what it hears once more, to its own default topic, until a limit."""

    def __init__(self) -> None:
        super().__init__("echoes")

    @message_handler
    async def echo(self, message: Note, ctx: MessageContext) -> None:
        if message.number < 100:
            await self.publish_message(Note(message.number + 100), DefaultTopicId())


def broken() -> RoutedAgent:
    """A factory that fails."""
    raise RuntimeError("the factory is broken")


class Clerk(RoutedAgent, concurrency=1):
    """Takes one message at a time, and asks another agent, which may ask it."""

    def __init__(self, to: str) -> None:
        super().__init__("one at a time")
        self.to = AgentId.from_str(to)

    @rpc
    async def work(self, message: Ask, ctx: MessageContext) -> Told:
        depth = int(message.text)
        if not depth:
            return Told("done")
        told: Told = await self.send_message(Ask(str(depth - 1)), self.to)
        return told


class Gate(RoutedAgent):
    """Answers nobody before so many have asked."""

    def __init__(self, so_many: str) -> None:
        super().__init__("lets all go at once")
        self.all = asyncio.Barrier(int(so_many))

    @rpc
    async def wait(self, message: Ask, ctx: MessageContext) -> Told:
        await self.all.wait()
        return Told("go")


class Crossed(RoutedAgent, concurrency=1):
    """Takes one message at a time, and asks another agent once all are at work, as a gate tells it."""

    def __init__(self, to: str) -> None:
        super().__init__("asks crosswise")
        self.gate, self.to = (AgentId.from_str(one) for one in to.split("+"))

    @rpc
    async def work(self, message: Ask, ctx: MessageContext) -> Told:
        if message.text != "cross":
            await asyncio.sleep(message.seconds)
            return Told(f"{self.id.type} heard {message.text}")
        if not message.seconds:
            await self.send_message(Ask("ready"), self.gate)
        told: Told = await self.send_message(Ask("hello", message.seconds), self.to)
        return told


class Torrent(RoutedAgent):
    """Yields more than anybody wants to have waiting, and tells how much it has yielded."""

    def __init__(self) -> None:
        super().__init__("streams much")
        self.yielded = 0

    @rpc
    async def stream(self, message: Ask, ctx: MessageContext) -> AsyncGenerator[Told, None]:
        for _ in range(int(message.seconds)):
            self.yielded += 1
            yield Told(message.text)

    @rpc
    async def count(self, message: str, ctx: MessageContext) -> int:
        return self.yielded
