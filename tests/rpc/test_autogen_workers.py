"""AutoGen's own workers, unmodified and in an environment of theirs, at a host of ours that lets them in."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from pathlib import Path

import pytest
from foreigners import ROOT, compiled, foreigner, node_worker
from google.protobuf.wrappers_pb2 import Int64Value, StringValue
from topic_agents import Answerer, Ask, Listener, Note, Told
from topics_here import knows, program, worker

from nbagents.exceptions import (
    CallTimeoutError,
    MessageTooLargeError,
    NotAccessibleError,
    RemoteAgentError,
    WorkerLostError,
)
from nbagents.rpc import GrpcWorkerAgentRuntimeHost
from nbagents.runtime import RoutedAgent, event, rpc
from nbagents.topics import PROTOBUF_DATA_CONTENT_TYPE, AgentId, MessageContext, TopicId, TypeSubscription

pytestmark = [pytest.mark.autogen, pytest.mark.timeout(180)]
PYTHON = ROOT / "build" / "autogen" / "bin" / "python"


@pytest.fixture(scope="module")
def host():
    running = GrpcWorkerAgentRuntimeHost("localhost:0", autogen_compat=True)
    running.start()
    yield running
    asyncio.run(running.stop())


@contextlib.contextmanager
def theirs(host, kind: str, *form: str):
    """Run one of AutoGen's own workers, which serves this type, in the form of messages that it prefers."""
    path = Path(__file__).with_name("autogen_worker.py")
    with foreigner(PYTHON, path, host.autogen_address, kind, *form) as one:
        assert one.said() == {"ready": kind}
        yield one


@pytest.mark.node
def test_one_conversation_of_theirs_ours_and_a_worker_on_node(host):
    async def main():
        with (
            compiled() as path,
            node_worker(path, host.address, "node") as node,
            theirs(host, "theirs") as them,
        ):
            assert node.said() == {"ready": "node"}
            async with worker(host, answerer=Answerer, listener=Listener) as runtime:
                knows(runtime, Told)
                # Direct messages, each way between each two of them.
                told = await runtime.send_message(Ask("hi"), AgentId("theirs", "k"))
                assert told == Told("theirs/k heard hi from None", [2])
                said = them.ask(send="answerer/x", ask={"text": "hello"})
                assert said == {"reply": "hello", "asked": "hello"}
                said = node.ask(send="theirs/q", type="Ask", fields={"text": "salut", "seconds": 0})
                assert said["reply"] == {"text": "theirs/q heard salut from node/node", "numbers": [5]}
                said = them.ask(send="node/x", ask={"text": "echo"})
                assert said["reply"] == "Ask(text='echo', seconds=0.0)"
                # What each publishes, the others hear.
                await runtime.publish_message(Note(1), TopicId("notes", "k"), sender=AgentId("answerer", "x"))
                heard = {"heard": 1, "topic": "notes/k", "by": "theirs/k", "sender": "answerer/x"}
                assert them.said() == heard
                them.tell(publish="news", fields={"number": 2})
                heard = node.said()
                assert (heard["heard"], heard["topic"]) == ("Note", "news/autogen")
                assert heard["from"] == "theirs/sender"
                them.tell(publish="default", fields={"number": 3})
                async with asyncio.timeout(20):
                    while (told := await runtime.send_message(Ask(""), AgentId("listener", "autogen"))) != (
                        Told("heard", [3])
                    ):
                        pass
                assert set((await runtime.topics())["types"]) >= {"theirs", "node", "answerer", "listener"}
                assert them.ask(stop=True) == {"stopped": "theirs"}
                async with asyncio.timeout(20):  # and its type is free
                    while "theirs" in (await runtime.topics())["types"]:
                        pass

    asyncio.run(main())


def test_what_hangs_at_their_host_is_an_error_here(host):
    async def main():
        with theirs(host, "asking") as them, program(host.address, "mortal=Answerer") as mortal:
            said = them.ask(send="nobody/x", ask={"text": "hello"})
            assert said["error"].startswith("UndeliverableException: nobody serves nobody/x")
            said = them.ask(send="mortal/x", ask={"text": "fail without a word"})
            assert "ValueError" in said["error"]  # with an empty text it would be a success
            said = them.ask(send="mortal/x", ask={"text": "unwritable"})
            assert "the reply of mortal/x, a Unwritable, cannot travel" in said["error"]
            said = them.ask(send="mortal/x", ask={"text": "die"})
            assert said["error"].startswith("WorkerLostError: the worker that had the message to mortal/x")
            mortal.process.wait(20)
            # A type that is taken, by whomever.
            async with worker(host, taken=Answerer):
                assert "another worker" in them.ask(register="taken")["error"]
            assert them.ask(register="taken2") == {"registered": "taken2"}

    asyncio.run(main())


def test_their_errors_and_their_end_reach_ours(host):
    async def main():
        async with worker(host) as runtime:
            knows(runtime, Told)
            with theirs(host, "mortal") as them:
                agent = AgentId("mortal", "x")
                with pytest.raises(RemoteAgentError, match="theirs has failed"):
                    await runtime.send_message(Ask("fail"), agent)
                with pytest.raises(RemoteAgentError):
                    await runtime.send_message(Ask("fail without a word"), agent)
                with pytest.raises(MessageTooLargeError, match="4 MiB"):
                    await runtime.send_message(Ask("x" * 5_000_000), agent)
                with pytest.raises(NotAccessibleError):
                    await runtime.agent_metadata(agent)
                assert (await runtime.send_message(Ask("still here"), agent)).numbers == [10]
                waiting = asyncio.ensure_future(runtime.send_message(Ask("wait", 60), agent))
                assert await asyncio.to_thread(them.said) == {"busy": "wait"}
                them.process.kill()
                with pytest.raises(WorkerLostError, match="mortal/x"):
                    await asyncio.wait_for(waiting, 20)

    asyncio.run(main())


def test_replies_never_cross(host):
    """At their host, two callers whose requests have the same number get one reply, and one hangs."""
    with theirs(host, "target"), theirs(host, "first") as first, theirs(host, "second") as second:
        first.tell(send="target/a", ask={"text": "from the first", "seconds": 1.0})
        second.tell(send="target/b", ask={"text": "from the second", "seconds": 0.5})
        assert first.said()["reply"] == "target/a heard from the first from None"
        assert second.said()["reply"] == "target/b heard from the second from None"


def test_one_of_theirs_that_never_answers_ends_in_an_error_and_others_go_on(host):
    async def main():
        async with worker(host) as runtime:
            knows(runtime, Told)
            with theirs(host, "silent") as them, theirs(host, "talking"):
                silent, talking = AgentId("silent", "x"), AgentId("talking", "x")
                # A handler of theirs that returns None sends no reply, whatever waits for it.
                with pytest.raises(CallTimeoutError, match="silent/x did not answer within 1 s"):
                    await runtime.send_message(Ask("nothing"), silent, timeout=1)
                assert (await runtime.send_message(Ask("still here"), silent)).numbers == [10]
                # Frozen, it accepts what comes and does nothing.
                them.process.send_signal(signal.SIGSTOP)
                waiting = [
                    asyncio.ensure_future(runtime.send_message(Ask("hi"), silent, timeout=2))
                    for _ in range(5)
                ]
                await runtime.publish_message(Note(1), TopicId("notes", "k"))  # nor does this wait for it
                assert (await runtime.send_message(Ask("hi"), talking, timeout=30)).numbers == [2]
                ends = await asyncio.gather(*waiting, return_exceptions=True)
                assert [type(end) for end in ends] == [CallTimeoutError] * 5
                # What waits when it dies is told so.
                last = asyncio.ensure_future(runtime.send_message(Ask("hi"), silent))
                await runtime.send_message(Ask("hi"), talking)
                them.process.kill()
                with pytest.raises(WorkerLostError):
                    await asyncio.wait_for(last, 30)

    asyncio.run(main())


def test_messages_of_protobuf_pass_between_theirs_and_ours(host):
    class Ours(RoutedAgent):
        def __init__(self) -> None:
            super().__init__("ours")
            self.heard: list[int] = []

        @rpc
        async def tell(self, message: str, ctx: MessageContext) -> list[int]:
            return self.heard

        @event
        async def hear(self, message: Int64Value, ctx: MessageContext) -> None:
            self.heard.append(message.value)

    async def main():
        with theirs(host, "pb", PROTOBUF_DATA_CONTENT_TYPE) as them:
            async with worker(host, ours=Ours) as runtime:
                knows(runtime, Told, StringValue, Int64Value)
                await runtime.add_subscription(TypeSubscription("numbers", "ours"))
                told = await runtime.send_message(StringValue(value="hi"), AgentId("pb", "k"))
                assert told == Told("pb/k heard hi", [])
                await runtime.publish_message(Int64Value(value=2**60), TopicId("notes", "k"))
                assert them.said() == {"heard": 2**60, "topic": "notes/k", "by": "pb/k"}
                them.tell(publish="numbers", fields={"value": 7}, protobuf=True)
                async with asyncio.timeout(20):
                    while await runtime.send_message("?", AgentId("ours", "autogen")) != [7]:
                        pass

    asyncio.run(main())
