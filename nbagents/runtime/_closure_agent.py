"""`ClosureAgent`: an agent that is one function."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

from ..exceptions import CantHandleException, UsageError
from ..topics import (
    AgentId,
    AgentType,
    CancellationToken,
    MessageContext,
    MessageSerializer,
    Subscription,
    SubscriptionInstantiationContext,
    TopicId,
    TypePrefixSubscription,
    try_get_known_serializers_for_type,
)
from ._base_agent import BaseAgent
from ._handlers import AnyType, annotated_types
from ._protocol import AgentRuntime

__all__ = ["ClosureAgent", "ClosureContext"]

Policy = Literal["error", "ignore", "warn"]
Closure = Callable[["ClosureContext", Any, MessageContext], Awaitable[Any]]


class ClosureContext(Protocol):
    """What the function of a `ClosureAgent` may do: the agent, as much of it as that."""

    @property
    def id(self) -> AgentId:
        """The agent's address."""
        ...

    async def send_message(
        self,
        message: Any,
        recipient: AgentId,
        *,
        cancellation_token: CancellationToken | None = None,
        message_id: str | None = None,
    ) -> Any:
        """Send a message to another agent and return its reply."""
        ...

    async def publish_message(
        self,
        message: Any,
        topic_id: TopicId,
        *,
        cancellation_token: CancellationToken | None = None,
    ) -> None:
        """Publish a message to all who subscribe to the topic."""
        ...


class ClosureAgent(BaseAgent):
    """Gives messages to a function, for example one that collects results. It has no state.

    The function is ``async def name(agent: ClosureContext, message: Kind, ctx: MessageContext) -> Reply``. It
    runs on the background loop: what it hands to a cell it puts into a `queue.Queue`, not an `asyncio.Queue`.

    Args:
        description: what it is told of; the function's docstring, where it is empty.
        closure: the function.
        unknown_type_policy: of a published message of another type than annotated "warn" warns, "ignore"
            is silent, "error" raises `CantHandleException`. Of a direct one it is always an error.

    Raises:
        UsageError: the function's annotations do not say what it takes.
    """

    def __init__(self, description: str, closure: Closure, unknown_type_policy: Policy = "warn") -> None:
        if unknown_type_policy not in ("error", "ignore", "warn"):
            raise UsageError(f"unknown_type_policy={unknown_type_policy!r}: one of error, ignore, warn")
        super().__init__(description or inspect.getdoc(closure) or "")
        self._closure, self._policy = closure, unknown_type_policy
        self._taken = annotated_types("ClosureAgent", closure)

    async def on_message_impl(self, message: Any, ctx: MessageContext) -> Any:
        """Give a message to the function; see ``unknown_type_policy``."""
        if type(message) in self._taken or AnyType in self._taken:
            return await self._closure(self, message, ctx)
        taken = " or ".join(sorted(kind.__name__ for kind in self._taken))
        what = f"{self.id} takes {taken}, not {type(message).__name__}"
        if ctx.is_rpc or self._policy == "error":
            raise CantHandleException(what)
        if self._policy == "warn":
            warnings.warn(what, stacklevel=1)
        return None

    async def save_state(self) -> Mapping[str, Any]:
        """Return nothing: it has no state."""
        return {}

    async def load_state(self, state: Mapping[str, Any]) -> None:
        """Do nothing: it has no state."""

    @classmethod
    async def register_closure(
        cls,
        runtime: AgentRuntime,
        type: str,
        closure: Closure,
        *,
        unknown_type_policy: Policy = "warn",
        skip_direct_message_subscription: bool = False,
        description: str = "",
        subscriptions: Callable[[], Sequence[Subscription] | Awaitable[Sequence[Subscription]]] | None = None,
    ) -> AgentType:
        """Let a function be the agents of a type.

        Args:
            runtime: where.
            type: the type.
            closure: the function.
            unknown_type_policy: see the class.
            skip_direct_message_subscription: do not subscribe to the direct topic, ``TYPE:``.
            description: what it is told of.
            subscriptions: makes what it subscribes to; the type may be asked for in there.

        Raises:
            UsageError: the type is taken, or the function's annotations do not say what it takes.
        """
        serializers: list[MessageSerializer[Any]] = []
        for kind in annotated_types("ClosureAgent", closure):
            if kind is not AnyType:
                serializers += try_get_known_serializers_for_type(kind)
        if serializers:  # first: once it has the type, messages may come
            runtime.add_message_serializer(serializers)
        agent_type = await runtime.register_factory(
            type, lambda: cls(description, closure, unknown_type_policy), expected_class=cls
        )
        with SubscriptionInstantiationContext.populate_context(agent_type):
            wanted = subscriptions() if subscriptions is not None else []
            found = list(await wanted if inspect.isawaitable(wanted) else wanted)
        if not skip_direct_message_subscription:
            found.append(TypePrefixSubscription(f"{agent_type.type}:", agent_type))
        for subscription in found:
            await runtime.add_subscription(subscription)
        return agent_type
