"""What waits between a worker and its host, and in a stream that nobody reads, is bounded in bytes."""

from __future__ import annotations

import asyncio
import itertools
import time

import pytest
from chaos import chaos
from topic_agents import Answerer, Ask, Told, Torrent
from topics_here import knows, program, worker

from nbagents.exceptions import CallTimeoutError, OverloadedError
from nbagents.rpc import GrpcWorkerAgentRuntime, RpcAgentServerLauncher, _frames
from nbagents.rpc._topics import _line, _sending
from nbagents.topics import AgentId

pytestmark = pytest.mark.timeout(180)
numbers = itertools.count()
TEXT = "x" * 100_000


@pytest.fixture(scope="module")
def behind():
    """A server, and a proxy before it."""
    with RpcAgentServerLauncher(port=0) as launcher, chaos(launcher.port) as proxy:
        yield launcher, proxy


async def cut_off(behind, runtime) -> int:
    """Let nobody hear of what this worker sends; return where the server listens."""
    _, proxy = behind
    target, proxy.target = proxy.target, 1  # nobody listens there
    proxy.cut()
    writer = runtime._link._line._stream._writer
    limit = time.monotonic() + 20
    while writer._write is not None:
        assert time.monotonic() < limit
        await asyncio.sleep(0)
    return target


def test_who_sends_more_than_the_host_reads_waits(behind, monkeypatch):
    launcher, proxy = behind
    monkeypatch.setattr(_frames, "MAX_UNACKNOWLEDGED", 400_000)
    kind = f"answerer{next(numbers)}"

    async def main():
        runtime = GrpcWorkerAgentRuntime(f"127.0.0.1:{proxy.port}", token=launcher.token)
        await runtime.start()
        knows(runtime, Told)
        target = await cut_off(behind, runtime)
        agent = AgentId(kind, "x")
        sent = [asyncio.ensure_future(runtime.send_message(Ask(f"{n}{TEXT}"), agent)) for n in range(40)]
        hasty = asyncio.ensure_future(runtime.send_message(Ask(TEXT), agent, timeout=0.5))
        with pytest.raises(CallTimeoutError):
            await hasty
        waiting = runtime._link._line._stream._writer.backlog
        proxy.target = target
        replies = await asyncio.gather(*sent)
        await runtime.stop()
        return waiting, [reply.text.rstrip("x") for reply in replies]

    with program(launcher.address, f"{kind}=Answerer"):
        waiting, replies = asyncio.run(main())
    assert 300_000 < waiting < 600_000
    assert replies == [str(n) for n in range(40)]


def test_who_waits_too_long_for_room_is_told(behind, monkeypatch):
    launcher, proxy = behind
    monkeypatch.setattr(_frames, "MAX_UNACKNOWLEDGED", 150_000)
    monkeypatch.setattr(_line, "ROOM_SECONDS", 0.5)

    async def main():
        runtime = GrpcWorkerAgentRuntime(f"127.0.0.1:{proxy.port}", token=launcher.token)
        await runtime.start()
        await Answerer.register(runtime, f"answerer{next(numbers)}", Answerer)
        target, agent = await cut_off(behind, runtime), AgentId("nobody", "x")
        sent = [asyncio.ensure_future(runtime.send_message(Ask(TEXT), agent)) for _ in range(4)]
        done, left = await asyncio.wait(sent, timeout=20, return_when=asyncio.FIRST_EXCEPTION)
        for one in left:
            one.cancel()
        proxy.target = target
        await runtime.stop()
        return [one.exception() for one in done]

    ended = asyncio.run(main())
    assert ended
    assert all(isinstance(one, OverloadedError) for one in ended)
    assert "has read too little" in str(ended[0])


def test_a_stream_that_is_read_slowly_waits_for_its_reader_and_comes_whole(behind):
    launcher, _ = behind
    kind = f"torrent{next(numbers)}"

    async def main():
        async with worker(launcher) as runtime:
            knows(runtime, Told)
            agent, read, yielded = AgentId(kind, "x"), 0, -1
            async for told in runtime.stream_message(Ask(TEXT, 60), agent):
                assert told.text == TEXT
                read += 1
                if read == 3:  # not a byte more comes than may wait
                    for _ in range(30):
                        yielded = await runtime.send_message("how many?", agent)
            return read, yielded

    with program(launcher.address, f"{kind}=Torrent"):
        read, yielded = asyncio.run(main())
    assert read == 60
    assert yielded < 20


def test_a_worker_that_does_not_wait_for_its_reader_is_stopped(behind, monkeypatch):
    launcher, _ = behind
    kind = f"torrent{next(numbers)}"
    monkeypatch.setattr(_sending, "AHEAD", 0)  # no bound is told
    monkeypatch.setattr(_sending, "MOST_UNREAD", 500_000)

    async def main():
        async with worker(launcher) as runtime:
            knows(runtime, Told)
            await Torrent.register(runtime, kind, Torrent)
            stream = runtime.stream_message(Ask(TEXT, 60), AgentId(kind, "x"))
            await anext(stream)
            agent = await runtime.try_get_underlying_agent_instance(AgentId(kind, "x"), Torrent)
            limit = time.monotonic() + 20
            while runtime._link._sending and time.monotonic() < limit:
                await runtime.send_message("how many?", agent.id)
            with pytest.raises(OverloadedError, match="read too slowly"):
                async for _ in stream:
                    pass
            return agent.yielded

    assert asyncio.run(main()) > 0
