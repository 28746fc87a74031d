"""Agents that ask other agents, of their own server or of another one; servers under test import them."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from pathlib import Path
from typing import ClassVar

import psutil

from nbagents.agents import AgentBase, Call, scheduler
from nbagents.message import Msg, PlaceholderMessage
from nbagents.rpc import AgentGroup, RpcAgent, RpcAgentClient

REAL_TIME = time.time
noted: dict[str, float] = {}
"""When something happened to an agent of this process, by its name and what it was."""
NEXT = {"twice": "ask", "ask": "who?"}
"""What an `Asker` asks in its turn; anything else it passes on."""


def elsewhere(address: str, agent_id: str) -> RpcAgent:
    """Return a proxy of an agent of another server, or of this one, by the way over the wire."""
    client = RpcAgentClient(address)
    return RpcAgent(f"far-{agent_id[:4]}", agent_id, connect=lambda: client.attachment)


def text_of(x: object) -> str:
    return x.content if isinstance(x, Msg) else str(x)


class Hop(AgentBase):
    """Asks the next one, and adds one to its answer."""

    def __init__(self, name, after=None):
        super().__init__(name, use_memory=False)
        self.after = after

    async def reply(self, x=None):
        if self.after is None:
            noted[self.name] = time.monotonic()
            await asyncio.sleep(x if isinstance(x, int) else 0)
            return 1
        return 1 + (await self.after(x)).content


class BlockingHop(Hop):
    def reply(self, x=None):
        if self.after is None:
            noted[self.name] = time.monotonic()
            time.sleep(x if isinstance(x, int) else 0)
            return 1
        return 1 + self.after(x).content


class Line(AgentBase):
    """Has a line of agents of which each asks the next one."""

    def __init__(self, name, length, blocking=False):
        super().__init__(name, use_memory=False)
        self.first = None
        for number in range(length):
            self.first = (BlockingHop if blocking else Hop)(f"{name}.{number}", self.first)

    async def reply(self, x=None):
        return (await self.first(x)).content


class Narrow(AgentBase):
    """Sets how many threads of its server may run at once; returns how many could."""

    async def reply(self, limit):
        before, scheduler().threads.limit = scheduler().threads.limit, limit
        return before


class Asker(AgentBase):
    """Asks another agent, known by address and id, and says what it said; answers "who?" itself."""

    def __init__(self, name, address="", agent_id=""):
        super().__init__(name)
        self.heard = []
        if address:
            self.point(address, agent_id)

    def point(self, address, agent_id):
        self._other = elsewhere(address, agent_id)

    async def reply(self, x=None):
        if isinstance(x, list):
            self.point(*x)
            return "ready"
        if text_of(x) == "who?":
            self.heard.append("who?")
            return self.name
        answer = (await self._other(Msg(self.name, NEXT.get(text_of(x), text_of(x))))).content
        self.heard.append(text_of(x))
        return f"{self.name} < {answer}"


class BlockingAsker(Asker):
    def reply(self, x=None):
        if isinstance(x, list):
            self.point(*x)
            return "ready"
        if text_of(x) == "who?":
            return self.name
        return f"{self.name} < {self._other(Msg(self.name, NEXT.get(text_of(x), text_of(x)))).content}"


class Chatty(AgentBase):
    """Streams, prints, shows a message and asks the next one, where there is one."""

    def __init__(self, name, inside=False, address="", agent_id=""):
        super().__init__(name)
        self._next = Chatty(f"{name}.inner", False, address, agent_id) if inside else None
        if address and not inside:
            self._next = elsewhere(address, agent_id)

    def reply(self, x=None):
        self.speak((last, "one two"[: 4 * n]) for n, last in ((1, False), (2, True)))
        print(f"{self.name} prints")
        return self._next(x).content if self._next is not None else "deep"


class Sleeper(AgentBase):
    """Sleeps, here or in an agent of another server; notes when it began and when it was ended."""

    def __init__(self, name, address="", agent_id=""):
        super().__init__(name, use_memory=False)
        self._other = elsewhere(address, agent_id) if address else None

    async def reply(self, seconds=30):
        noted[f"{self.name} began"] = time.monotonic()
        try:
            await (self._other(seconds) if self._other is not None else asyncio.sleep(seconds))
        except BaseException:
            noted[f"{self.name} ended"] = time.monotonic()
            raise
        noted[f"{self.name} slept"] = time.monotonic()
        return "slept"


class BlockingSleeper(Sleeper):
    def reply(self, seconds=30):
        noted[f"{self.name} began"] = time.monotonic()
        try:
            self._other(seconds).result()
        except BaseException:
            noted[f"{self.name} ended"] = time.monotonic()
            raise
        return "slept"


class Noted(AgentBase):
    """Tells what agents of its process have noted; monotonic time is the same in all of them."""

    async def reply(self, x=None):
        return dict(noted)


class LoopBlocker(AgentBase):
    async def reply(self, x=None):
        time.sleep(2.8)  # noqa: ASYNC251  # this is the mistake
        return "at last"


class Stubborn(AgentBase):
    """Blocks in foreign code until a file appears, then asks another agent."""

    def __init__(self, name, folder):
        super().__init__(name)
        self._folder, self._other = folder, Hop(f"{name}.other")

    def reply(self, x=None):
        if x == "hello":
            return "hello"
        (Path(self._folder) / f"{self.name}.began").touch()
        while not (Path(self._folder) / "release").exists():
            time.sleep(0.01)  # the stubborn line
        noted[f"{self.name} returned"] = time.monotonic()
        try:
            self._other().result()
        except BaseException as error:
            noted[f"{self.name} raised"] = type(error).__name__
            raise
        return "never heard"


class Asking(AgentBase):
    """Asks its model, in a thread."""

    def reply(self, x=None):
        noted[f"{self.name} began"] = time.monotonic()
        try:
            return self.model(self.model.format(Msg("user", "Tell me a long story", "user"))).text
        except BaseException as error:
            noted[f"{self.name} raised"] = type(error).__name__
            noted[f"{self.name} ended"] = time.monotonic()
            raise


class Register(AgentBase):
    """Numbers what it hears; knows its history."""

    def __init__(self, name):
        super().__init__(name, use_memory=False)
        self.history = []

    async def reply(self, x=None):
        if x is None:
            return list(self.history)
        number = len(self.history)
        await asyncio.sleep(0)
        self.history.append(x)
        return [number, x]


class Vitals(AgentBase):
    """Tells how many tasks, threads, open calls and collectable objects its process has."""

    async def reply(self, x=None):
        gc.collect()
        return {
            "tasks": len(asyncio.all_tasks()),
            "threads": threading.active_count(),
            "live": len(scheduler().live),
            "calls": sum(type(found) is Call for found in gc.get_objects()),
            "placeholders": sum(type(found) is PlaceholderMessage for found in gc.get_objects()),
            "rss": psutil.Process().memory_info().rss / 2**20,
        }


class Windowed(AgentBase):
    """Remembers the last ten messages."""

    def reply(self, x=None):
        self.memory.add(x)
        self.memory.delete(range(self.memory.size() - 10))
        return Msg(self.name, f"heard {x.content}")


class Plain(AgentBase):
    def __init__(self, name):
        super().__init__(name, use_memory=False)

    async def reply(self, x=None):
        return Msg(self.name, f"heard {x.content}")


class Treasure:
    """Told from others by being counted: the size of a process tells what its allocator keeps, too."""

    kept: ClassVar[weakref.WeakSet[Treasure]] = weakref.WeakSet()

    def __init__(self):
        self.kept.add(self)


class Treasurer(AgentBase):
    """Holds a treasure, and fails with another one at hand; counts those of all treasurers."""

    async def reply(self, x=None):
        if x == "count":
            return len(Treasure.kept)
        self.treasure = Treasure()
        hand = Treasure()
        if x == "fail":
            raise ValueError(f"lost {hand.__class__.__name__}")
        return "rich"


class Consultant(AgentBase):
    """Asks another one what it thinks, once it has been told whom; the answer to "?" it gives by itself."""

    def __init__(self, name):
        super().__init__(name, use_memory=False)
        self.heard = []

    async def reply(self, x=None, whom=None):
        self.heard.append(x)
        if whom is not None:
            self._whom = elsewhere(*whom)
        elif x == "heard":
            return self.heard[:-1]
        elif x != "?":
            await asyncio.sleep(0.3)  # the other one is in its turn by now
            return f"{self.name} asked {(await self._whom('?')).content}"
        return self.name


class BlockingConsultant(Consultant):
    def reply(self, x=None, whom=None):
        self.heard.append(x)
        if whom is not None:
            self._whom = elsewhere(*whom)
        elif x == "heard":
            return self.heard[:-1]
        elif x != "?":
            time.sleep(0.3)
            return f"{self.name} asked {self._whom('?').content}"
        return self.name


class ClockBreaker(AgentBase):
    """Moves the clock of its process by so many days."""

    async def reply(self, days):
        time.time = lambda: REAL_TIME() + days * 86_400
        return days


class Member(AgentBase):
    """One of a group: asks the one who asked the group, and says what that said."""

    def __init__(self, name, address, chair):
        super().__init__(name, use_memory=False)
        self.chair = elsewhere(address, chair)

    async def reply(self, x=None):
        return (await self.chair("who?")).content


class Chair(AgentBase):
    """Asks all of a group of its own, whose members ask back; reads the replies all at once or one by one."""

    def __init__(self, name, address):
        super().__init__(name, use_memory=False)
        self.address = address

    def reply(self, x=None):
        if text_of(x) == "who?":
            return self.name
        with AgentGroup(Member, 3, ["member", self.address, self.agent_id]) as group:
            replies = group.ask("go")
            return [reply.content for reply in (replies if text_of(x) == "one by one" else replies.result())]
