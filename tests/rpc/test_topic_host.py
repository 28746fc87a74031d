"""Every agent server is a host: who serves what, whose that is, and when it ends."""

from __future__ import annotations

import asyncio
import random
import re
import socket
import time

import pytest
from topic_agents import Answerer, Ask, Clerk, Listener, Note, Told
from topics_here import knows, program, worker

from nbagents.exceptions import (
    AgentNotFoundError,
    AgentServerError,
    AgentServerNotAliveError,
    AgentTypeTakenError,
    AuthenticationError,
    NotAccessibleError,
    RuntimeStateError,
    UndeliverableException,
    UsageError,
)
from nbagents.rpc import GrpcWorkerAgentRuntime, GrpcWorkerAgentRuntimeHost, RpcAgentClient
from nbagents.topics import AgentId, TopicId, TypePrefixSubscription, TypeSubscription

pytestmark = pytest.mark.timeout(120)


def name(start: str = "t") -> str:
    return f"{start}{random.getrandbits(64):x}"


def test_workers_find_a_host_by_its_address_alone():
    host = GrpcWorkerAgentRuntimeHost("localhost:0")
    with pytest.raises(RuntimeStateError, match="not started"):
        asyncio.run(host.stop())
    host.start()
    with pytest.raises(RuntimeStateError, match="already started"):
        host.start()
    port = host.address.rpartition(":")[2]

    async def main():
        async with worker(f"localhost:{port}", answerer=Answerer) as runtime:
            assert repr(runtime) == f"<GrpcWorkerAgentRuntime of localhost:{port} runs: answerer>"
            with program(f"localhost:{port}", "relay=Relay:answerer/x"):
                knows(runtime, Told)
                reply = await runtime.send_message(Ask("hello"), AgentId("relay", "x"))
                assert reply.text == "hello, says answerer"
            again = GrpcWorkerAgentRuntimeHost(f"localhost:{port}")
            with pytest.raises(AgentServerError, match=f"port {port} of localhost is taken"):
                again.start()
        began = time.monotonic()
        await host.stop()
        return time.monotonic() - began

    assert asyncio.run(main()) < 4  # AutoGen's takes five seconds, whatever happens
    host.start()  # and again
    asyncio.run(host.stop())


def test_a_host_whose_cell_is_run_again_takes_the_place_of_the_one_that_nobody_has():
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"localhost:{free.getsockname()[1]}"
    host = GrpcWorkerAgentRuntimeHost(address)
    assert repr(host) == f"<GrpcWorkerAgentRuntimeHost for {address}, not running>"
    host.start()
    first = host.address
    assert repr(host) == f"<GrpcWorkerAgentRuntimeHost listens at {first}>"
    other = GrpcWorkerAgentRuntimeHost(address)
    with pytest.raises(AgentServerError, match="is taken"):
        other.start()  # somebody has that one, and can stop it
    del host
    other.start()
    try:
        assert RpcAgentClient(other.address).is_alive()
    finally:
        asyncio.run(other.stop())
    with pytest.raises(RuntimeStateError, match="not started"):
        asyncio.run(other.stop())


def test_a_worker_without_a_host_says_so_within_seconds():
    runtime = GrpcWorkerAgentRuntime("localhost:1")
    began = time.monotonic()
    with pytest.raises((AgentServerNotAliveError, AuthenticationError)) as told:
        asyncio.run(runtime.start())
    assert time.monotonic() - began < 30
    assert str(told.value.hint).startswith("start it first")
    assert repr(runtime) == "<GrpcWorkerAgentRuntime of localhost:1 does not run: no types>"


def test_a_host_wants_its_token(server):
    runtime = GrpcWorkerAgentRuntime(server.address, token="A" * len(server.token))
    began = time.monotonic()
    with pytest.raises(AuthenticationError):
        asyncio.run(runtime.start())
    assert time.monotonic() - began < 4  # a token that is refused is not tried again


def test_no_token_travels_to_another_machine_in_the_clear():
    runtime = GrpcWorkerAgentRuntime("example.com:50051", token="t")
    with pytest.raises(AgentServerError):  # it must prove itself by TLS, which nobody does there
        asyncio.run(asyncio.wait_for(runtime.start(), 60))


@pytest.mark.parametrize("address", ["localhost", "50051", "localhost:port", ":50051", ""])
def test_an_address_is_a_host_and_a_port(address):
    with pytest.raises(UsageError, match="write host:port"):
        GrpcWorkerAgentRuntimeHost(address)


def test_one_type_has_one_worker_and_is_free_when_that_leaves(server):
    kind = name()

    async def main():
        async with worker(server, **{kind: Answerer}) as first, worker(server) as second:
            knows(first, Told)
            with pytest.raises(AgentTypeTakenError, match=kind):
                await Answerer.register(second, kind, Answerer)
            with pytest.raises(ValueError, match="already exists"):  # it stays claimed there
                await Answerer.register(second, kind, Answerer)
            assert (await first.send_message(Ask("mine"), AgentId(kind, "x"))).text == "mine"
            async with worker(server) as other:
                with pytest.raises(NotAccessibleError):
                    await other.try_get_underlying_agent_instance(AgentId(kind, "y"))
        async with worker(server) as third:
            with pytest.raises(UndeliverableException):
                await third.send_message(Ask("anybody?"), AgentId(kind, "x"))
            with pytest.raises(AgentNotFoundError):
                await third.try_get_underlying_agent_instance(AgentId(kind, "y"))
            await Answerer.register(third, kind, Answerer)

    asyncio.run(main())


def test_nobody_takes_back_what_is_anothers(server):
    kind = name()

    async def main():
        async with worker(server, **{kind: Listener}) as mine, worker(server) as theirs:
            knows(mine, Told)
            subscription = TypeSubscription(name("topic"), kind)
            await mine.add_subscription(subscription)
            with pytest.raises(UsageError, match="does not exist"):
                await theirs.remove_subscription(subscription.id)
            # Nor past the worker's own book.
            theirs._book.add(TypeSubscription("other", kind, id=subscription.id))
            with pytest.raises(UsageError, match="no subscription of the id"):
                await theirs.remove_subscription(subscription.id)
            with pytest.raises(UsageError, match="of the id"):
                await theirs.add_subscription(TypeSubscription("other", kind, id=subscription.id))
            with pytest.raises(UsageError, match="already exists"):
                await mine.add_subscription(TypeSubscription(subscription.topic_type, kind))
            await theirs.publish_message(Note(1), TopicId(subscription.topic_type, "x"))
            await mine.remove_subscription(subscription.id)
            await theirs.publish_message(Note(2), TopicId(subscription.topic_type, "x"))
            limit, heard = time.monotonic() + 10, []
            while not heard and time.monotonic() < limit:
                heard = (await mine.send_message(Ask(""), AgentId(kind, "x"))).numbers
            assert heard == [1]

    asyncio.run(main())


def test_several_workers_share_a_type_and_each_agent_has_one(server):
    kind, topic = name("shared"), name("topic")

    async def main():
        async with worker(server) as runtime:
            knows(runtime, Told)
            await runtime.add_subscription(TypeSubscription(topic, kind))
            agents = [AgentId(kind, f"{n}") for n in range(40)]
            first = [(await runtime.send_message(Ask("count"), agent)).numbers for agent in agents]
            second = [(await runtime.send_message(Ask("count"), agent)).numbers for agent in agents]
            assert (first, second) == ([[1]] * 40, [[2]] * 40)  # each came to the same agent
            with pytest.raises(AgentTypeTakenError):  # those who do not share it are refused
                await Answerer.register(runtime, kind, Answerer)
            lives = (await runtime.topics())["types"][kind]
            assert len(lives) == 2
            given = {}
            for n in range(40):
                who = await runtime.send_message(Ask("process"), AgentId(kind, f"{n}"))
                given.setdefault(who.text, []).append(n)
            assert len(given) == 2
            assert min(map(len, given.values())) > 5

    with program(server.address, f"{kind}*=Answerer"), program(server.address, f"{kind}*=Answerer"):
        asyncio.run(main())


def test_a_worker_that_is_asked_to_end_lets_its_handlers_end(server):
    kind = name()

    async def main(running):
        async with worker(server) as runtime:
            knows(runtime, Told)
            waiting = asyncio.ensure_future(runtime.send_message(Ask("slow", 1.0), AgentId(kind, "x")))
            await asyncio.sleep(0)  # it has begun before
            await runtime.send_message(Ask("hello"), AgentId(kind, "y"))
            assert await asyncio.to_thread(running.stop) == "stopped\n"
            assert (await waiting).text == "slow"

    with program(server.address, f"{kind}=Answerer") as running:
        asyncio.run(main(running))


def test_state_and_metadata_are_had_from_wherever_the_agent_lives(server):
    kind = name()

    async def main():
        async with worker(server) as runtime:
            knows(runtime, Told)
            agent = AgentId(kind, "x")
            assert await runtime.agent_metadata(agent) == {"type": kind, "key": "x", "description": "answers"}
            await runtime.send_message(Ask("count"), agent)
            assert await runtime.agent_save_state(agent) == {"count": 1}
            await runtime.agent_load_state(agent, {"count": 41})
            assert (await runtime.send_message(Ask("count"), agent)).numbers == [42]
            assert await runtime.get(kind, "z", lazy=False) == AgentId(kind, "z")
            with pytest.raises(UndeliverableException):
                await runtime.get("nobody", "z", lazy=False)

    with program(server.address, f"{kind}=Answerer"):
        asyncio.run(main())


def test_a_worker_saves_its_agents_and_keeps_them_over_a_stop(server):
    kind = name()

    async def main():
        runtime = GrpcWorkerAgentRuntime(server.address)
        await runtime.start()
        knows(runtime, Told)
        await Answerer.register(runtime, kind, Answerer)
        agent = AgentId(kind, "x")
        await runtime.send_message(Ask("count"), agent)
        assert await runtime.save_state() == {f"{kind}/x": {"count": 1}}
        await runtime.stop()
        await runtime.start()  # its types are told again
        assert (await runtime.send_message(Ask("count"), agent)).numbers == [2]
        await runtime.load_state({f"{kind}/x": {"count": 9}, "unknown/x": {}})
        assert (await runtime.send_message(Ask("count"), agent)).numbers == [10]
        await runtime.close()

    asyncio.run(main())


def test_an_agent_that_takes_one_message_at_a_time_may_be_asked_by_those_whom_it_asks(server):
    one, other = name("clerk"), name("clerk")

    async def main():
        async with worker(server) as runtime:
            knows(runtime, Told)
            await Clerk.register(runtime, one, lambda: Clerk(f"{other}/x"))
            reply = await runtime.send_message(Ask("5"), AgentId(one, "x"), timeout=30)
            assert reply.text == "done"

    with program(server.address, f"{other}=Clerk:{one}/x"):
        asyncio.run(main())


def test_prefixes_match_however_many_there_are(server):
    kind = name()

    async def main():
        async with worker(server, **{kind: Listener}) as runtime:
            knows(runtime, Told)
            await asyncio.gather(
                *(runtime.add_subscription(TypePrefixSubscription(f"{kind}-{n}:", kind)) for n in range(1000))
            )
            await runtime.publish_message(Note(7), TopicId(f"{kind}-999:more", "x"))
            limit, heard = time.monotonic() + 10, []
            while not heard and time.monotonic() < limit:
                heard = (await runtime.send_message(Ask(""), AgentId(kind, "x"))).numbers
            assert heard == [7]

    asyncio.run(main())


def test_what_the_host_tells_names_types_subscriptions_and_counts(server):
    kind, topic = name(), name("topic")

    async def main():
        async with worker(server, **{kind: Listener}) as runtime:
            await runtime.add_subscription(TypeSubscription(topic, kind))
            before = (await runtime.topics())["counts"]
            await runtime.publish_message(Note(1), TopicId(topic, "x"))
            told = await runtime.topics()
            assert kind in told["types"]
            mine = [one for one in told["subscriptions"] if one["agent_type"] == kind]
            wanted = [("default", False), (f"{kind}:", True), (topic, False)]
            assert [(one["topic"], one["prefix"]) for one in mine] == wanted
            assert told["counts"]["published"] == before["published"] + 1
            assert told["counts"]["delivered"] == before["delivered"] + 1
            assert all(re.fullmatch(r"[\w-]+", who) for who in told["types"][kind])

    asyncio.run(main())
