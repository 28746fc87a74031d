"""Agents that take one message at a time and ask each other crosswise, from worker to worker, do not hang."""

from __future__ import annotations

import asyncio
import contextlib
import itertools

import pytest
from topic_agents import Ask, Crossed, Gate, Told
from topics_here import knows, program, worker

from nbagents.exceptions import DeadlockError
from nbagents.topics import AgentId

pytestmark = pytest.mark.timeout(180)
numbers = itertools.count()
LONG_BOUND = 60


def ring(size: int) -> tuple[str, dict[str, str]]:
    """Return a gate's type, and for each type of a ring what its agents are made with."""
    gate, kinds = f"ringgate{next(numbers)}", [f"ring{next(numbers)}" for _ in range(size)]
    return gate, {kind: f"{gate}/x+{kinds[n - size + 1]}/x" for n, kind in enumerate(kinds)}


async def asked_all(runtime, kinds) -> list:
    work = [runtime.send_message(Ask("cross"), AgentId(kind, "x"), timeout=LONG_BOUND) for kind in kinds]
    return await asyncio.gather(*work, return_exceptions=True)


@pytest.mark.parametrize("size", [2, 3])
def test_those_of_several_workers_end_in_an_error_for_one_and_go_on(server, size):
    gate, kinds = ring(size)

    async def main():
        async with worker(server) as runtime:
            knows(runtime, Told)
            await Gate.register(runtime, gate, lambda: Gate(str(size)))
            done = await asked_all(runtime, kinds)
            again = await runtime.send_message(Ask("free"), AgentId(next(iter(kinds)), "x"))
            return done, again.text

    with contextlib.ExitStack() as running:
        for kind, to in kinds.items():
            running.enter_context(program(server.address, f"{kind}=Crossed:{to}"))
        done, again = asyncio.run(main())
    refused = [one for one in done if isinstance(one, DeadlockError)]
    assert refused, done
    # Each one whose answer waits for the refused one's has its error; whoever was asked by it has answered.
    assert all(isinstance(one, Told | DeadlockError) for one in done), done
    assert any(isinstance(one, Told) for one in done), done
    assert all(f"{kind}/x" in str(refused[0]) for kind in kinds)
    assert again == f"{next(iter(kinds))} heard free"


def test_those_of_one_worker_are_told_at_once(server):
    gate, kinds = ring(2)

    async def main():
        async with worker(server) as runtime:
            knows(runtime, Told)
            await Gate.register(runtime, gate, lambda: Gate("2"))
            for kind, to in kinds.items():
                await Crossed.register(runtime, kind, lambda to=to: Crossed(to))
            return await asked_all(runtime, kinds)

    assert sorted(type(one).__name__ for one in asyncio.run(main())) == ["DeadlockError", "Told"]


def test_a_long_wait_that_is_no_ring_is_left_alone(server):
    gate, kinds = ring(2)
    (one, to), (other, _) = kinds.items()

    async def main():
        async with worker(server) as runtime:
            knows(runtime, Told)
            await Crossed.register(runtime, one, lambda: Crossed(to))
            work = [runtime.send_message(Ask("busy", 3.5), AgentId(other, "x"))]
            work += [runtime.send_message(Ask("cross", 0.1), AgentId(one, "x"))]
            return [told.text for told in await asyncio.gather(*work)]

    with program(server.address, f"{other}=Crossed:{gate}/x+{one}/x"):
        assert asyncio.run(main()) == [f"{other} heard busy", f"{other} heard hello"]
