"""Agents for the tests of the journal; servers import them by their names."""

from __future__ import annotations

from nbagents.agents import AgentBase
from nbagents.message import Msg


class Keeps(AgentBase):
    """Remembers what it hears and says; counts, and keeps more than texts."""

    n = 0

    async def reply(self, x=None):
        self.n += 1
        self.memory.add(x)
        self.last = x
        self.place = (self.n, b"\x00\xff")
        said = Msg(self.name, f"{self.name} says {self.n}", metadata={"n": self.n, "of": [1, 2.5, None]})
        self.memory.add(said)
        return said


class Still(AgentBase):
    """Answers and changes nothing."""

    async def reply(self, x=None):
        return "as before"


class Tells(AgentBase):
    """Says in its own way what it has become."""

    async def reply(self, x=None):
        self._secretly = getattr(self, "_secretly", 0) + 1
        self.memory.add(x)
        return str(self._secretly)

    def state_dict(self):
        return super().state_dict() | {"counted": getattr(self, "_secretly", 0)}

    def load_state_dict(self, state):
        state = dict(state)
        self._secretly = state.pop("counted")
        super().load_state_dict(state)


class Short(AgentBase):
    """Tells of the last two messages only."""

    async def reply(self, x=None):
        self.memory.add(x)
        return str(self.memory.size())

    def state_dict(self):
        state = super().state_dict()
        return state | {"memory": state["memory"][-2:]}


class Editor(AgentBase):
    """Changes what it remembers."""

    async def reply(self, how="clear"):
        if how == "clear":
            self.memory.clear()
        elif how == "first":
            self.memory.delete(0)
        elif how == "edit":
            self.memory.get_memory()[-1].content = "edited"
        elif how == "bytes":
            self.memory.add(Msg(self.name, {"raw": b"\x01\x02"}))
        elif how == "unfit":
            self.memory.add(Msg(self.name, object()))
        elif how == "fail":
            self.memory.add(Msg(self.name, "before it failed"))
            raise ValueError("as asked")
        else:
            self.memory.add(Msg(self.name, how))
        return how


class Big(AgentBase):
    """Remembers as many kilobytes as it is told."""

    size = 0

    def reply(self, kilobytes=1):
        self.size += kilobytes
        self.memory.add(Msg(self.name, "x" * 1024 * kilobytes))
        return str(self.size)


class HasKey(AgentBase):
    """Has a key of its own, and makes it known."""

    def __init__(self, name, api_key=None):
        super().__init__(name)
        self.api_key = api_key

    async def reply(self, x=None):
        self.heard = x
        return self.api_key[-4:]


class Elsewhere:
    """A memory that is awaited, as one in a database is."""

    def __init__(self):
        self.kept = []

    async def add(self, memories):
        self.kept.append(memories)

    async def get_memory(self):
        return list(self.kept)

    async def size(self):
        return len(self.kept)


class Awaits(AgentBase):
    """Remembers in a memory that is awaited, and counts."""

    n = 0

    def __init__(self, name, **kwargs):
        super().__init__(name, **kwargs)
        self.memory = Elsewhere()

    async def reply(self, x=None):
        self.n += 1
        await self.memory.add(x)
        return f"{self.n}, {len(await self.memory.get_memory())} heard"


class Window(AgentBase):
    """Remembers the last two hundred messages; counts in them."""

    async def reply(self, x=None):
        before = self.memory.get_memory(1)
        said = Msg(self.name, str(int(before[0].content) + 1 if before else 1))
        self.memory.add(said)
        if self.memory.size() > 200:
            self.memory.delete(0)
        return said


class Shuffles(AgentBase):
    """Remembers two hundred messages, in another order after each turn."""

    n = 0

    async def reply(self, x=None):
        self.n += 1
        known = self.memory.get_memory() or [Msg(self.name, str(number)) for number in range(200)]
        self.memory.load([*known[100:], *reversed(known[:100])], overwrite=True)
        return str(self.n)


class Rewrites(AgentBase):
    """Remembers one message and changes what it says."""

    async def reply(self, text=None):
        if not self.memory.size():
            self.memory.add(Msg(self.name, text))
        elif text is None:
            self.memory.add(Msg(self.name, "the end"))
        else:
            self.memory.get_memory()[0].content = text
        return text
