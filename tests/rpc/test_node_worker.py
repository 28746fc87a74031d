"""A worker in another language: TypeScript on Node, written by the contract alone, and ours."""

from __future__ import annotations

import asyncio
import base64
import time

import pytest
from foreigners import compiled, node_worker
from google.protobuf.wrappers_pb2 import StringValue
from topic_agents import Answerer
from topics_here import knows, worker

from nbagents.exceptions import CallTimeoutError, RemoteAgentError, WorkerLostError
from nbagents.rpc import GrpcWorkerAgentRuntimeHost
from nbagents.runtime import RoutedAgent, event, rpc, type_subscription
from nbagents.topics import AgentId, MessageContext, TopicId

pytestmark = [pytest.mark.node, pytest.mark.timeout(180)]


@type_subscription("python")
class Hearer(RoutedAgent):
    """Notes what is published in its language."""

    def __init__(self) -> None:
        super().__init__("hears")
        self.heard: list[str] = []

    @event
    async def hear(self, message: str, ctx: MessageContext) -> None:
        self.heard.append(f"{message} from {ctx.sender} to {ctx.topic_id}")

    @rpc
    async def tell(self, message: int, ctx: MessageContext) -> list:
        return self.heard


@pytest.fixture(scope="module")
def program():
    with compiled() as path:
        yield path


@pytest.fixture(scope="module")
def host():
    running = GrpcWorkerAgentRuntimeHost("localhost:0")
    running.start()
    yield running
    asyncio.run(running.stop())


def test_one_conversation_of_two_languages(program, host):
    async def main():
        with node_worker(program, host.address, "node") as node:
            async with worker(host, answerer=Answerer, hearer=Hearer) as runtime:
                assert node.said() == {"ready": "node"}
                # It is sent a message and answers.
                first = await runtime.send_message("a word", AgentId("node", "x"))
                assert first == "node/x heard a word from , turn 1"
                # It sends one and is answered, in the name of its agent.
                assert node.ask(send="answerer/y", text="loud") == {"reply": "LOUD", "type": "str"}
                told = node.ask(send="answerer/y", type="Ask", fields={"text": "who"})
                assert told["reply"]["text"].startswith("answerer/y node/node None True ")
                # It hears what is published, and publishes.
                await runtime.publish_message(
                    "tidings", TopicId("news", "k"), sender=AgentId("answerer", "y")
                )
                heard = node.said()
                assert base64.b64decode(heard.pop("data")) == b'"tidings"'
                assert heard == {"heard": "str", "topic": "news/k", "by": ["node/k"], "from": "answerer/y"}
                assert node.ask(publish="python", text="bonjour") == {"published": "python"}
                limit = time.monotonic() + 20
                while not (heard := await runtime.send_message(0, AgentId("hearer", "node"))):
                    assert time.monotonic() < limit
                assert heard == ["bonjour from node/node to python/node"]
                assert node.ask(stop=True) == {"stopped": "node"}
                assert node.said() == {"over": 0, "why": ""}
                # Its goodbye frees its type at once.
                assert "node" not in (await runtime.topics())["types"]

    asyncio.run(main())


def test_protobuf_and_what_is_large_travel_both_ways(program, host):
    async def main():
        with node_worker(program, host.address, "node-large") as node:
            async with worker(host) as runtime:
                node.said()
                knows(runtime, StringValue)
                agent = AgentId("node-large", "x")
                assert await runtime.send_message(StringValue(value="ü" * 9), agent) == StringValue(
                    value="ü" * 9
                )
                large = ["x" * 1_000_000] * 6
                assert await runtime.send_message(large, agent) == large
                await runtime.publish_message(StringValue(value="p"), TopicId("news", "x"))
                assert node.said()["heard"] == "google.protobuf.StringValue"

    asyncio.run(main())


def test_errors_are_typed_on_both_sides(program, host):
    async def main():
        with node_worker(program, host.address, "node-errors") as node:
            async with worker(host, answerer=Answerer) as runtime:
                node.said()
                agent = AgentId("node-errors", "x")
                with pytest.raises(RemoteAgentError, match="RangeError: node has failed"):
                    await runtime.send_message("fail", agent)
                assert node.ask(send="nobody/x", text="hello")["error"] == "UndeliverableException"
                failed = node.ask(send="answerer/x", type="Ask", fields={"text": "fail"})
                assert failed["error"] == "KeyError"
                assert "no such thing" in failed["message"]
                with pytest.raises(CallTimeoutError):
                    await runtime.send_message("never", agent, timeout=0.5)
                assert node.said() == {"withdrawn": "its deadline has passed"}
                # A type is one worker's; the second one is told so, and leaves.
                with node_worker(program, host.address, "node-errors") as second:
                    over = second.said()
                    assert over["over"] == 1
                    assert "AgentTypeTakenError" in over["why"]

    asyncio.run(main())


def test_a_worker_that_leaves_in_the_middle_is_no_riddle(program, host):
    async def main():
        with node_worker(program, host.address, "node-leaves") as node:
            async with worker(host) as runtime:
                node.said()
                waiting = asyncio.ensure_future(runtime.send_message("leave", AgentId("node-leaves", "x")))
                with pytest.raises(WorkerLostError, match="node-leaves/x"):
                    await asyncio.wait_for(waiting, 20)

    asyncio.run(main())
