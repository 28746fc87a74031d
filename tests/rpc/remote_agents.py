"""Agents that servers under test import from here, by their names."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import hashlib
import os
import random
import resource
import signal
import sys
import time

from nbagents import events
from nbagents.agents import AgentBase
from nbagents.message import Msg
from nbagents.rpc._frames import FrameWriter
from nbagents.rpc._telling import Telling

BUILTIN = {kind.__name__: kind for kind in (ValueError, KeyError, TimeoutError, OSError, ZeroDivisionError)}
noted: dict[str, object] = {}
"""What agents of this process have noted, for `Probe`."""
_gates: dict[str, asyncio.Event] = {}


def note(name: str) -> None:
    """Be no class, and tell when called nevertheless."""
    noted["called for a class"] = name


class Echo(AgentBase):
    """Says what it heard; remembers both."""

    async def reply(self, x=None, **more):
        heard = x if isinstance(x, Msg) else Msg("user", x)
        self.memory.add(heard)
        said = Msg(self.name, f"{self.name} heard {heard.content}", metadata=more or None)
        self.memory.add(said)
        return said


class Renamed(AgentBase):
    """Calls itself what it hears."""

    def reply(self, x=None):
        self.name = x.content
        return f"{self.name} now"


class Mirror(AgentBase):
    """Returns its arguments as they came."""

    async def reply(self, *args, **kwargs):
        return Msg(self.name, [list(args), kwargs])


class Counter(AgentBase):
    n = 0

    def reply(self, x=None):
        self.n += 1
        return f"{self.n}"


class Slow(AgentBase):
    """Answers after as many seconds as it is told; notes that it was cancelled."""

    async def reply(self, seconds=0.2):
        noted[self.name] = "began"
        try:
            await asyncio.sleep(seconds if isinstance(seconds, int | float) else float(seconds.content))
        except asyncio.CancelledError:
            noted[self.name] = "cancelled"
            raise
        noted[self.name] = "ended"
        return f"{self.name} slept"


class Blocking(AgentBase):
    def reply(self, x=None):
        time.sleep(0.2)
        return f"{self.name} slept"


class SlowlyMade(AgentBase):
    def __init__(self, name):
        time.sleep(1)
        super().__init__(name)


class Gate(AgentBase):
    """Answers once it has been opened by an `Opener` with its name."""

    async def reply(self, x=None):
        noted[self.name] = "waits"
        await _gates.setdefault(self.name, asyncio.Event()).wait()
        return f"{self.name} is open"


class Opener(AgentBase):
    async def reply(self, name):
        _gates.setdefault(name, asyncio.Event()).set()
        return "opened"


class Probe(AgentBase):
    """Tells what the others have noted."""

    async def reply(self, name):
        return noted.get(name)


class Failing(AgentBase):
    async def reply(self, kind="ValueError", text="that went wrong"):
        raise BUILTIN.get(kind, RuntimeError)(text)


class OddError(ValueError):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class Misuser(AgentBase):
    async def reply(self, x=None):
        self.memory.add("no message")


class Odd(AgentBase):
    """Fails, or answers, in the ways that are hard to send."""

    async def reply(self, how):
        if how == "error":
            raise OddError
        if how == "exit":
            raise SystemExit(3)
        if how == "surrogate":
            raise ValueError("half \ud800 a pair, and a key sk-0123456789abcdef")
        if how == "set":
            return _quietly(self.name)
        if how == "big":
            return "x" * (140 * 2**20)
        return "fine"


def _quietly(name: str) -> Msg:
    message = Msg(name, "")
    message._content = {"deep": [1, {2, 3}]}
    return message


class Talker(AgentBase):
    """Prints, speaks and streams."""

    def reply(self, x=None):
        print(f"{self.name} thinks")
        self.speak((last, "one two three"[: 4 * n]) for n, last in ((1, False), (2, False), (4, True)))
        return "done"


class Parent(AgentBase):
    """Has agents of its own in the server, which may ask it back."""

    def __init__(self, name, children=2):
        super().__init__(name)
        self.children = [Child(f"{name}.{n}", parent=self) for n in range(children)]

    async def reply(self, x=None):
        if isinstance(x, Msg) and x.content == "who?":
            return self.name
        said = [child(x) for child in self.children]
        return [(await message).content for message in said]


class Child(AgentBase):
    def __init__(self, name, parent):
        super().__init__(name)
        self.parent = parent

    def reply(self, x=None):
        return f"{self.name} of {self.parent(Msg(self.name, 'who?')).content}"


class Ring(AgentBase):
    """Waits for a message that waits for its own."""

    async def reply(self, x=None):
        if x is not None:
            return await self.tail
        first = self.inner(Msg(self.name, "go"))
        self.inner.tail = self.last(first)
        return await first

    def __init__(self, name, head=True):
        super().__init__(name)
        if head:
            self.inner, self.last = Ring(f"{name}.inner", head=False), Echo(f"{name}.last")


class Killer(AgentBase):
    def reply(self, x=None):
        os.kill(os.getpid(), signal.SIGKILL)


class Environment(AgentBase):
    def reply(self, x=None):
        return dict(os.environ)


class Pensive(AgentBase):
    """Takes its time to observe."""

    async def observe(self, x):
        await asyncio.sleep(0.2)
        self.memory.add(x)


class Forgetful(AgentBase):
    """Its memory is none."""

    def __init__(self, name):
        super().__init__(name)
        self.memory = object()

    def reply(self, x=None):
        return "what?"


class Exposure(AgentBase):
    """Tells whether its process may be debugged by others, and how large a core dump it may leave."""

    def reply(self, x=None):
        return [ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE)]


class Fussy(AgentBase):
    def __init__(self, name):
        raise ValueError(f"{name} does not want to be made")


class Quitter(AgentBase):
    def __init__(self, name):
        raise SystemExit(name)


# ---- for the order


def digest(lines: list[str]) -> str:
    return hashlib.sha256("|".join(lines).encode()).hexdigest()[:8]


class Notes(AgentBase):
    """Remembers every message, also one that it was given twice; answers with a digest of them all."""

    def __init__(self, name):
        super().__init__(name, use_memory=False)
        self.notes, self.peers = [], []

    def _observe_now(self, x):
        self.note(x)

    def note(self, x):
        if x is not None:
            self.__dict__["notes"].extend(m.content for m in (x if isinstance(x, list) else [x]))

    async def reply(self, x=None):
        if isinstance(x, Msg) and x.content == "notes?":
            return list(self.notes)
        self.note(x)
        if random.random() < 0.3:
            await asyncio.sleep(random.random() * 0.002)
        for peer in self.peers:
            await peer(Msg(self.name, f"{self.name}?{digest(self.notes)}"))
        said = Msg(self.name, f"{self.name}:{digest(self.notes)}")
        self.note(said)
        return said


class Babbler(AgentBase):
    """Streams as many wide pieces as it is told, about ten thousand a second; its reply is all of them."""

    async def reply(self, count):
        pieces = [f"{number:100} " for number in range(count)]
        for number, piece in enumerate(pieces):
            events.emit("delta", text=piece)
            if number % 100 == 99:
                await asyncio.sleep(0.01)
        return "".join(pieces)


class Misses(AgentBase):
    """Tells how many events the clients of its server have missed and were not told of yet."""

    async def reply(self, x=None):
        return sum(telling.unheard for telling in gc.get_objects() if isinstance(telling, Telling))


class Buffers(AgentBase):
    """Tells how many bytes each session of its server has waiting."""

    async def reply(self, x=None):
        return [writer.backlog for writer in gc.get_objects() if isinstance(writer, FrameWriter)]


def settings(cls: type, *args, **kwargs) -> dict:
    """Return what makes an agent of one of these classes in a server."""
    return {
        "class_name": f"remote_agents:{cls.__name__}",
        "args": args,
        "kwargs": kwargs,
        "import_path": sys.path,
    }
