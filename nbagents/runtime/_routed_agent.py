"""`RoutedAgent`: an agent whose methods take messages by their types."""

from __future__ import annotations

import logging
from typing import Any, ClassVar

from ..exceptions import CantHandleException
from ..topics import MessageContext, UnknownPayload
from ._base_agent import BaseAgent, HandledType
from ._handlers import AnyType, Handler, handler_of

__all__ = ["RoutedAgent"]

log = logging.getLogger(__name__)


class RoutedAgent(BaseAgent):
    """Give each message to the method that is decorated for its type.

    The type must be the very class of the message, not a base of it. Handlers of one agent run at the same
    time, unless its class says otherwise: ``class Clerk(RoutedAgent, concurrency=1)``.

    >>> from nbagents.runtime import message_handler
    >>> class Greeter(RoutedAgent):
    ...     @message_handler
    ...     async def greet(self, message: str, ctx: MessageContext) -> str:
    ...         return f"Hello {message}"
    """

    _routes: ClassVar[dict[type[Any], list[Handler]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """See `BaseAgent`."""
        super().__init_subclass__(**kwargs)
        cls._routes = {}
        for name in sorted(dir(cls)):
            if (handler := handler_of(getattr(cls, name, None))) is not None:
                for kind in handler.targets:
                    cls._routes.setdefault(kind, []).append(handler)

    async def on_message_impl(self, message: Any, ctx: MessageContext) -> Any:
        """Have the first handler of this type whose ``match`` is true handle it.

        Raises:
            CantHandleException: none is, and the sender waits for a reply.
            Exception: what the handler raises.
        """
        routes = self._routes
        for handler in (*routes.get(type(message), ()), *routes.get(AnyType, ())):
            if not handler.routes or handler.router(message, ctx):
                if handler.streams:
                    return handler.call(self, message, ctx)
                reply = await handler.func(self, message, ctx)  # that it takes the message is known here
                if type(reply) not in handler.produces:
                    handler.check_produced(reply)
                return reply
        return await self.on_unhandled_message(message, ctx)

    async def on_unhandled_message(self, message: Any, ctx: MessageContext) -> Any:
        """Take a message that no handler takes; what it returns is the reply.

        Unless a subclass writes it anew, an event is logged and forgotten.

        Raises:
            CantHandleException: the sender waits for a reply.
        """
        kind = message.type_name if isinstance(message, UnknownPayload) else type(message).__name__
        if ctx.is_rpc:
            taken = ", ".join(sorted(known.__name__ for known in self._routes)) or "no message at all"
            raise CantHandleException(f"{self.id} takes no {kind} as a direct message; it takes {taken}")
        log.info("Unhandled message: %s for %s", kind, self.id)

    @classmethod
    def _handles_types(cls) -> list[HandledType]:
        taken: list[HandledType] = [(kind, []) for kind in cls._routes if kind is not AnyType]
        return taken + super()._handles_types()
