"""Tells whoever listens to events what a worker sends and handles; the kinds are those of one process."""

from __future__ import annotations

from typing import Any

from ... import context, events
from .._proto import agent_pb2 as pb

__all__ = ["seen"]


def seen(kind: str, post: pb.Post, agent: str, **data: Any) -> None:
    """Tell of a message: "sent" by an agent, or by nobody, or "handled" by one. Ask `events.active` first."""
    data |= {"type": post.body.type, "message": post.message_id}
    if post.HasField("topic"):
        data["topic"] = f"{post.topic.type}/{post.topic.source}"
    else:
        data["recipient"] = f"{post.agent.type}/{post.agent.key}"
    if kind == "sent" and not agent and (frame := context.frame.get()) is not None:
        data["caller"] = frame.agent_name
    events.publish(events.Event(kind, agent=agent, run=context.run.get(), data=data))
