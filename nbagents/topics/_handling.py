"""Which agent's handler runs here, and which type is being registered: two context variables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ..exceptions import CantHandleException, UsageError
from ._agent_id import AgentId, AgentType

__all__ = ["MessageHandlerContext", "SubscriptionInstantiationContext", "handling"]

handling: ContextVar[AgentId | None] = ContextVar("nbagents_handling", default=None)
"""The agent whose handler runs here. Runtimes set it before they enter a handler, in its own task."""
_registering: ContextVar[AgentType | None] = ContextVar("nbagents_registering", default=None)


class MessageHandlerContext:
    """Tells code inside a message handler whose handler it is. Never instantiated."""

    def __init__(self) -> None:
        raise UsageError("MessageHandlerContext is not instantiated: call MessageHandlerContext.agent_id()")

    @classmethod
    def agent_id(cls) -> AgentId:
        """Return the agent whose handler runs here.

        Raises:
            UsageError: no handler runs here.
        """
        agent = handling.get()
        if agent is None:
            raise UsageError("MessageHandlerContext.agent_id() was called outside of a message handler")
        return agent

    @classmethod
    @contextmanager
    def populate_context(cls, ctx: AgentId) -> Iterator[None]:
        """Let what runs inside of this block be the handler of that agent."""
        token = handling.set(ctx)
        try:
            yield
        finally:
            handling.reset(token)


class SubscriptionInstantiationContext:
    """Tells code that makes subscriptions for which agent type. Never instantiated."""

    def __init__(self) -> None:
        raise UsageError(
            "SubscriptionInstantiationContext is not instantiated: call its class method agent_type()"
        )

    @classmethod
    def agent_type(cls) -> AgentType:
        """Return the type that is being registered.

        Raises:
            CantHandleException: nothing is being registered here.
        """
        kind = _registering.get()
        if kind is None:
            raise CantHandleException(
                "a subscription without an agent type can only be made while that type is registered: "
                "give agent_type="
            )
        return kind

    @classmethod
    @contextmanager
    def populate_context(cls, ctx: AgentType) -> Iterator[None]:
        """Let subscriptions that are made inside of this block be that type's."""
        token = _registering.set(ctx)
        try:
            yield
        finally:
            _registering.reset(token)
