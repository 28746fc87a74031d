"""Agents that note what they hear and do what they are asked, for tests of runtimes."""

import asyncio
import dataclasses
import threading
import time

from nbagents.runtime import RoutedAgent, SingleThreadedAgentRuntime, default_subscription, message_handler
from nbagents.topics import AgentId, DefaultTopicId, MessageContext


@dataclasses.dataclass
class Note:
    text: str


@dataclasses.dataclass
class Ask:
    what: str


@default_subscription
class Clerk(RoutedAgent):
    """Notes what it hears, and does what it is asked."""

    def __init__(self):
        super().__init__("a clerk")
        self.heard = []
        self.gate = asyncio.Event()
        self.cancelled = threading.Event()
        self.begun = threading.Event()

    @message_handler
    async def on_note(self, message: Note, ctx: MessageContext) -> None:
        self.token = ctx.cancellation_token
        self.heard.append((message.text, ctx.sender, ctx.topic_id, ctx.is_rpc))
        if message.text == "fail":
            raise ValueError("a handler failed")
        if message.text == "hold":
            self.begun.set()
            await self.gate.wait()

    @message_handler
    async def on_ask(self, message: Ask, ctx: MessageContext) -> str | None:
        self.token = ctx.cancellation_token
        match message.what:
            case "thread":
                return threading.current_thread().name
            case "topic":
                return str(DefaultTopicId())
            case "none":
                return None
            case "fail":
                raise LookupError("of its own")
            case "late":
                raise TimeoutError("of its own")
            case "exit":
                raise SystemExit(3)
            case "self":
                return await self.send_message(Ask("thread"), self.id)
            case "stop":
                await self.runtime.stop()
                return "stopped"
            case "idle":
                await self.runtime.stop_when_idle()
            case "publish":
                await self.publish_message(Note("from a clerk"), DefaultTopicId())
                return "published"
            case "open":
                self.gate.set()
                return "opened"
            case "nest":
                token = ctx.cancellation_token
                return await self.send_message(
                    Ask("wait"), AgentId("clerk", "inner"), cancellation_token=token
                )
            case "wait":
                self.begun.set()
                try:
                    await asyncio.Event().wait()
                finally:
                    self.cancelled.set()
        return message.what

    async def save_state(self):
        return {"heard": [text for text, *_ in self.heard]}

    async def load_state(self, state):
        self.heard = [(text, None, None, False) for text in state["heard"]]


ME = AgentId("clerk", "default")


async def started(**options):
    runtime = SingleThreadedAgentRuntime(**options)
    await Clerk.register(runtime, "clerk", Clerk)
    runtime.start()
    return runtime


async def clerk(runtime, key="default"):
    return await runtime.try_get_underlying_agent_instance(AgentId("clerk", key), Clerk)


async def until(condition):
    """Poll for something that happens on another thread."""
    limit = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < limit, "it has not happened"
        await asyncio.sleep(0.005)
