"""`InterventionHandler`: looks at messages before they are delivered, and may change or drop them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Protocol, final

from ..exceptions import MessageDroppedException
from ..topics import AgentId, MessageContext

__all__ = ["DefaultInterventionHandler", "DropMessage", "InterventionHandler", "Interventions"]

log = logging.getLogger(__name__)


@final
class DropMessage:
    """Returned by an intervention handler, the class or an instance: the message is not delivered."""


class InterventionHandler(Protocol):
    """Sees each message before it is delivered, one after the other, on the runtime's loop.

    Each method returns the message to go on with, another one, `DropMessage`, or None, which changes nothing.
    """

    async def on_send(self, message: Any, *, message_context: MessageContext, recipient: AgentId) -> Any:
        """Look at a direct message. What this raises, its sender gets."""
        ...

    async def on_publish(self, message: Any, *, message_context: MessageContext) -> Any:
        """Look at a published message. What this raises is logged, and the message is not delivered."""
        ...

    async def on_response(self, message: Any, *, sender: AgentId, recipient: AgentId | None) -> Any:
        """Look at a reply: of ``sender``, for ``recipient``. What this raises, ``recipient`` gets."""
        ...


class DefaultInterventionHandler(InterventionHandler):
    """Changes nothing: subclasses write the methods that they need."""

    async def on_send(self, message: Any, *, message_context: MessageContext, recipient: AgentId) -> Any:
        """Return the message as it is."""
        return message

    async def on_publish(self, message: Any, *, message_context: MessageContext) -> Any:
        """Return the message as it is."""
        return message

    async def on_response(self, message: Any, *, sender: AgentId, recipient: AgentId | None) -> Any:
        """Return the reply as it is."""
        return message


class Interventions:
    """All handlers of a runtime as one: each gets what the one before it has made of the message."""

    def __init__(self, handlers: Sequence[InterventionHandler] | None) -> None:
        self._handlers = tuple(handlers or ())

    def __bool__(self) -> bool:
        return bool(self._handlers)

    async def send(self, message: Any, context: MessageContext, recipient: AgentId) -> Any:
        """Return what becomes of a direct message.

        Raises:
            MessageDroppedException: a handler has dropped it.
        """
        for handler in self._handlers:
            changed = await handler.on_send(message, message_context=context, recipient=recipient)
            message = _kept(message, changed, handler, f"the message to {recipient}")
        return message

    async def publish(self, message: Any, context: MessageContext) -> Any:
        """Return what becomes of a published message; raises as `send` does."""
        for handler in self._handlers:
            changed = await handler.on_publish(message, message_context=context)
            message = _kept(message, changed, handler, f"the message of topic {context.topic_id}")
        return message

    async def respond(self, message: Any, sender: AgentId, recipient: AgentId | None) -> Any:
        """Return what becomes of a reply; raises as `send` does. That there is none, None, is a reply too."""
        for handler in self._handlers:
            changed = await handler.on_response(message, sender=sender, recipient=recipient)
            message = _kept(message, changed, handler, f"the reply of {sender}")
        return message


def _kept(before: Any, changed: Any, handler: InterventionHandler, what: str) -> Any:
    if changed is DropMessage or isinstance(changed, DropMessage):
        raise MessageDroppedException(f"{what} was dropped by {type(handler).__name__}")
    return before if changed is None else changed
