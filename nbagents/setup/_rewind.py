"""`rewind`: forget what came after a message, which is named by its number."""

from __future__ import annotations

from ..agents import AgentBase, revise
from ..exceptions import UsageError

__all__ = ["message_at", "rewind"]


def message_at(agent: AgentBase, number: int) -> str:
    """Return the id of a message by its number, as a memory shows it; "" for the system prompt. Waits.

    Raises:
        UsageError: there is none of that number.
    """
    told = revise(agent).result().content
    ids = [*([""] if told["sys_prompt"] else []), *(str(entry["id"]) for entry in told["entries"])]
    if not 0 < number <= len(ids):
        has = f"{len(ids)} message{'' if len(ids) == 1 else 's'}"
        raise UsageError(f"{agent._name} has {has}, and none of the number {number}")
    return ids[number - 1]


def rewind(agent: AgentBase, number: int) -> int:
    """Have an agent forget what came after a message, after the calls made before; return how many it forgot.

    That can be taken back, as other changes of a memory.

    Raises:
        UsageError: there is no message of that number, or its memory cannot be changed.
    """
    message_id = message_at(agent, number)
    before = len(revise(agent).result().content["entries"])
    change = {"op": "rewind", "id": message_id} if message_id else {"op": "clear"}
    return before - len(revise(agent, change).result().content["entries"])
