"""What may become of agent types that live in workers, and of the messages that are with them."""

from __future__ import annotations

from ._base import UsageError
from ._calls import CallError


class AgentTypeTakenError(UsageError):
    """Another worker of the same host serves this agent type already."""


class WorkerLostError(CallError, ConnectionError):
    """The worker that had the message has ended, left, or did not come back in time."""
