"""Agents that ask other agents and whose servers die meanwhile; each notes what it was asked."""

from __future__ import annotations

import asyncio
from pathlib import Path

from nbagents import idempotency_key
from nbagents.agents import AgentBase
from nbagents.message import Msg


def note(folder, what):
    with open(Path(folder, "runs"), "a") as runs:
        runs.write(f"{what}\n")


def attempt(folder):
    """Return for the how-manieth time this is asked."""
    with open(Path(folder, "attempts"), "a") as attempts:
        attempts.write("x")
    return Path(folder, "attempts").stat().st_size


async def told_to_go_on(folder):
    note = Path(folder, "go on")
    while not note.exists():  # noqa: ASYNC110, ASYNC240  # the test is another process
        await asyncio.sleep(0.01)


class Worker(AgentBase):
    """Does a piece of work and remembers it."""

    def __init__(self, name, folder, seconds=0.0):
        super().__init__(name)
        self.folder, self.seconds, self.count = folder, seconds, 0

    async def reply(self, x=None):
        note(self.folder, f"{self.name} {x.content if x is not None else ''} {idempotency_key()}")
        await asyncio.sleep(self.seconds)
        self.count += 1
        if x is not None:
            self.memory.add(x)
        return f"{self.name} did {x.content if x is not None else 'it'} as number {self.count}"


class Foreman(AgentBase):
    """Asks two workers, one after the other and both at once; then waits until a file is there."""

    def __init__(self, name, folder, workers):
        super().__init__(name)
        self.folder, self.workers = folder, workers

    async def reply(self, x=None):
        one, two = self.workers
        note(self.folder, f"{self.name} begins")
        first = await one(Msg(self.name, f"{x.content} first"))  # made anew by each attempt
        both = await asyncio.gather(one(Msg(self.name, "both")), two(first))
        again = [await two(), await two()]
        note(self.folder, f"{self.name} has all")
        await told_to_go_on(self.folder)
        return [reply.content for reply in (first, *both, *again)]


class Fickle(AgentBase):
    """Asks something else in each attempt."""

    def __init__(self, name, folder, worker):
        super().__init__(name)
        self.folder, self.worker = folder, worker

    async def reply(self, x=None):
        answer = await self.worker(Msg(self.name, f"question {attempt(self.folder)}"))
        await told_to_go_on(self.folder)
        return answer.content


class Ear(AgentBase):
    """Counts what it hears, in its own way; takes a moment over it."""

    def __init__(self, name, folder, seconds=0.0):
        super().__init__(name)
        self.folder, self.seconds, self.heard = folder, seconds, []

    async def observe(self, x):
        await asyncio.sleep(self.seconds)
        note(self.folder, f"{self.name} heard {x.content}")
        self.heard = [*self.heard, x.content]

    async def reply(self, x=None):
        return list(self.heard)


class Deaf(Worker):
    """Holds its server for a while, whatever is asked of it."""

    async def reply(self, x=None):
        await told_to_go_on(self.folder)
        return "woke up"
