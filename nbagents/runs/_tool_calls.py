"""`ToolCalls`: the tools that one call of an agent has used, gathered from events. Knows times and texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["ToolCall", "ToolCalls"]

STATES = ("done", "error", "stopped", "denied")
APPROVALS = ("asked", "approved", "edited", "granted", "denied")
REPLAYED = ("replayed", "replayed approved", "replayed edited", "replayed granted")
MOST_PICTURES = 20
MOST = 200
"""Calls of tools kept of one call of an agent; later ones are only counted."""


@dataclass(slots=True)
class ToolCall:
    """One call of a tool; ``state`` is "running", "done", "error", "stopped" or "denied".

    ``approval`` is "" where nobody was asked; else "asked", "approved", "edited",
    "granted" (earlier in the run) or "denied"; "replayed", alone or before one of these, where the answer
    comes from a recording.
    """

    id: str
    name: str
    arguments: Mapping[str, Any]
    began: float
    ended: float | None = None
    output: str = ""
    state: str = "running"
    approval: str = ""
    pictures: tuple[str, ...] = ()
    """As ``data:`` addresses."""


@dataclass(slots=True)
class ToolCalls:
    """What was called so far, in order. Its owner holds the lock."""

    calls: list[ToolCall] = field(default_factory=list)
    missed: int = 0

    def hear(self, kind: str, data: Mapping[str, Any], at: float) -> None:
        """Take in a ``tool_call``, an ``approval`` or a ``tool_result``."""
        call_id, name = str(data.get("id", "")), str(data.get("name", ""))
        if kind == "tool_call":
            if len(self.calls) >= MOST:
                self.missed += 1
                return
            given = data.get("arguments")
            arguments = given if isinstance(given, Mapping) else {} if given is None else {"": given}
            self.calls.append(ToolCall(call_id, name, arguments, at))
            return
        for call in self.calls:
            if call.ended is None and (call.id, call.name) == (call_id, name):
                state = str(data.get("state", "done"))
                if kind == "approval":
                    call.approval = state if state in (*APPROVALS, *REPLAYED) else ""
                    edited = data.get("arguments")
                    call.arguments = edited if isinstance(edited, Mapping) else call.arguments
                    return
                call.ended, call.output = at, str(data.get("output", ""))
                call.state = state if state in STATES else "done"
                pictures = data.get("pictures")
                if isinstance(pictures, list | tuple):
                    call.pictures = tuple(each for each in pictures[:MOST_PICTURES] if _is_picture(each))
                return

    @property
    def pictures(self) -> list[str]:
        """What the tools have drawn."""
        return [each for call in self.calls for each in call.pictures]

    def end(self, at: float) -> None:
        """Close what is still open: nobody will tell of it."""
        for call in self.calls:
            if call.ended is None:
                call.ended, call.state = at, "stopped"


def _is_picture(address: Any) -> bool:
    # Nothing but what it holds itself: another address could name a file of this machine.
    return isinstance(address, str) and address.startswith("data:image/")
