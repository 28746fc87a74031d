"""What a sandbox costs: the start of Python inside of one, beside the start of Python alone.

    python benchmarks/sandbox.py [RUNS]

Each level and the bare interpreter take turns, on the background loop. Prints the median in milliseconds of
wall time for each level, and how much that is over bare.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable

from nbagents._loop import background
from nbagents.sandbox import Level, Sandbox, best_level

PROGRAM = [sys.executable, "-c", "pass"]
GOAL = 100.0
"""Milliseconds over bare."""


async def bare() -> None:
    """Start Python and wait for its end."""
    process = await asyncio.create_subprocess_exec(*PROGRAM, stdout=asyncio.subprocess.PIPE)
    await process.communicate()


async def measured(work: Callable[[], Awaitable[object]]) -> float:
    """Return how many milliseconds it takes."""
    began = time.perf_counter()
    await work()
    return (time.perf_counter() - began) * 1000


async def main() -> None:
    """Measure and print."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory() as folder:
        levels = [level for level in Level if level <= best_level()]
        boxes = {level: Sandbox(folder, level=level, least=level) for level in levels}
        ways: dict[str, Callable[[], Awaitable[object]]] = {"bare": bare}
        for level, box in boxes.items():
            ways[level.name.lower()] = lambda box=box: box.run(PROGRAM)
        took: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(runs + 2):
            for name, way in ways.items():
                one = await measured(way)
                if number >= 2:
                    took[name].append(one)
    middle = {name: statistics.median(times) for name, times in took.items()}
    for name, median in middle.items():
        over = median - middle["bare"]
        print(
            f"{name:<11} {median:6.1f} ms"
            + (f", {over:+.1f} ms (goal {GOAL:g} ms)" if name != "bare" else "")
        )


if __name__ == "__main__":
    background().run(main())
