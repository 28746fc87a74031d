"""Agents that take something away from the server that they live in, and give it back."""

from __future__ import annotations

import os
import resource

from nbagents.agents import AgentBase

_held: list[int] = []


def _log_of(journal: str) -> int:
    """The descriptor of the journal's write-ahead log in this process."""
    for name in os.listdir("/proc/self/fd"):
        try:
            if os.readlink(f"/proc/self/fd/{name}") == f"{journal}-wal":
                return int(name)
        except OSError:
            continue
    raise LookupError(journal)


class Thief(AgentBase):
    async def reply(self, what, journal=""):
        if what == "room":
            size = os.stat(f"{journal}-wal").st_size
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + 30_000, resource.RLIM_INFINITY))
        elif what == "no room":
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        elif what == "descriptors":
            hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
            try:
                while True:
                    _held.append(os.open(os.devnull, os.O_RDONLY))
            except OSError:
                pass
        elif what == "no descriptors":
            while _held:
                os.close(_held.pop())
        elif what == "writing":
            log = _log_of(journal)
            _held.extend([os.dup(log), log])
            blind = os.open(f"{journal}-wal", os.O_RDONLY)
            os.dup2(blind, log)
            os.close(blind)
        elif what == "no writing":
            log, kept = _held.pop(), _held.pop()
            os.dup2(kept, log)
            os.close(kept)
        return what
