"""Agents of runs with limits: one asks another agent, one asks its model many times."""

from __future__ import annotations

from run_agents import gates

from nbagents.agents import AgentBase
from nbagents.message import Msg


class Asker(AgentBase):
    """Passes on what another agent says."""

    def __init__(self, name, other):
        super().__init__(name)
        self.other = other

    async def reply(self, x=None):
        return Msg(self.name, (await self.other(x)).content)


class Talker(AgentBase):
    """Waits at the gate of its name, then asks its model so many times, one after the other."""

    def __init__(self, name, model, times):
        super().__init__(name, model_config_name=model)
        self.times = times

    async def reply(self, x=None):
        await gates[self.name].wait()
        said = [(await self.model([{"role": "user", "content": "?"}])).text for _ in range(self.times)]
        return Msg(self.name, " ".join(said))
