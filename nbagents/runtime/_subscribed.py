"""Decorators of agent classes: what they subscribe to, and what else they take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, overload

from ..exceptions import UsageError
from ..topics import (
    DefaultSubscription,
    MessageSerializer,
    SubscriptionInstantiationContext,
    TypeSubscription,
    try_get_known_serializers_for_type,
)
from ._base_agent import BaseAgent, UnboundSubscription

__all__ = ["default_subscription", "handles", "subscription_factory", "type_subscription"]

A = TypeVar("A", bound=type[BaseAgent])


def subscription_factory(subscription: UnboundSubscription) -> Callable[[A], A]:
    """Let a class of agents subscribe to what this function returns when the class is registered."""

    def decorate(cls: A) -> A:
        if not (isinstance(cls, type) and issubclass(cls, BaseAgent)):
            raise UsageError(f"a subscription decorates a class of agents, not {cls!r:.60}")
        cls.internal_unbound_subscriptions_list.append(subscription)
        return cls

    return decorate


@overload
def default_subscription(cls: A) -> A: ...
@overload
def default_subscription(cls: None = None) -> Callable[[A], A]: ...
def default_subscription(cls: Any = None) -> Any:
    """Let a class of agents subscribe to the default topic; with or without parentheses."""
    decorate = subscription_factory(lambda: [DefaultSubscription()])
    return decorate if cls is None else decorate(cls)


def type_subscription(topic_type: str) -> Callable[[A], A]:
    """Let a class of agents subscribe to topics of this type; each agent to those whose source is its key."""
    return subscription_factory(
        lambda: [TypeSubscription(topic_type, SubscriptionInstantiationContext.agent_type())]
    )


def handles(
    type: type[Any],
    serializer: MessageSerializer[Any] | Sequence[MessageSerializer[Any]] | None = None,
) -> Callable[[A], A]:
    """Say that a class of agents takes a type, and how its values are sent if not as they are by themselves.

    Raises:
        UsageError: values of this type cannot be sent by themselves.
    """
    if serializer is None:
        given = try_get_known_serializers_for_type(type)
    else:
        given = list(serializer) if isinstance(serializer, Sequence) else [serializer]
    if not given:
        raise UsageError(f"{type.__name__} cannot be sent by itself: give a serializer")

    def decorate(cls: A) -> A:
        cls.internal_extra_handles_types.append((type, given))
        return cls

    return decorate
