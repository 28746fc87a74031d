"""`Memories`: what the agents of a server remember, changed by a person and shown as their models see it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..agents import revise
from ..exceptions import AgentCallError
from ._agents import AgentTable
from ._codec import to_json
from ._fields import Fields
from ._limits import LONGEST_ID

if TYPE_CHECKING:
    from ._session import Session

__all__ = ["Memories"]


class Memories:
    """The memories of the agents of one server. On the loop only."""

    def __init__(self, agents: AgentTable) -> None:
        self._agents = agents

    async def edit(self, _: Session, asked: Fields) -> Any:
        """Change an agent's memory in a turn of its own, safely kept; return what it remembers then.

        Raises:
            AgentNotFoundError: no such agent.
            UsageError: no such message is remembered, there is no such operation, or no memory.
        """
        agent = self._agents.get(asked.id("agent")).agent
        found = await revise(agent, asked.table("operation"))
        return json.loads(to_json(found.content["entries"]))

    async def fork(self, _: Session, asked: Fields) -> Any:
        """Make an agent like another one, memory and all; return what is told of it.

        Raises:
            AgentNotFoundError, UsageError: as `AgentTable.fork` has it.
        """
        after = asked.text("after", LONGEST_ID) if "after" in asked else None
        forked = await self._agents.fork(asked.id("agent"), asked.id("name"), after)
        return json.loads(to_json(forked.about()))

    async def sent(self, _: Session, asked: Fields) -> Any:
        """Return what an agent's model would be sent now.

        Raises:
            AgentNotFoundError, AgentCallError: no such agent, or it has no model.
        """
        agent = self._agents.get(asked.id("agent")).agent
        found = await revise(agent)
        if found.content["sent"] is None:
            raise AgentCallError(f"{agent._name} has no model")
        return json.loads(to_json(found.content["sent"]))
