"""`BaseAgent`: what most agents of a runtime share. Subclasses write `on_message_impl`."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any, ClassVar

from ..exceptions import MethodMissingError, UsageError
from ..topics import (
    AgentId,
    AgentMetadata,
    AgentType,
    CancellationToken,
    MessageContext,
    MessageSerializer,
    Subscription,
    SubscriptionInstantiationContext,
    TopicId,
    TypePrefixSubscription,
    TypeSubscription,
    try_get_known_serializers_for_type,
)
from ._instantiation import AgentInstantiationContext
from ._protocol import DEFAULT_TIMEOUT, AgentRuntime

__all__ = ["BaseAgent", "HandledType", "UnboundSubscription"]

log = logging.getLogger(__name__)

HandledType = tuple[type[Any], list[MessageSerializer[Any]]]
"""A type that a class of agents takes, and the serializers that were given for it."""
UnboundSubscription = Callable[[], Sequence[Subscription]]
"""Makes subscriptions while an agent type is being registered, which it may ask for."""


class BaseAgent:
    """An agent with an id, a runtime and a description.

    Made by a runtime's factory it has its id and its runtime in ``__init__`` already; made by hand it gets
    them from `register_instance`.

    Raises:
        UsageError: the description is no text.
    """

    internal_unbound_subscriptions_list: ClassVar[list[UnboundSubscription]] = []
    """What the class's decorators subscribe it to. A subclass has its own, and inherits none."""
    internal_extra_handles_types: ClassVar[list[HandledType]] = []
    """Further types that it takes, with their serializers."""
    concurrency: ClassVar[int | None] = None
    """How many messages one agent handles at the same time; None: as many as come."""

    _sent_as: ClassVar[list[MessageSerializer[Any]]]

    def __init_subclass__(cls, *, concurrency: int | None = None, **kwargs: Any) -> None:
        """Take ``concurrency``: how many messages one agent handles at the same time, the others in order.

        Raises:
            UsageError: it is less than one.
        """
        super().__init_subclass__(**kwargs)
        cls.internal_unbound_subscriptions_list = []
        cls.internal_extra_handles_types = []
        if concurrency is not None:
            if concurrency < 1:
                raise UsageError(f"concurrency={concurrency} lets {cls.__name__} handle nothing: at least 1")
            cls.concurrency = concurrency

    def __init__(self, description: str) -> None:
        if not isinstance(description, str):
            raise UsageError(
                f"the description of a {type(self).__name__} must be a text, not {description!r:.60}"
            )
        self._description = description
        self._id: AgentId | None = None
        self._runtime: AgentRuntime | None = None
        if AgentInstantiationContext.is_in_factory_call():
            self._runtime = AgentInstantiationContext.current_runtime()
            self._id = AgentInstantiationContext.current_agent_id()

    # ---- who it is

    @property
    def id(self) -> AgentId:
        """Its address.

        Raises:
            UsageError: it has none yet.
        """
        if self._id is None:
            raise self._unbound()
        return self._id

    @property
    def type(self) -> str:
        """The type under which it is registered."""
        return self.id.type

    @property
    def key(self) -> str:
        """Which of its type it is."""
        return self.id.key

    @property
    def runtime(self) -> AgentRuntime:
        """Where it lives.

        Raises:
            UsageError: nowhere yet.
        """
        if self._runtime is None:
            raise self._unbound()
        return self._runtime

    @property
    def metadata(self) -> AgentMetadata:
        """What a runtime tells of it."""
        return AgentMetadata(type=self.id.type, key=self.id.key, description=self._description)

    async def bind_id_and_runtime(self, id: AgentId, runtime: AgentRuntime) -> None:
        """Learn who it is and where it lives.

        Raises:
            UsageError: it has another id, or lives in another runtime.
        """
        if self._id is not None and self._id != id:
            raise UsageError(f"Agent is already bound to a different ID: {self._id}, not {id}")
        if self._runtime is not None and self._runtime is not runtime:
            raise UsageError(
                f"Agent is already bound to a different runtime: {self._id or id} lives elsewhere"
            )
        self._id, self._runtime = id, runtime

    def _unbound(self) -> UsageError:
        return UsageError(
            f"this {type(self).__name__} lives in no runtime yet: register its class, or the object itself",
            hint=f"await {type(self).__name__}.register(runtime, ...), or await agent.register_instance(...)",
        )

    # ---- messages

    async def on_message(self, message: Any, ctx: MessageContext) -> Any:
        """Handle a message and return the reply. Subclasses write `on_message_impl` instead."""
        return await self.on_message_impl(message, ctx)

    async def on_message_impl(self, message: Any, ctx: MessageContext) -> Any:
        """Handle a message and return the reply, or an async generator that streams it.

        Raises:
            MethodMissingError: the class has not written it.
        """
        raise MethodMissingError(
            f"{type(self).__name__} must write `async def on_message_impl(self, message, ctx)`"
        )

    async def send_message(
        self,
        message: Any,
        recipient: AgentId,
        *,
        cancellation_token: CancellationToken | None = None,
        message_id: str | None = None,
        timeout: float | None = DEFAULT_TIMEOUT,  # noqa: ASYNC109  # how long is the caller's to say
    ) -> Any:
        """Send a message to another agent and return its reply; see `AgentRuntime.send_message`."""
        return await self.runtime.send_message(
            message,
            recipient,
            sender=self.id,
            cancellation_token=cancellation_token,
            message_id=message_id,
            timeout=timeout,
        )

    def stream_message(
        self,
        message: Any,
        recipient: AgentId,
        *,
        cancellation_token: CancellationToken | None = None,
        message_id: str | None = None,
        timeout: float | None = DEFAULT_TIMEOUT,
    ) -> AsyncGenerator[Any, None]:
        """Send a message to another agent and yield what its handler yields, as it comes."""
        return self.runtime.stream_message(
            message,
            recipient,
            sender=self.id,
            cancellation_token=cancellation_token,
            message_id=message_id,
            timeout=timeout,
        )

    async def publish_message(
        self,
        message: Any,
        topic_id: TopicId,
        *,
        cancellation_token: CancellationToken | None = None,
        message_id: str | None = None,
    ) -> None:
        """Publish a message to all who subscribe to the topic, but for this very agent."""
        await self.runtime.publish_message(
            message,
            topic_id,
            sender=self.id,
            cancellation_token=cancellation_token,
            message_id=message_id,
        )

    # ---- what it has become

    async def save_state(self) -> Mapping[str, Any]:
        """Return what it has become, as plain values; nothing, unless a subclass writes this."""
        return {}

    async def load_state(self, state: Mapping[str, Any]) -> None:
        """Become what `save_state` returned; a subclass writes this with it."""
        if state:
            log.warning("a %s has no load_state: its state is left out", type(self).__name__)

    async def close(self) -> None:
        """Let go of what it holds; a subclass may write this."""

    # ---- registration

    @classmethod
    async def register(
        cls,
        runtime: AgentRuntime,
        type: str,
        factory: Callable[[], Any],
        *,
        skip_class_subscriptions: bool = False,
        skip_direct_message_subscription: bool = False,
    ) -> AgentType:
        """Let agents of this class live in a runtime, under a type; each is made at its first message.

        They subscribe to what the class's decorators say, and to their direct topic, ``TYPE:``.

        Raises:
            UsageError: the type is taken, or a type that the class handles cannot be sent.
        """
        serializers = cls._serializers()
        if serializers:  # first: once it has the type, messages may come
            runtime.add_message_serializer(serializers)
        kind = await runtime.register_factory(type, factory, expected_class=cls)
        if not skip_class_subscriptions:
            for subscription in cls._class_subscriptions(kind):
                await runtime.add_subscription(subscription)
        if not skip_direct_message_subscription:
            await runtime.add_subscription(TypePrefixSubscription(f"{kind.type}:", kind))
        return kind

    async def register_instance(
        self,
        runtime: AgentRuntime,
        agent_id: AgentId,
        *,
        skip_class_subscriptions: bool = True,
        skip_direct_message_subscription: bool = False,
    ) -> AgentId:
        """Let this very object live in a runtime, under an id.

        It subscribes to the topic type that is its key, and to its direct topic, ``TYPE:``.

        Raises:
            UsageError: the id is taken, or the type has a factory, or a type that it handles cannot be sent.
        """
        serializers = self._serializers()
        if serializers:
            runtime.add_message_serializer(serializers)
        id = await runtime.register_agent_instance(self, agent_id)
        wanted: list[Subscription] = [TypeSubscription(id.key, id.type)]
        if not skip_class_subscriptions:
            wanted += self._class_subscriptions(AgentType(id.type))
        for subscription in wanted:
            await runtime.add_subscription(subscription)
        if not skip_direct_message_subscription:
            await _add_if_new(runtime, TypePrefixSubscription(f"{id.type}:", id.type))
        return id

    @classmethod
    def _class_subscriptions(cls, kind: AgentType) -> list[Subscription]:
        unbound = cls._unbound_subscriptions()
        if not unbound:
            return []
        with SubscriptionInstantiationContext.populate_context(kind):
            return [each for make in unbound for each in make()]

    @classmethod
    def _unbound_subscriptions(cls) -> list[UnboundSubscription]:
        return cls.internal_unbound_subscriptions_list

    @classmethod
    def _handles_types(cls) -> list[HandledType]:
        """Return the types that the class takes, with the serializers that were given for them."""
        return cls.internal_extra_handles_types

    @classmethod
    def _serializers(cls) -> list[MessageSerializer[Any]]:
        known: list[MessageSerializer[Any]] | None = vars(cls).get("_sent_as")
        if known is None:  # a class is often registered many times
            known = cls._sent_as = cls._find_serializers()
        return known

    @classmethod
    def _find_serializers(cls) -> list[MessageSerializer[Any]]:
        found: list[MessageSerializer[Any]] = []
        given = {kind for kind, serializers in cls._handles_types() if serializers}
        for kind, serializers in cls._handles_types():
            known = serializers or ([] if kind in given else try_get_known_serializers_for_type(kind))
            if not known and kind not in given:
                raise UsageError(
                    f"{cls.__name__} handles {kind.__name__}, which cannot be sent: make it a dataclass, "
                    "a pydantic model or a protobuf message",
                    hint=f"@handles({kind.__name__}, serializer=...)",
                )
            found += known
        return found


async def _add_if_new(runtime: AgentRuntime, subscription: Subscription) -> None:
    try:
        await runtime.add_subscription(subscription)
    except UsageError:  # another instance of the type has it
        log.debug("the direct topic is subscribed to already [%s]", subscription)
