"""What has limits between workers: how much may wait, for how long, and how long a cut off worker is kept."""

from __future__ import annotations

import asyncio
import time

import pytest
from chaos import chaos
from topic_agents import Answerer, Ask, Listener, Note, Told
from topics_here import knows

from nbagents.exceptions import OverloadedError, UndeliverableException, WorkerLostError
from nbagents.rpc import GrpcWorkerAgentRuntime, RpcAgentServerLauncher
from nbagents.rpc._topics import _desk, _host
from nbagents.topics import AgentId, TopicId, TypeSubscription

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
