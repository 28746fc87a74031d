"""The load that is the same for all systems with workers; knows none of them."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

ALONE, TOGETHER, BURST = 500, 64, 40
EARS, NEWS = 100, 100


@dataclass
class Text:
    """What is sent."""

    content: str


class Heard:
    """Counts what was delivered, over all agents."""

    count = 0

    @classmethod
    def one(cls) -> None:
        """Count one."""
        cls.count += 1


async def measure(
    send: Callable[[Text], Awaitable[Any]],
    register: Callable[[str], Awaitable[Any]],
    subscribe: Callable[[str], Awaitable[Any]],
    publish: Callable[[Text], Awaitable[Any]],
) -> dict[str, float]:
    """Return seconds: of a round trip, of one of 64 in flight, of a delivery, of 1,000 registrations."""
    text = Text("x" * 200)
    for _ in range(50):
        await send(text)
    trips = []
    for _ in range(ALONE):
        began = time.perf_counter()
        await send(text)
        trips.append(time.perf_counter() - began)
    found = {"sequential": statistics.median(trips)}

    async def one_after_the_other() -> None:
        for _ in range(BURST):
            await send(text)

    began = time.perf_counter()
    await asyncio.gather(*(one_after_the_other() for _ in range(TOGETHER)))
    found["in_flight"] = (time.perf_counter() - began) / (TOGETHER * BURST)
    for number in range(EARS):
        await register(f"ear{number}")
        await subscribe(f"ear{number}")
    began = time.perf_counter()
    for _ in range(NEWS):
        await publish(text)
    while Heard.count < EARS * NEWS:  # noqa: ASYNC110  # an event would belong to one loop
        await asyncio.sleep(0.001)  # which costs both systems the same
    found["delivery"] = (time.perf_counter() - began) / (EARS * NEWS)
    began = time.perf_counter()
    await asyncio.gather(*(register(f"more{number}") for number in range(1000)))
    found["registrations"] = time.perf_counter() - began
    return found
