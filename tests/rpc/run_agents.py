"""Agents for runs: they stream, wait at gates that a test opens, and ask other agents."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict

from nbagents import asking
from nbagents.agents import AgentBase
from nbagents.exceptions import CallCancelledError
from nbagents.message import Msg

gates: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)


class Keeper(AgentBase):
    """Waits at a gate of its name, which closes behind it, then says so."""

    async def reply(self, x=None):
        await gates[self.name].wait()
        gates[self.name].clear()
        return Msg(self.name, f"{self.name} went on")


class Warden(AgentBase):
    """Opens gates."""

    async def reply(self, name):
        gates[name].set()
        return "open"


class Streamer(AgentBase):
    """Streams pieces, waits at its gate, and says it all, or fails."""

    async def reply(self, x=None):
        from nbagents import events

        for number in range(10):
            events.emit("delta", text=f"{number} ")
        await gates[self.name].wait()
        if x == "fail":
            raise ValueError("no more")
        return Msg(self.name, "".join(f"{n} " for n in range(10)))


class Asker(AgentBase):
    """Asks another agent, and tells how that went."""

    def __init__(self, name, peer):
        super().__init__(name)
        self.peer = peer

    async def reply(self, x=None):
        try:
            answer = await self.peer(x)
        except CallCancelledError as stopped:
            return Msg(self.name, f"the other was stopped: {stopped}")
        return Msg(self.name, f"it said {answer.content}")


class Curious(AgentBase):
    """Asks a person, waiting for the answer on the loop."""

    async def reply(self, x=None, **about):
        fields = tuple(map(asking.Field.from_dict, about.pop("fields", ())))
        choices = tuple(about.pop("choices", ()))
        asked = asking.Question(self.name, x or "Which?", choices=choices, fields=fields, **about)
        answer = await asking.fill(asked)
        return Msg(self.name, answer.text, metadata=dict(answer.fields) | {"how": answer.how})


class Blunt(AgentBase):
    """Asks a person, on a thread of its own."""

    def reply(self, x=None):
        return asking.ask(asking.Question(self.name, x or "Which?"))


class Grumbler(AgentBase):
    """Writes into the log."""

    async def reply(self, x=None):
        logging.getLogger("grumbler").warning("%s", x)
        return "said"
