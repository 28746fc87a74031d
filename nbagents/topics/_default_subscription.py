"""`DefaultSubscription`: the subscription of those who name neither topic nor agent type."""

from __future__ import annotations

from ._agent_id import AgentType
from ._handling import SubscriptionInstantiationContext
from ._subscription import TypeSubscription

__all__ = ["DefaultSubscription"]


class DefaultSubscription(TypeSubscription):
    """A `TypeSubscription` to topic type "default", for the agent type that is being registered.

    >>> DefaultSubscription(agent_type="reader") == TypeSubscription("default", "reader")
    True

    Raises:
        CantHandleException: ``agent_type`` is left out and nothing is being registered here.
    """

    def __init__(self, topic_type: str = "default", agent_type: str | AgentType | None = None) -> None:
        super().__init__(topic_type, agent_type or SubscriptionInstantiationContext.agent_type())
