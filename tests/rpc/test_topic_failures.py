"""Whatever becomes of a message to an agent elsewhere: a result, or a typed error, soon."""

from __future__ import annotations

import asyncio
import itertools
import time

import pytest
import topic_agents
from topic_agents import Answerer, Ask, Listener, Note, Told
from topics_here import knows, program, worker

from nbagents.exceptions import (
    CallTimeoutError,
    CantHandleException,
    MessageTooLargeError,
    RemoteAgentError,
    RuntimeStateError,
    ServerLostError,
    UndeliverableException,
    UsageError,
    WorkerLostError,
)
from nbagents.rpc import GrpcWorkerAgentRuntime, RpcAgentServerLauncher
from nbagents.topics import AgentId, DefaultTopicId, TopicId, TypeSubscription, UnknownPayload

pytestmark = pytest.mark.timeout(120)
numbers = itertools.count()


@pytest.fixture(scope="module")
def elsewhere(server):
    """A worker in a process of its own, with an agent that answers, and a type whose factory fails."""
    with program(server.address, "answerer=Answerer", "broken=broken") as running:
        yield running


def ask(server, message, recipient: str = "answerer/default", **options):
    """Send a message from a worker of this process; return the reply."""

    async def main():
        async with worker(server) as runtime:
            knows(runtime, Told)
            return await runtime.send_message(message, AgentId.from_str(recipient), **options)

    return asyncio.run(main())


def test_an_answer_comes_back(server, elsewhere):
    assert ask(server, Ask("hello")) == Told("hello", [5])


def test_a_handler_that_returns_nothing_answers_nothing(server, elsewhere):
    assert ask(server, Ask("nothing")) is None


@pytest.mark.parametrize(("text", "kind", "said"), [
    ("fail", KeyError, "no such thing"), ("fail without a word", ValueError, "ValueError"),
])  # fmt: skip
def test_what_the_handler_raised_arrives_with_its_traceback(server, elsewhere, text, kind, said):
    with pytest.raises(kind, match=said) as caught:
        ask(server, Ask(text))
    assert isinstance(caught.value, RemoteAgentError)
    assert "topic_agents.py" in caught.value.remote_traceback
    assert "in answer" in caught.value.remote_traceback


def test_a_reply_that_cannot_travel_is_an_error(server, elsewhere):
    with pytest.raises(UsageError, match=r"reply of answerer/default, a Unwritable, cannot travel"):
        ask(server, Ask("unwritable"))


def test_a_reply_of_a_type_that_only_the_caller_does_not_know_comes_as_it_is(server, elsewhere):
    async def main():
        async with worker(server) as runtime:
            return await runtime.send_message(Ask("hello"), AgentId("answerer", "default"))

    reply = asyncio.run(main())
    assert isinstance(reply, UnknownPayload)
    assert (reply.type_name, reply.data_content_type) == ("Told", "application/json")


def test_a_type_that_nobody_serves_is_an_error_at_once(server, elsewhere):
    began = time.monotonic()
    with pytest.raises(UndeliverableException, match="nobody serves nobody/there") as caught:
        ask(server, Ask("hello"), "nobody/there")
    assert "answerer" in caught.value.hint
    assert time.monotonic() - began < 30


def test_a_factory_that_fails_is_an_error(server, elsewhere):
    with pytest.raises(UndeliverableException, match="the factory is broken") as caught:
        ask(server, Ask("hello"), "broken/default")
    assert "in broken" in caught.value.remote_traceback


def test_a_message_that_the_agent_does_not_take_is_an_error(server, elsewhere):
    with pytest.raises(CantHandleException, match="takes no int"):
        ask(server, 3)


def test_what_is_no_value_of_its_type_is_an_error(server, elsewhere):
    with pytest.raises(CantHandleException, match="does not fit"):
        ask(server, UnknownPayload("Ask", "application/json", b'{"other": 1}'))


def test_five_megabytes_travel(server, elsewhere):
    reply = ask(server, Ask("x" * (5 * 2**20)))
    assert reply.numbers == [5 * 2**20]


def test_what_exceeds_the_limit_fails_alone(server, elsewhere):
    async def main():
        async with worker(server) as runtime:
            knows(runtime, Told)
            recipient = AgentId("answerer", "default")
            other = asyncio.ensure_future(runtime.send_message(Ask("slow", 0.2), recipient))
            with pytest.raises(MessageTooLargeError):
                await runtime.send_message(Ask("x" * (130 * 2**20)), recipient)
            return await other

    assert asyncio.run(main()).text == "slow"


def test_a_deadline_ends_the_waiting_and_the_handler(server, elsewhere):
    async def main():
        async with worker(server) as runtime:
            knows(runtime, Told)
            recipient = AgentId("answerer", "deadline")
            began = time.monotonic()
            with pytest.raises(CallTimeoutError, match=r"did not answer within 0\.3 s"):
                await runtime.send_message(Ask("wait"), recipient, timeout=0.3)
            assert 0.25 < time.monotonic() - began < 10
            limit = time.monotonic() + 10
            while not (found := (await runtime.send_message(Ask("cancelled"), recipient)).text):
                assert time.monotonic() < limit, "the handler runs on"
            return found

    assert asyncio.run(main()) in ("token", "task")


def test_a_worker_that_dies_ends_what_was_with_it(server):
    async def main(running):
        async with worker(server) as runtime:
            knows(runtime, Told)
            recipient = AgentId("mortal", "default")
            waiting = [
                asyncio.ensure_future(runtime.send_message(Ask("slow", 30), recipient)) for _ in range(10)
            ]
            await asyncio.sleep(0)  # the others have begun before
            await runtime.send_message(Ask("hello"), recipient)
            running.kill()
            began = time.monotonic()
            ends = await asyncio.gather(*waiting, return_exceptions=True)
            assert time.monotonic() - began < 10
            assert {type(end) for end in ends} == {WorkerLostError}
            with pytest.raises(UndeliverableException):  # and its types are free
                await runtime.send_message(Ask("hello"), recipient)
            await Answerer.register(runtime, "mortal", Answerer)
            return await runtime.send_message(Ask("again"), recipient)

    with program(server.address, "mortal=Answerer") as running:
        assert asyncio.run(main(running)).text == "again"


def test_a_worker_that_ends_itself_in_a_handler_is_told(server):
    with (
        program(server.address, "suicidal=Answerer"),
        pytest.raises(WorkerLostError, match="suicidal/default"),
    ):
        ask(server, Ask("die"), "suicidal/default")


def test_a_host_that_dies_ends_what_was_under_way_and_is_found_again():
    async def main(launcher):
        async with worker(launcher, answerer=Answerer) as runtime:
            waiting = asyncio.ensure_future(runtime.send_message(Ask("slow", 30), AgentId("answerer", "a")))
            await asyncio.sleep(0)  # it has begun before
            await runtime.send_message(Ask("hello"), AgentId("answerer", "b"))
            import os
            import signal

            os.kill(launcher.connection.pid, signal.SIGKILL)
            began = time.monotonic()
            with pytest.raises(ServerLostError):
                await waiting
            assert time.monotonic() - began < 5
            limit = time.monotonic() + 60
            while True:  # the launcher starts another one, which is told of the types
                try:
                    return await runtime.send_message(Ask("back"), AgentId("answerer", "a"))
                except (ServerLostError, UndeliverableException):
                    assert time.monotonic() < limit
                    await asyncio.sleep(0.1)

    with RpcAgentServerLauncher() as launcher:
        assert asyncio.run(main(launcher)).text == "back"


def test_what_was_published_to_nobody_is_no_error(server):
    async def main():
        async with worker(server) as runtime:
            await runtime.publish_message(topic_agents.Note(1), DefaultTopicId("silence"))

    asyncio.run(main())


def test_before_the_start_and_after_the_stop_everything_says_so(server):
    async def main():
        runtime = GrpcWorkerAgentRuntime(server.address)
        for work in (
            runtime.send_message(Ask("x"), AgentId("answerer", "default")),
            runtime.publish_message(Ask("x"), DefaultTopicId()),
            runtime.register_factory("late", Answerer),
            runtime.stop(),
        ):
            with pytest.raises(RuntimeStateError):
                await work
        await runtime.start()
        with pytest.raises(ValueError, match="already running"):
            await runtime.start()
        await runtime.stop()
        with pytest.raises(RuntimeError):
            await runtime.stop()

    asyncio.run(main())


@pytest.mark.parametrize("key", ["", "a\0b", "line\nbreak", "ü→😀", "x" * 4096])
def test_keys_and_sources_of_any_characters_travel(server, key):
    kind, topic = f"odd{next(numbers)}", f"odd{next(numbers)}"

    async def main():
        async with worker(server) as runtime:
            knows(runtime, Told)
            await Answerer.register(runtime, kind, Answerer)
            await Listener.register(runtime, topic, Listener, skip_class_subscriptions=True)
            await runtime.add_subscription(TypeSubscription(topic, topic))
            reply = await runtime.send_message(Ask("who"), AgentId(kind, key), sender=AgentId("me", key))
            assert reply.text.startswith(f"{kind}/{key} me/{key} None True")
            await runtime.publish_message(Note(3), TopicId(topic, key))
            listener = await runtime.try_get_underlying_agent_instance(AgentId(topic, key), Listener)
        assert listener.heard == [3]

    asyncio.run(main())


def test_what_is_no_address_and_no_name_is_refused_before_it_is_sent(server):
    async def main():
        async with worker(server) as runtime:
            with pytest.raises(UsageError, match="a message goes to AgentId"):
                await runtime.send_message("x", "answerer/x")
            with pytest.raises(UsageError, match="a message goes to TopicId"):
                await runtime.publish_message("x", AgentId("answerer", "x"))
            with pytest.raises(UsageError, match="a message_id has 5,000 characters"):
                await runtime.send_message("x", AgentId("answerer", "x"), message_id="x" * 5000)

    asyncio.run(main())
