"""What the running code knows of its surroundings, carried by context variables.

The call whose body runs here, the run (one cell, one pipeline) that it belongs to, the workspace
that its agents live in, and the moment by which it must be over. Copied with the context when a
call is made, so an agent sees what its caller saw.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Protocol

__all__ = ["Frame", "approve", "card", "deadline", "frame", "retry", "run", "traceparent", "workspace"]


class Frame(Protocol):
    """The call whose body runs here, as much of it as the ground floor may know."""

    id: str
    agent_name: str
    run: str
    approve: Mapping[str, str] | None
    parent_id: str
    done: bool
    error: BaseException | None


frame: ContextVar[Frame | None] = ContextVar("nbagents_frame", default=None)
run: ContextVar[str] = ContextVar("nbagents_run", default="")
approve: ContextVar[Mapping[str, str] | None] = ContextVar("nbagents_approve", default=None)
"""What was said beforehand of the tools that are called here, by effect, as a run or a caller says it."""
card: ContextVar[bool] = ContextVar("nbagents_card", default=False)
"""Does a card show what the agents of this run say? Then they need not print it."""
workspace: ContextVar[str] = ContextVar("nbagents_workspace", default="")
deadline: ContextVar[float | None] = ContextVar("nbagents_deadline", default=None)
"""Seconds of ``time.monotonic`` by which the calls made here must end."""
retry: ContextVar[bool] = ContextVar("nbagents_retry", default=False)
"""Is it safe to repeat the calls made here, should the server die meanwhile?"""
traceparent: ContextVar[str] = ContextVar("nbagents_traceparent", default="")
"""The span that the running code is in, as the W3C writes it, for calls to servers and requests to models;
"" while nothing is traced."""
