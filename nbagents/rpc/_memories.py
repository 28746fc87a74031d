"""`Memories`: what the agents of a server remember, changed by a person and shown as their models see it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..agents import AgentBase, Call, scheduler
from ..exceptions import AgentCallError, NbAgentsError, ProtocolError, UsageError
from ._agents import AgentTable
from ._codec import to_json
from ._fields import Fields
from ._limits import LONGEST_ID

if TYPE_CHECKING:
    from ._session import Session

__all__ = ["OPERATIONS", "Memories"]

OPERATIONS = ("edit", "mute", "unmute", "delete", "rewind", "undo")


class Memories:
    """The memories of the agents of one server. On the loop only."""

    def __init__(self, agents: AgentTable) -> None:
        self._agents = agents

    async def edit(self, _: Session, asked: Fields) -> Any:
        """Change an agent's memory in a turn of its own, safely kept, and return it.

        Raises:
            AgentNotFoundError, AgentCallError: no such agent, or it has no memory that can be changed.
            UsageError: no such message is remembered.
            ProtocolError: there is no such operation.
        """
        operation = asked.object("operation") or {}
        what, message_id = operation.get("op"), operation.get("id")
        if what not in OPERATIONS:
            raise ProtocolError(
                f"a memory is changed by one of {', '.join(OPERATIONS)}, not {str(what)[:40]!r}"
            )
        if what != "undo" and not (isinstance(message_id, str) and len(message_id) <= LONGEST_ID):
            raise ProtocolError(f"{what} takes the id of a message")
        if what == "edit" and operation.get("content") is None:
            raise ProtocolError("edit takes the content that is remembered instead")
        agent = self._agents.get(asked.id("agent")).agent
        memory = _memory(agent)

        async def change() -> str:
            match what:
                case "edit":
                    memory.edit(message_id, operation["content"])
                case "mute" | "unmute":
                    memory.mute(message_id, muted=what == "mute")
                case "delete":
                    memory.forget(message_id)
                case "rewind":
                    memory.rewind(message_id)
                case "undo":
                    memory.undo()
            return to_json(memory.get_memory())

        return json.loads(await _in_turn(agent, change))

    async def sent(self, _: Session, asked: Fields) -> Any:
        """Return what an agent's model would be sent now.

        Raises:
            AgentNotFoundError, AgentCallError: no such agent, or it cannot say.
        """
        agent = self._agents.get(asked.id("agent")).agent
        tell = getattr(type(agent), "sent_to_model", None)
        if not callable(tell):
            raise AgentCallError(f"{agent._name} is a {type(agent).__name__}, which cannot say what it sends")
        return json.loads(to_json(tell(agent)))


def _memory(agent: AgentBase) -> Any:
    memory = agent.__dict__.get("memory")
    if memory is None:
        raise AgentCallError(f"Agent [{agent._name}] has no memory")
    if not all(
        callable(getattr(memory, name, None)) for name in ("edit", "mute", "forget", "rewind", "undo")
    ):
        raise AgentCallError(f"the memory of {agent._name} is of a kind that nobody else can change")
    return memory


async def _in_turn(agent: AgentBase, change: Any) -> Any:
    """Run a coroutine function in a turn of the agent's own, after what it was asked before."""
    about: dict[str, Any] = {"kind": "change", "parent": None, "path": (), "client": "", "method": "_change"}
    call = Call(scheduler(), agent, change, (), {}, **about)
    call.read = True  # whoever asked is told
    scheduler().admit(call, run="", workspace="", timeout=None)
    if not call.done:
        await scheduler().signal(call.on_done)
    error = call.error
    if error is None:
        return call.value
    if isinstance(error, NbAgentsError):
        raise error
    raise UsageError(f"the memory of {call.agent_name} could not be changed: {error!r}"[:300])
