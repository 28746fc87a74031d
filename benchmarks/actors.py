"""What calling agents costs in one process, beside bare asyncio and bare threads in the same run.

    python benchmarks/actors.py [rounds]

Each line is the best of several rounds, in which ours and the bare equivalent take turns, since on a
shared machine the ratio is the result: absolute figures vary by a factor of two.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import sys
import threading
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from typing import Any

from nbagents.agents import AgentBase, scheduler
from nbagents.hub import msghub
from nbagents.memory import TemporaryMemory
from nbagents.message import Msg

Measure = Callable[[], float]
message = Msg("user", "hello")
clock = scheduler()
loop = clock.loop


class Returns(AgentBase):
    """Returns what it is given."""

    async def reply(self, x: Any = None) -> Any:
        return x


class ReturnsOnThread(AgentBase):
    """Returns what it is given, from a blocking body."""

    def reply(self, x: Any = None) -> Any:
        return x


class Sleeps(AgentBase):
    """Takes half a second on the loop."""

    async def reply(self, x: Any = None) -> Any:
        await asyncio.sleep(0.5)
        return x


class Blocks(AgentBase):
    """Takes half a second of a thread."""

    def reply(self, x: Any = None) -> Any:
        time.sleep(0.5)
        return x


class Chained(AgentBase):
    """Asks the next agent, if there is one."""

    following: Chained | None = None

    async def reply(self, x: Any = None) -> Any:
        return await self.following(x) if self.following is not None else x


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that ``work`` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def repeated(work: Callable[[], object], times: int) -> Measure:
    """Return a measure of one of ``times`` repetitions, in seconds."""

    def measure() -> float:
        start = time.perf_counter()
        for _ in range(times):
            work()
        return (time.perf_counter() - start) / times

    return measure


def awaited(
    work: Callable[[], Awaitable[object]], times: int, run: Callable[[Any], Any] = clock.background.run
) -> Measure:
    """Return a measure of one of ``times`` awaited repetitions, on the loop where ``run`` runs it."""

    async def all_of_them() -> float:
        start = time.perf_counter()
        for _ in range(times):
            await work()
        return (time.perf_counter() - start) / times

    return lambda: float(run(all_of_them()))


async def nothing() -> Msg:
    """Be the cheapest body there is."""
    return message


def spawned() -> concurrent.futures.Future[Msg]:
    """Start the cheapest body on the loop, from another thread."""
    return asyncio.run_coroutine_threadsafe(nothing(), loop)


async def gathered(*work: Awaitable[object]) -> None:
    """Await all of it."""
    await asyncio.gather(*work)


def bare_chain(depth: int) -> Measure:
    """Return a measure of one level of tasks that await each other."""

    async def level(left: int) -> Msg:
        return await asyncio.create_task(level(left - 1)) if left else message

    return lambda: timed(lambda: clock.background.run(level(depth))) / depth


def chain(depth: int) -> Measure:
    """Return a measure of one level of agents that ask each other."""
    first: Chained | None = None
    for number in range(depth):
        following, first = first, Chained(f"c{number}")
        first.following = following
    assert first is not None
    outermost = first
    return lambda: timed(lambda: outermost(message).result()) / depth


def fan_out(kind: type[AgentBase], number: int) -> Measure:
    """Return a measure of calling so many agents at once."""
    agents = [kind(f"f{index}") for index in range(number)]
    return lambda: timed(lambda: [reply.result() for reply in [agent(message) for agent in agents]])


def bare_threads(number: int) -> Measure:
    """Return a measure of so many threads that sleep half a second."""

    def run() -> None:
        threads = [threading.Thread(target=time.sleep, args=(0.5,)) for _ in range(number)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return lambda: timed(run)


def bare_sleeps(number: int) -> Measure:
    """Return a measure of so many tasks that sleep half a second."""
    return lambda: timed(lambda: clock.background.run(gathered(*(asyncio.sleep(0.5) for _ in range(number)))))


def hub_of_ten() -> Measure:
    """Return a measure of one call in a hub, heard by nine others."""
    agents = [Returns(f"h{index}") for index in range(10)]

    def measure() -> float:
        with msghub(agents):
            start = time.perf_counter()
            for index in range(200):
                agents[index % 10](Msg("user", index))
            sizes = [agent.memory.size() for agent in agents if agent.memory is not None]
            seconds = (time.perf_counter() - start) / 200
        assert min(sizes) > 0
        for agent in agents:
            agent.memory = TemporaryMemory()
        return seconds

    return measure


def observed_by(number: int) -> Measure:
    """Return a measure of one message until so many agents remember it."""
    agents = [Returns(f"o{index}") for index in range(number)]

    def measure() -> float:
        with msghub(agents) as hub:
            start = time.perf_counter()
            hub.broadcast(Msg("host", "hear"))
            assert agents[-1].memory is not None
            assert agents[-1].memory.size() > 0
            seconds = time.perf_counter() - start
        return seconds

    return measure


def bare_appends(number: int) -> Measure:
    """Return a measure of so many callbacks on the loop that append to a list each."""
    memories: list[list[Msg]] = [[] for _ in range(number)]

    def measure() -> float:
        start = time.perf_counter()
        for memory in memories:
            loop.call_soon_threadsafe(memory.append, message)
        spawned().result()
        return time.perf_counter() - start

    return measure


def bytes_each(make: Callable[[], object], number: int = 10_000) -> float:
    """Return how many bytes one of ``number`` new objects takes."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept = [make() for _ in range(number)]
    taken = (tracemalloc.get_traced_memory()[0] - before) / len(kept)
    tracemalloc.stop()
    return taken


def write(step: str, ours: str, bare: str, ratio: float | None) -> None:
    """Print one line of the table."""
    shown = "" if ratio is None else f"{ratio:7.2f}"
    print(f"{step:58}{ours:>12}{bare:>12}{shown:>8}", flush=True)


def compare(step: str, ours: Measure, bare: Measure, rounds: int, unit: str = "us") -> None:
    """Measure both in turn; print the best of each, and the ratio."""
    factor = {"us": 1e6, "ms": 1e3, "s": 1.0}[unit]
    pairs = [(ours(), bare()) for _ in range(rounds)]
    best = [min(column) for column in zip(*pairs, strict=True)]
    digits = 3 if unit == "s" else 1
    ours_best, bare_best = (f"{value * factor:.{digits}f} {unit}" for value in best)
    write(step, ours_best, bare_best, best[0] / best[1])


def main(rounds: int = 5) -> None:
    """Measure and print everything."""
    agent, blocking = Returns("async"), ReturnsOnThread("blocking")
    pool = concurrent.futures.ThreadPoolExecutor(2)

    async def fetch() -> Msg:
        return await asyncio.wrap_future(spawned())

    write("step", "ours", "bare", None)
    compare(
        "read a reply (async body | threadsafe task)",
        repeated(lambda: agent(message).content, 500),
        repeated(lambda: spawned().result(), 500),
        rounds,
    )
    compare(
        "read a reply (blocking body | thread pool)",
        repeated(lambda: blocking(message).content, 500),
        repeated(lambda: pool.submit(lambda: message).result(), 500),
        rounds,
    )
    compare(
        "await a reply on the loop (| create_task)",
        awaited(lambda: agent(message), 2000),
        awaited(lambda: loop.create_task(nothing()), 2000),
        rounds,
    )
    compare(
        "await a reply on another loop (| wrap_future)",
        awaited(lambda: agent(message), 500, asyncio.run),
        awaited(fetch, 500, asyncio.run),
        rounds,
    )

    replies: list[Any] = []
    compare(
        "issue a call, the caller's time (| threadsafe task)",
        repeated(lambda: replies.append(agent(message)), 2000),
        repeated(lambda: replies.append(spawned()), 2000),
        rounds,
    )
    replies[-2].result(), replies[-1].result()
    fan = fan_out(Returns, 5000)
    compare(
        "5,000 calls of 5,000 agents, each (| tasks)",
        lambda: fan() / 5000,
        lambda: timed(lambda: clock.background.run(gathered(*(nothing() for _ in range(5000))))) / 5000,
        rounds,
    )
    compare("a chain of 1,000 agents, each level (| tasks)", chain(1000), bare_chain(400), rounds)
    compare(
        "hub of 10: a call and its 9 observes (| 10 tasks)",
        hub_of_ten(),
        repeated(lambda: clock.background.run(gathered(*(nothing() for _ in range(10)))), 200),
        rounds,
    )
    compare(
        "a message observed by 1,000 agents (| callbacks)",
        observed_by(1000),
        bare_appends(1000),
        rounds,
        "ms",
    )
    for number in (100, 1000):
        compare(
            f"fan-out of {number:,} async agents of 0.5 s (| sleeps)",
            fan_out(Sleeps, number),
            bare_sleeps(number),
            2,
            "s",
        )
        compare(
            f"fan-out of {number:,} blocking agents of 0.5 s (| threads)",
            fan_out(Blocks, number),
            bare_threads(number),
            2,
            "s",
        )
    idle, plain = bytes_each(lambda: Returns("idle")), bytes_each(lambda: TemporaryMemory())
    write(
        "an idle agent with its memory (| the memory alone)", f"{idle:.0f} B", f"{plain:.0f} B", idle / plain
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
