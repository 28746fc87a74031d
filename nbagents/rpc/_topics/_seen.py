"""Tells whoever listens to events what a worker sends and handles; the kinds are those of one process."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from ... import context, events
from .._proto import agent_pb2 as pb

__all__ = ["belong", "carry", "seen"]

RUN, LONGEST = "nbagents-run", 64
_told: ContextVar[str] = ContextVar("nbagents_told_run", default="")
"""The run that the message belongs to which is being handled here, as whoever sent it says. For events alone:
what may be done in a run is not told by a message."""


def carry(post: pb.Post) -> None:
    """Note in a message that leaves which run it belongs to, if it does."""
    run = _told.get() or context.run.get()
    if run:
        post.metadata[RUN] = run


def belong(post: pb.Post) -> None:
    """Let what this task sends and handles belong to the message's run."""
    _told.set(post.metadata.get(RUN, "")[:LONGEST])


def seen(kind: str, post: pb.Post, agent: str, **data: Any) -> None:
    """Tell of a message: "sent" by an agent, or by nobody, or "handled" by one. Ask `events.active` first."""
    data |= {"type": post.body.type, "message": post.message_id}
    if post.HasField("topic"):
        data["topic"] = f"{post.topic.type}/{post.topic.source}"
    else:
        data["recipient"] = f"{post.agent.type}/{post.agent.key}"
    if kind == "sent" and not agent and (frame := context.frame.get()) is not None:
        data["caller"] = frame.agent_name
    run = _told.get() or context.run.get()
    events.publish(events.Event(kind, agent=agent, run=run, data=data))
