"""How a message between routed agents may end other than in a reply."""

from __future__ import annotations

from ._base import UsageError
from ._calls import CallError


class CantHandleException(CallError):  # noqa: N818  # the name that programs for AutoGen's core catch
    """The agent is there, and takes no such message; or a subscription does not match the topic."""


class UndeliverableException(CallError):  # noqa: N818  # the same
    """The message reached nobody: no such agent, none could be made, or its runtime has stopped."""


class MessageDroppedException(CallError):  # noqa: N818  # the same
    """An intervention handler has dropped the message, or its reply."""


class OverloadedError(CallError):
    """There was no room for one more message, and none became free in time."""


class NotAccessibleError(UsageError):
    """The agent lives in another process, so its object cannot be had here."""
