"""What an agent remembers, looked at and changed by a person, in a turn of the agent's own.

It makes no difference where the agent lives: the change travels like any other call.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..exceptions import UsageError
from ..memory import TemporaryMemory
from ..message import Msg, PlaceholderMessage, is_muted
from ._scheduler import scheduler

__all__ = ["REVISE", "revise", "revised"]

REVISE = "_revise"
"""The method's name on the wire. Nobody hears such a call but who makes it."""
_LONGEST_DATA = 200  # characters of a picture's data that are shown
CHANGES = ("edit", "mute", "unmute", "delete", "rewind", "undo", "clear")


def revise(agent: Any, change: Mapping[str, Any] | None = None) -> PlaceholderMessage:
    """Change what an agent remembers, after the calls made before; returns at once.

    ``change`` is ``{"op": "edit", "id": ..., "content": ...}``, an op of "mute", "unmute", "delete" or
    "rewind" with the ``id`` of a message (and ``before`` to forget that one too), or "undo" or "clear";
    None changes nothing. The content of the message that arrives is a dictionary: ``entries``, oldest
    first, each with ``id``, ``name``, ``role``, ``content``, ``muted``, ``url``, ``model`` and
    ``timestamp``; ``sent``, exactly what its model would be sent now, or None without a model;
    ``sys_prompt``; and ``undo``, whether a change can be taken back.

    >>> from nbagents.agents import AgentBase
    >>> poet = AgentBase("poet")
    >>> _ = poet.observe(Msg("critic", "Too long!"))
    >>> (entry,) = revise(poet).content["entries"]
    >>> revise(poet, {"op": "mute", "id": entry["id"]}).content["entries"][0]["muted"]
    True

    Raises:
        UsageError: when the answer is read: there is no such message, change, or memory.
    """
    words = (dict(change),) if change is not None else ()
    return scheduler().issue(agent, agent._revise, words, method=REVISE)


def revised(agent: Any, change: Any) -> dict[str, Any]:
    """Do such a change now, in the agent's turn, and return what is remembered then."""
    memory = agent.memory
    if not isinstance(memory, TemporaryMemory):
        kind = "no memory" if memory is None else f"a memory of its own kind ({type(memory).__name__})"
        raise UsageError(f"{agent.name} has {kind}; it cannot be changed from outside")
    if change is not None:
        _change(memory, change, agent.name)
    messages = memory.get_memory()
    system = [Msg("system", agent.sys_prompt, "system")] if agent.sys_prompt else []
    return {
        "entries": [_entry(message) for message in messages],
        "sent": None if agent.model is None else _sent(agent, [*system, *messages]),
        "sys_prompt": agent.sys_prompt,
        "undo": memory.can_undo,
    }


def _sent(agent: Any, messages: list[Msg]) -> Any:
    """Return what its model would be sent, for people: data of pictures is told by its size."""
    try:
        return _shown(agent.model.format(*messages, speaker=agent.name))
    except UsageError as error:  # a file that has gone must not hide the rest
        return [{"role": "system", "content": f"(this cannot be sent: {error})"}]


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shown(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shown(item) for item in value]
    if isinstance(value, str) and len(value) > _LONGEST_DATA and value.startswith("data:"):
        return f"{value.partition(',')[0]},… ({len(value) // 1024} KiB)"
    return value


def _change(memory: TemporaryMemory, change: Any, whose: str) -> None:
    op = change.get("op") if isinstance(change, dict) else None
    which = change.get("id", "") if isinstance(change, dict) else ""
    if op not in CHANGES or not isinstance(which, str):
        raise UsageError(f"the memory of {whose} takes {', '.join(CHANGES)}, not {str(op)[:40]!r}")
    match op:
        case "edit":
            memory.edit(which, change.get("content"))
        case "mute" | "unmute":
            memory.mute(which, muted=op == "mute")
        case "delete":
            memory.forget(which)
        case "rewind":
            memory.rewind(which, before=change.get("before") is True)
        case "clear":
            memory.empty()
        case "undo":
            memory.undo()


def _entry(message: Msg) -> dict[str, Any]:
    metadata = message.metadata
    return {
        "id": message.id,
        "name": message.name,
        "role": message.role,
        "content": message.content,
        "muted": is_muted(message),
        "url": message.url,
        "timestamp": message.timestamp,
        "model": metadata.get("model") if isinstance(metadata, dict) else None,
    }
