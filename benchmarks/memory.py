"""What memory costs as it grows: ``python benchmarks/memory.py``. Only the ratios mean anything.

The last thousand of ten thousand messages against the first, added one by one, in lists, and by an agent that
observes; and a search in an index of vectors, with numpy if it is installed.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from nbagents.agents import AgentBase, settled
from nbagents.memory import InMemoryMemory, TemporaryMemory
from nbagents.message import Msg
from nbagents.vectors import VectorIndex


def growing(count: int, begin: Callable[[], Callable[[list[Msg]], object]]) -> float:
    """Return how many times the first thousand the last thousand cost, in the middle of five attempts."""
    ratios = []
    for _ in range(5):
        add, took = begin(), []
        for _ in range(count // 1000):
            messages = [Msg("user", "x" * 200) for _ in range(1000)]
            start = time.perf_counter()
            add(messages)
            took.append(time.perf_counter() - start)
        ratios.append(took[-1] / took[0])
    return statistics.median(ratios)


def one_by_one(kind: type[TemporaryMemory]) -> Callable[[], Callable[[list[Msg]], object]]:
    def begin() -> Callable[[list[Msg]], object]:
        memory = kind()
        return lambda messages: [memory.add(message) for message in messages]

    return begin


def observing() -> Callable[[list[Msg]], object]:
    agent = AgentBase("listens")

    def observe(messages: list[Msg]) -> None:
        for message in messages:
            agent.observe(message)
        settled(agent).result()

    return observe


def searching(count: int, dimensions: int) -> tuple[float, float]:
    """Return the seconds to read an index anew, and the milliseconds of a search."""
    source = random.Random(1)
    with VectorIndex() as index:
        index.add_many(
            (str(n), [source.uniform(-1, 1) for _ in range(dimensions)], None) for n in range(count)
        )
        start = time.perf_counter()
        index.search([1.0] * dimensions)
        read = time.perf_counter() - start
        took = []
        for _ in range(5):
            start = time.perf_counter()
            index.search([source.uniform(-1, 1) for _ in range(dimensions)])
            took.append(time.perf_counter() - start)
    return read, 1000 * statistics.median(took)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=10_000)
    count = options.parse_args().count
    print(f"the last 1,000 of {count:,} messages against the first 1,000:")
    for label, begin in (
        ("TemporaryMemory, one by one", one_by_one(TemporaryMemory)),
        ("InMemoryMemory, one by one", one_by_one(InMemoryMemory)),
        ("TemporaryMemory, in lists", lambda: TemporaryMemory().add),
        ("an agent that observes", lambda: observing()),
    ):
        print(f"  {label:30} {growing(count, begin):5.2f} times")
    read, took = searching(count, 384)
    print(f"a search in {count:,} vectors of 384 numbers: {took:.1f} ms, the first {read:.2f} s")


if __name__ == "__main__":
    main()
