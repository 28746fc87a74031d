"""`tell`: emits what happens to a call: that it was queued, started, and how it ended."""

from __future__ import annotations

from typing import Any

from .. import events
from ..message import Msg
from ._call import Call
from ._deadlock import dependencies

__all__ = ["tell"]


def tell(kind: str, call: Call) -> None:
    """Emit an event of a call, of which somebody wants to hear; nothing of one that is no agent's."""
    if call.agent is None:
        return
    data: dict[str, Any] = {}
    if kind == "done":
        data["message"] = call.value
    elif kind == "failed":
        data["error"] = call.error
    elif kind == "queued":
        data["method"] = call.method
        data["waits_for"] = tuple(dep.id for dep in dependencies(call))
        if call.args and (names := _senders(call.args[0])):
            data["took_from"] = names
    events.publish(events.Event(kind, call.id, call.agent_name, call.run, call.parent_id, data, source=call))


def _senders(said: Any) -> tuple[str, ...]:
    """Return whose messages these are, where they have arrived."""
    messages = said if isinstance(said, (list, tuple)) else (said,)
    return tuple(dict.fromkeys(message.name for message in messages if type(message) is Msg))
