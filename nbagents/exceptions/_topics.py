"""How a message between routed agents may end other than in a reply."""

from __future__ import annotations

from ._base import UsageError
from ._calls import CallError


class CantHandleException(CallError):  # AutoGen's name, which programs catch
    """The agent is there, and takes no such message; or a subscription does not match the topic."""


class UndeliverableException(CallError):  # the same
    """The message reached nobody: no such agent, none could be made, or its runtime has stopped."""


class MessageDroppedException(CallError):  # the same
    """An intervention handler has dropped the message, or its reply."""


class OverloadedError(CallError):
    """There was no room for one more message, and none became free in time."""


class NotAccessibleError(UsageError):
    """The agent lives in another process, so its object cannot be had here."""
