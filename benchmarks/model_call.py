"""What a call of a model costs this process, beside the openai client alone: CPU time, not waiting.

    python benchmarks/model_call.py [CALLS]

Both ask the offline model, a process of its own, the same thing in turns. Prints milliseconds of CPU time
for a call, and the difference.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from typing import Any

import openai

from nbagents.models import OpenAIChatWrapper, demo_endpoint

MESSAGES: Any = [{"role": "user", "content": "What is 17 * 23?"}]
ROUNDS = 5
GOAL = 1.0
"""Milliseconds of our own."""


async def theirs(client: openai.AsyncOpenAI, calls: int, *, stream: bool) -> float:
    """Return the CPU time in milliseconds that a call of the client takes."""
    began = time.process_time()
    for _ in range(calls):
        asked = client.chat.completions.create(model="demo-fast", messages=MESSAGES, stream=stream)
        if stream:
            async for _chunk in await asked:
                pass
        else:
            await asked
    return (time.process_time() - began) / calls * 1000


def ours(model: OpenAIChatWrapper, calls: int) -> float:
    """Return the CPU time in milliseconds that a call of our model takes."""
    began = time.process_time()
    for _ in range(calls):
        model(MESSAGES).result(30)
    return (time.process_time() - began) / calls * 1000


def main() -> None:
    """Measure and print."""
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    base_url, key = asyncio.run(demo_endpoint())
    for stream in (False, True):
        model = OpenAIChatWrapper("bench", "demo-fast", key, base_url, stream=stream)

        async def rival(count: int, stream: bool = stream) -> float:
            async with openai.AsyncOpenAI(api_key=key, base_url=base_url) as client:
                await theirs(client, 5, stream=stream)
                return await theirs(client, count, stream=stream)

        ours(model, 5)
        pairs = [(asyncio.run(rival(calls)), ours(model, calls)) for _ in range(ROUNDS)]
        client, wrapper = (statistics.median(side) for side in zip(*pairs, strict=True))
        how = "in pieces" if stream else "whole"
        print(
            f"an answer {how}: openai {client:.2f} ms, nbagents {wrapper:.2f} ms,"
            f" {wrapper - client:+.2f} ms (goal {GOAL:g} ms)"
        )


if __name__ == "__main__":
    main()
