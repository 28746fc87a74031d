"""What has limits between workers: how much may wait, for how long, and how long a cut off worker is kept."""

from __future__ import annotations

import asyncio
import time

import pytest
from chaos import chaos
from topic_agents import Answerer, Ask, Listener, Note, Told
from topics_here import knows, worker

from nbagents.exceptions import CallCancelledError, OverloadedError, UndeliverableException, WorkerLostError
from nbagents.rpc import GrpcWorkerAgentRuntime, RpcAgentServerLauncher
from nbagents.rpc._topics import _desk, _host
from nbagents.topics import AgentId, CancellationToken, TopicId, TypeSubscription

pytestmark = pytest.mark.timeout(180)


def test_publishers_are_told_when_a_worker_handles_nothing(monkeypatch):
    monkeypatch.setattr(_desk, "MOST_EVENTS", 10)
    monkeypatch.setattr(_host, "OVERLOAD_SECONDS", 0.5)

    async def main(address):
        slow, other = GrpcWorkerAgentRuntime(address), GrpcWorkerAgentRuntime(address)
        await slow.start()
        await other.start()
        await Listener.register(slow, "slow", lambda: Listener(5))
        await slow.add_subscription(TypeSubscription("news", "slow"))
        topic = TopicId("news", "x")
        for number in range(10):
            await other.publish_message(Note(number), topic)
        began = time.monotonic()
        late = other.publish_message(Note(10), topic), other.publish_message(Note(11), TopicId("else", "x"))
        ends = await asyncio.gather(*late, return_exceptions=True)
        assert isinstance(ends[0], OverloadedError)
        assert "too much to do for" in str(ends[0])
        assert ends[1] is None  # it has waited for its turn, and concerns others
        assert 0.4 < time.monotonic() - began < 4
        agent = await slow.try_get_underlying_agent_instance(AgentId("slow", "x"), Listener)
        await slow.stop()
        await other.stop()
        return agent.heard

    launcher = RpcAgentServerLauncher(port=0)
    launcher.launch(in_subprocess=False)
    try:
        assert asyncio.run(main(launcher.address)) == list(range(10))
    finally:
        launcher.shutdown()


def test_more_direct_messages_than_a_worker_may_have_are_refused(monkeypatch):
    monkeypatch.setattr(_host, "MOST_GIVEN", 5)

    async def main(address):
        runtime = GrpcWorkerAgentRuntime(address)
        await runtime.start()
        knows(runtime, Told)
        await Answerer.register(runtime, "answerer", Answerer)
        asked = [runtime.send_message(Ask("slow", 0.5), AgentId("answerer", f"{n}")) for n in range(8)]
        ends = await asyncio.gather(*asked, return_exceptions=True)
        await runtime.stop()
        return [type(end) for end in ends]

    launcher = RpcAgentServerLauncher(port=0)
    launcher.launch(in_subprocess=False)
    try:
        assert asyncio.run(main(launcher.address)) == [Told] * 5 + [OverloadedError] * 3
    finally:
        launcher.shutdown()


@pytest.mark.long
def test_a_worker_that_stays_cut_off_is_given_up_and_comes_back_later():
    async def main(launcher, proxy):
        near = GrpcWorkerAgentRuntime(launcher.address)
        far = GrpcWorkerAgentRuntime(f"127.0.0.1:{proxy.port}", token=launcher.token)
        await near.start()
        await far.start()
        knows(near, Told)
        await Answerer.register(far, "answerer", Answerer)
        agent = AgentId("answerer", "x")
        await near.send_message(Ask("hello"), agent)
        proxy.target, target = 1, proxy.target  # nobody listens there
        proxy.cut()
        began = time.monotonic()
        with pytest.raises(WorkerLostError, match="answerer/x"):
            await near.send_message(Ask("hello"), agent)
        assert 20 < time.monotonic() - began < 60
        with pytest.raises(UndeliverableException):
            await near.send_message(Ask("hello"), agent)
        proxy.target = target
        limit = time.monotonic() + 60
        while True:
            try:
                reply = await near.send_message(Ask("back"), agent)
            except UndeliverableException:
                assert time.monotonic() < limit
                await asyncio.sleep(0.1)
            else:
                break
        await near.stop()
        await far.stop()
        return reply.text

    with RpcAgentServerLauncher(port=0) as launcher, chaos(launcher.port) as proxy:
        assert asyncio.run(main(launcher, proxy)) == "back"


def in_process(main):
    launcher = RpcAgentServerLauncher(port=0)
    launcher.launch(in_subprocess=False)
    try:
        return asyncio.run(main(launcher.address))
    finally:
        launcher.shutdown()


def test_a_topics_message_goes_on_once_direct_ones_are_answered(monkeypatch):
    monkeypatch.setattr(_desk, "MOST_GIVEN", 2)
    monkeypatch.setattr(_host, "OVERLOAD_SECONDS", 6)

    async def main(address):
        async with worker(address, answerer=Answerer) as runtime:
            knows(runtime, Told)
            await runtime.add_subscription(TypeSubscription("news", "answerer"))
            asked = [
                asyncio.ensure_future(runtime.send_message(Ask("slow", 0.7), AgentId("answerer", f"{n}")))
                for n in range(2)
            ]
            while (await runtime.topics())["counts"]["sent"] < 2:
                pass
            began = time.monotonic()
            await runtime.publish_message("to all", TopicId("news", "x"))
            await asyncio.gather(*asked)
            return time.monotonic() - began

    assert in_process(main) < 5


def test_what_waits_is_refused_past_so_many_bytes_and_dropped_once_it_is_given_up(monkeypatch):
    monkeypatch.setattr(_desk, "MOST_EVENTS", 1)
    monkeypatch.setattr(_desk, "MOST_WAITING_BYTES", 1000)

    async def main(address):
        async with worker(address) as slow, worker(address) as other:
            knows(slow, Told)
            await Listener.register(slow, "slow", lambda: Listener(1))
            await slow.add_subscription(TypeSubscription("news", "slow"))
            topic, token = TopicId("news", "x"), CancellationToken()
            await other.publish_message(Note(1), topic)
            given_up = asyncio.ensure_future(
                other.publish_message(Note(2), topic, cancellation_token=token, message_id="2" * 1000)
            )
            while not any(one["waiting"] for one in (await slow.topics())["workers"].values()):
                pass
            with pytest.raises(OverloadedError, match="wait for slow ones"):
                await other.publish_message(Note(3), topic)
            token.cancel()
            with pytest.raises(CallCancelledError):
                await given_up
            await other.publish_message(Note(4), topic)
            limit, heard = time.monotonic() + 10, []
            while len(heard) < 2 and time.monotonic() < limit:
                heard = (await slow.send_message(Ask(""), AgentId("slow", "x"))).numbers
            return heard

    assert in_process(main) == [1, 4]
