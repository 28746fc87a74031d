"""`tell`: emits what happens to a call: that it was queued, started, and how it ended."""

from __future__ import annotations

from typing import Any

from .. import events
from ._call import Call
from ._deadlock import dependencies

__all__ = ["tell"]


def tell(kind: str, call: Call) -> None:
    """Emit an event of a call, if anybody listens."""
    if call.agent is None or not events.wanted(call):
        return
    data: dict[str, Any] = {}
    if kind == "done":
        data["message"] = call.value
    elif kind == "failed":
        data["error"] = call.error
    elif kind == "queued":
        data["method"] = call.method
        data["waits_for"] = tuple(dep.id for dep in dependencies(call))
    events.publish(events.Event(kind, call.id, call.agent_name, call.run, call.parent_id, data, source=call))
