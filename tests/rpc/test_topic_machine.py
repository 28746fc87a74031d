"""Random programs of workers that come, go, are cut off and cancel: each message ends once and rightly."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest
from chaos import chaos
from topic_agents import Answerer, Ask, Listener, Note, Told
from topics_here import knows

from nbagents.exceptions import (
    CallCancelledError,
    CallTimeoutError,
    UndeliverableException,
    WorkerLostError,
)
from nbagents.rpc import GrpcWorkerAgentRuntime, RpcAgentServerLauncher
from nbagents.topics import AgentId, CancellationToken, TopicId, TypeSubscription

pytestmark = [pytest.mark.timeout(300), pytest.mark.long]
STEPS, SENDERS = 60, 3
ENDS = (Told, CallCancelledError, CallTimeoutError, UndeliverableException, WorkerLostError)


@pytest.fixture(scope="module")
def behind():
    """A host, and a proxy before it which cuts connections."""
    with RpcAgentServerLauncher(port=0) as launcher, chaos(launcher.port) as proxy:
        yield launcher, proxy


class Program:
    """One random program, and what must be so at its end."""

    def __init__(self, seed: int, launcher, proxy) -> None:
        self.random, self.launcher, self.proxy = random.Random(seed), launcher, proxy
        self.kinds = [f"s{seed}k{number}" for number in range(2)]
        self.topic, self.ear = f"s{seed}topic", f"s{seed}ear"
        self.serving: dict[str, GrpcWorkerAgentRuntime] = {}
        self.sent: list[tuple[str, asyncio.Task]] = []
        self.published: list[tuple[int, asyncio.Task]] = []

    async def worker(self) -> GrpcWorkerAgentRuntime:
        runtime = GrpcWorkerAgentRuntime(f"127.0.0.1:{self.proxy.port}", token=self.launcher.token)
        await runtime.start()
        knows(runtime, Told)
        return runtime

    async def run(self) -> None:
        hearing = await self.worker()
        await Listener.register(hearing, self.ear, Listener)
        await hearing.add_subscription(TypeSubscription(self.topic, self.ear))
        listener = await hearing.try_get_underlying_agent_instance(AgentId(self.ear, "x"), Listener)
        self.senders = [await self.worker() for _ in range(SENDERS)]
        for step in range(STEPS):
            act = self.random.choice([self.send] * 3 + [self.publish] * 2 + [self.change, self.cut])
            await act(step)
            if self.random.random() < 0.3:
                await asyncio.sleep(self.random.random() / 50)
        ends = await asyncio.wait_for(
            asyncio.gather(*(task for _, task in self.sent), return_exceptions=True), 60
        )
        for (text, _), end in zip(self.sent, ends, strict=True):
            assert isinstance(end, ENDS), end
            if isinstance(end, Told):
                assert end.text == text  # nobody gets another's reply
        await asyncio.wait_for(asyncio.gather(*(task for _, task in self.published)), 60)
        for runtime in (*self.senders, *self.serving.values(), hearing):
            await runtime.stop()
        assert Counter(listener.heard) == Counter(number for number, _ in self.published)
        for sender in range(SENDERS):  # in the order of each
            mine = [number for number in listener.heard if number % SENDERS == sender]
            assert mine == sorted(mine)

    async def send(self, step: int) -> None:
        text, token = f"message {step}", CancellationToken()
        agent = AgentId(self.random.choice(self.kinds), self.random.choice("ab"))
        seconds = self.random.choice([0.0, 0.0, 0.02, 0.1])
        work = self.random.choice(self.senders).send_message(
            Ask(text, seconds), agent, cancellation_token=token, timeout=self.random.choice([0.05, 30, 30])
        )
        self.sent.append((text, asyncio.ensure_future(work)))
        if self.random.random() < 0.2:
            asyncio.get_running_loop().call_later(self.random.random() / 20, token.cancel)

    async def publish(self, step: int) -> None:
        sender = self.random.randrange(SENDERS)
        number = step * SENDERS + sender
        work = self.senders[sender].publish_message(Note(number), TopicId(self.topic, "x"))
        self.published.append((number, asyncio.ensure_future(work)))
        await asyncio.sleep(0)  # so that it is sent before the next

    async def change(self, step: int) -> None:
        kind = self.random.choice(self.kinds)
        runtime = self.serving.pop(kind, None)
        if runtime is None:
            self.serving[kind] = runtime = await self.worker()
            await Answerer.register(runtime, kind, Answerer)
        else:
            await runtime.stop()

    async def cut(self, step: int) -> None:
        self.proxy.cut()


@pytest.mark.parametrize("seed", range(6))
def test_random_programs(behind, seed: int):
    asyncio.run(Program(seed, *behind).run())
