"""Messages between workers: each reply to its caller, each message once, whatever happens on the way."""

from __future__ import annotations

import asyncio
import random
import time

import pytest
from chaos import chaos, cutting
from topic_agents import Answerer, Ask, Echo, Listener, Note, Told
from topics_here import knows, program, worker

from nbagents.exceptions import CallCancelledError, CallTimeoutError, RemoteAgentError
from nbagents.rpc import GrpcWorkerAgentRuntime, RpcAgentServerLauncher
from nbagents.topics import AgentId, CancellationToken, TopicId, TypeSubscription

pytestmark = pytest.mark.timeout(180)
HERE = AgentId("answerer", "default")


@pytest.fixture(scope="module")
def elsewhere(server):
    """A worker in a process of its own."""
    kinds = ("answerer=Answerer", "relay=Relay:answerer/relayed", "streamer=Streamer", "listener=Listener")
    with program(server.address, *kinds) as running:
        yield running


def test_replies_never_cross(server, elsewhere):
    async def main():
        async with worker(server) as one, worker(server) as other:
            knows(one, Told)
            knows(other, Told)
            asked = {
                f"{name}{number}": runtime
                for number in range(50)
                for name, runtime in (("a", one), ("b", other))
            }
            work = [
                runtime.send_message(Ask(text, random.random() / 10), HERE) for text, runtime in asked.items()
            ]
            replies = await asyncio.gather(*work)
            assert [reply.text for reply in replies] == list(asked)

    asyncio.run(main())


def test_a_handler_sees_whose_message_it_has(server, elsewhere):
    async def main():
        async with worker(server) as runtime:
            knows(runtime, Told)
            reply = await runtime.send_message(
                Ask("who"), AgentId("answerer", "me"), sender=AgentId("someone", "else"), message_id="the-id"
            )
            assert reply.text == "answerer/me someone/else None True the-id"

    asyncio.run(main())


def test_an_agent_asks_another_one_through_the_host(server, elsewhere):
    async def main():
        async with worker(server) as runtime:
            knows(runtime, Told)
            reply = await runtime.send_message(Ask("hello"), AgentId("relay", "default"))
            assert reply.text == "hello, says answerer"
            with pytest.raises(KeyError) as caught:
                await runtime.send_message(Ask("fail"), AgentId("relay", "default"))
            assert isinstance(caught.value, RemoteAgentError)
            assert "in answer" in caught.value.remote_traceback  # the first one's, not the relay's

    asyncio.run(main())


def test_a_cancelled_token_reaches_the_handler_and_those_whom_it_asks(server, elsewhere):
    async def main():
        async with worker(server) as runtime:
            knows(runtime, Told)
            token = CancellationToken()
            waiting = asyncio.ensure_future(
                runtime.send_message(Ask("wait"), AgentId("relay", "default"), cancellation_token=token)
            )
            await runtime.send_message(Ask("hello"), AgentId("relay", "default"))
            token.cancel()
            with pytest.raises(CallCancelledError):
                await asyncio.wait_for(waiting, 10)
            asked = AgentId("answerer", "relayed")
            limit = time.monotonic() + 10
            while (await runtime.send_message(Ask("cancelled"), asked)).text not in ("token", "task"):
                assert time.monotonic() < limit
            with pytest.raises(CallCancelledError):  # and what comes after it
                await runtime.send_message(Ask("hello"), HERE, cancellation_token=token)

    asyncio.run(main())


def test_a_deadline_counts_for_all_that_is_asked_on_the_way(server, elsewhere):
    async def main():
        async with worker(server) as runtime:
            knows(runtime, Told)
            began = time.monotonic()
            with pytest.raises(CallTimeoutError):
                await runtime.send_message(Ask("slow", 20), AgentId("relay", "default"), timeout=0.3)
            assert time.monotonic() - began < 10

    asyncio.run(main())


def test_a_handler_that_streams_is_heard_as_it_goes(server, elsewhere):
    async def main():
        async with worker(server) as runtime:
            knows(runtime, Told)
            streamer, began = AgentId("streamer", "default"), time.monotonic()
            stream = runtime.stream_message(Ask("one two three", 0.2), streamer)
            words = [(told.text, time.monotonic() - began) async for told in stream]
            assert [word for word, _ in words] == ["one", "two", "three"]
            assert words[0][1] < words[2][1] - 0.2
            assert (
                await runtime.send_message(Ask("one two"), streamer)
            ).text == "two"  # the last is the reply
            assert [told.text async for told in runtime.stream_message(Ask("plain"), HERE)] == ["plain"]
            stream = runtime.stream_message(Ask("word " * 1000, 0.02), streamer)
            assert (await anext(stream)).text == "word"
            await stream.aclose()
            limit = time.monotonic() + 10
            while await runtime.send_message("stopped?", streamer) != 1:
                assert time.monotonic() < limit

    asyncio.run(main())


def test_each_agent_gets_a_topics_message_once_and_its_sender_does_not(server):
    topic = f"t{random.getrandbits(64):x}"

    async def main():
        async with worker(server, ears=Listener, others=Listener) as runtime:
            knows(runtime, Told)
            for kind in ("ears", "others"):
                await runtime.add_subscription(TypeSubscription(topic, kind))
            await runtime.publish_message(Note(1), TopicId(topic, "a"), sender=AgentId("ears", "a"))
            await runtime.publish_message(Note(2), TopicId(topic, "a"), sender=AgentId("ears", "b"))
            await runtime.publish_message(Note(3), TopicId("ears:rest", "a"))
            heard = {}
            limit = time.monotonic() + 10
            while heard != {"ears": [2, 3], "others": [1, 2]} and time.monotonic() < limit:
                for kind in ("ears", "others"):
                    heard[kind] = (await runtime.send_message(Ask(""), AgentId(kind, "a"))).numbers
            assert heard == {"ears": [2, 3], "others": [1, 2]}

    asyncio.run(main())


def test_what_was_published_is_delivered_though_the_publisher_stops(server):
    name, topic = f"late{random.getrandbits(64):x}", f"t{random.getrandbits(64):x}"

    async def main():
        heard = GrpcWorkerAgentRuntime(server.address)
        await heard.start()
        await Listener.register(heard, name, Listener)
        await heard.add_subscription(TypeSubscription(topic, name))
        agent = await heard.try_get_underlying_agent_instance(AgentId(name, "x"), Listener)
        publisher = GrpcWorkerAgentRuntime(server.address)
        await publisher.start()
        await asyncio.gather(*(publisher.publish_message(Note(n), TopicId(topic, "x")) for n in range(200)))
        await publisher.stop()
        await heard.stop()  # which lets its handlers end
        return agent.heard

    assert asyncio.run(main()) == list(range(200))


def test_a_worker_that_publishes_to_itself_and_stops_has_heard_it_all(server):
    name, topic = f"own{random.getrandbits(64):x}", f"t{random.getrandbits(64):x}"

    async def main():
        runtime = GrpcWorkerAgentRuntime(server.address)
        await runtime.start()
        await Listener.register(runtime, name, lambda: Listener(0.05))
        await runtime.add_subscription(TypeSubscription(topic, name))
        agent = await runtime.try_get_underlying_agent_instance(AgentId(name, "x"), Listener)
        for number in range(200):
            await runtime.publish_message(Note(number), TopicId(topic, "x"))
        await runtime.stop()
        return agent.heard

    assert asyncio.run(main()) == list(range(200))


def test_a_broken_connection_loses_and_doubles_nothing():
    async def main(address, direct, token):
        near = GrpcWorkerAgentRuntime(address, token=token)
        far = GrpcWorkerAgentRuntime(direct, token=token)
        await near.start()
        await far.start()
        knows(far, Told)
        await Answerer.register(near, "answerer", Answerer)
        await Listener.register(near, "listener", Listener)
        await near.add_subscription(TypeSubscription("news", "listener"))
        listener = await near.try_get_underlying_agent_instance(AgentId("listener", "x"), Listener)
        limit, sent, counted = time.monotonic() + 30, 0, []
        while proxy.cuts < 8 and time.monotonic() < limit:
            replies = await asyncio.gather(
                *(far.send_message(Ask("count"), HERE) for _ in range(20)),
                *(far.publish_message(Note(sent + n), TopicId("news", "x")) for n in range(20)),
            )
            counted += [reply.numbers[0] for reply in replies[:20]]
            sent += 20
        await far.stop()
        await near.stop()
        assert counted == list(range(1, sent + 1))
        assert listener.heard == list(range(sent))

    with RpcAgentServerLauncher(port=0) as launcher, chaos(launcher.port) as proxy, cutting(proxy, 0.1):
        asyncio.run(main(f"127.0.0.1:{proxy.port}", launcher.address, launcher.token))
    assert proxy.cuts >= 8


def test_the_topic_of_a_handler_is_that_of_its_agent(server):
    """Agents of one key stay among themselves: a default topic's source is the key of whoever publishes."""
    first, second = f"e{random.getrandbits(64):x}", f"e{random.getrandbits(64):x}"

    async def main():
        async with worker(server, **{first: Echo, second: Listener}) as runtime:
            knows(runtime, Told)
            for source in ("anna", "otto"):
                await runtime.publish_message(Note(len(source)), TopicId("default", source))
            await runtime.publish_message(Note(9), TopicId("default", "anna"))
            heard, limit = {}, time.monotonic() + 10
            wanted = {"anna": [4, 9, 104, 109], "otto": [4, 104]}
            while heard != wanted and time.monotonic() < limit:
                for source in wanted:
                    reply = await runtime.send_message(Ask(""), AgentId(second, source))
                    heard[source] = sorted(reply.numbers)
            assert heard == wanted

    asyncio.run(main())


def test_a_slow_listener_makes_publishers_wait(server):
    name, topic = f"slow{random.getrandbits(64):x}", f"t{random.getrandbits(64):x}"

    async def main():
        async with worker(server) as runtime:
            await Listener.register(runtime, name, lambda: Listener(1.0))
            await runtime.add_subscription(TypeSubscription(topic, name))
            agent = await runtime.try_get_underlying_agent_instance(AgentId(name, "x"), Listener)
            began = time.monotonic()
            await asyncio.gather(
                *(runtime.publish_message(Note(n), TopicId(topic, "x")) for n in range(5000))
            )
            assert time.monotonic() - began > 0.9  # more than a worker may have before it has handled some
        assert sorted(agent.heard) == list(range(5000))  # its worker lets its handlers end

    asyncio.run(main())


def test_a_worker_answers_while_its_own_loop_is_busy(server):
    async def main():
        async with worker(server, busy=Answerer) as runtime:
            agent = await runtime.try_get_underlying_agent_instance(AgentId("busy", "default"), Answerer)
            with program(server.address, "asking=Relay:busy/default"):
                waiting = asyncio.ensure_future(
                    runtime.send_message(Ask("count"), AgentId("asking", "default"))
                )
                await runtime.get(AgentId("asking", "default"), lazy=False)  # so the question is on its way
                limit = time.monotonic() + 20
                while not agent.count:  # without an await: nothing else runs on this loop
                    assert time.monotonic() < limit
                    time.sleep(0.01)  # noqa: ASYNC251  # as a cell does that computes
                assert (await waiting).text == "counted, says busy"

    asyncio.run(main())
