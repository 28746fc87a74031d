"""Agents whose servers die, and agents that mind being called twice."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
from pathlib import Path

from nbagents import idempotency_key
from nbagents.agents import AgentBase

MIB = 2**20


class Tally(AgentBase):
    """Does its work once for each key: notes it in a file of that name; takes a moment over it."""

    def __init__(self, name, folder, seconds=0.0):
        super().__init__(name)
        self.folder, self.seconds = folder, seconds

    async def reply(self, x):
        await asyncio.sleep(self.seconds)
        self.work(x.content, idempotency_key())
        return f"{x.content} done"

    def work(self, what, key):
        with open(Path(self.folder, "runs"), "a") as runs:
            runs.write(f"{what} {key}\n")
        note = Path(self.folder, f"{key or 'no key'}.done")
        if not note.exists():  # the file appears whole or not at all, whenever the server is killed
            draft = note.with_suffix(".draft")
            draft.write_text(f"{what}\n")
            draft.rename(note)


class Glutton(AgentBase):
    """Eats memory until there is none for this server."""

    async def reply(self, x=None):
        limit = address_space() + 128 * MIB
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        eaten = []
        while True:
            eaten.append(bytearray(8 * MIB))
            await asyncio.sleep(0)


def address_space() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")


class Unlucky(AgentBase):
    """Logs what ought not to be logged, and takes the server along."""

    def reply(self, x=None):
        for number in range(30):
            logging.getLogger("unlucky").warning("line %s, with the key sk-0123456789abcdef", number)
        os._exit(7)
