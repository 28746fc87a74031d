"""`MessageContext`: what a handler is told of the message that it gets."""

from __future__ import annotations

from dataclasses import dataclass

from ._agent_id import AgentId
from ._cancellation import CancellationToken
from ._topic_id import TopicId

__all__ = ["MessageContext"]


@dataclass(slots=True)
class MessageContext:
    """Where a message comes from, and what is expected of its handler."""

    sender: AgentId | None
    """Who sent it; None if that was no agent."""
    topic_id: TopicId | None
    """The topic that it was published to; None for a direct message."""
    is_rpc: bool
    """Does its sender wait for a reply?"""
    cancellation_token: CancellationToken
    """The sender's hand on this: pass it on to what the handler asks for."""
    message_id: str
    """Names the message, the same for all who get it."""
