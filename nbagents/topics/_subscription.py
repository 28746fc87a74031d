"""What a subscription is, and the two kinds that match a topic by its type."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from .._ids import next_call_id
from ..exceptions import CantHandleException
from ._agent_id import AgentId, AgentType
from ._topic_id import TopicId

__all__ = ["Subscription", "TypePrefixSubscription", "TypeSubscription"]


@runtime_checkable
class Subscription(Protocol):
    """Says which topics go to which agent.

    What it answers is kept for each topic, so it must answer the same each time, quickly, and change nothing.
    """

    @property
    def id(self) -> str:
        """Names the subscription; removing takes this."""
        ...

    def is_match(self, topic_id: TopicId) -> bool:
        """Does a message of this topic go to the agent?"""
        ...

    def map_to_agent(self, topic_id: TopicId) -> AgentId:
        """Return the agent that a message of this topic goes to.

        Raises:
            CantHandleException: the topic does not match.
        """
        ...

    def __eq__(self, other: object) -> bool: ...


class _ByType:
    """What both kinds share: the agent has the topic's source as its key."""

    def __init__(self, matched: str, agent_type: str | AgentType, id: str | None) -> None:
        self._matched = matched
        self._agent_type = agent_type.type if isinstance(agent_type, AgentType) else agent_type
        self._id = id or next_call_id()  # no other process has it either

    @property
    def id(self) -> str:
        """Names the subscription; removing takes this."""
        return self._id

    @property
    def agent_type(self) -> str:
        """The type of the agents that get the messages."""
        return self._agent_type

    def is_match(self, topic_id: TopicId) -> bool:
        """Does a message of this topic go to the agent?"""
        raise NotImplementedError

    def map_to_agent(self, topic_id: TopicId) -> AgentId:
        """Return the agent of this type whose key is the topic's source.

        Raises:
            CantHandleException: the topic does not match.
        """
        if not self.is_match(topic_id):
            raise CantHandleException(f"{self!r} does not match the topic {topic_id}")
        return AgentId(self._agent_type, topic_id.source)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _ByType):
            return NotImplemented
        if self._id == other._id:
            return True
        return self.same == other.same

    def __hash__(self) -> int:
        return hash(self.same)

    @property
    def same(self) -> tuple[str, str, str]:
        """What two subscriptions have in common that do the same."""
        raise NotImplementedError


class TypeSubscription(_ByType):
    """Messages of exactly this topic type go to the agent of this type whose key is the topic's source.

    >>> str(TypeSubscription("news", "reader").map_to_agent(TopicId("news", "anna")))
    'reader/anna'
    """

    def __init__(self, topic_type: str, agent_type: str | AgentType, id: str | None = None) -> None:
        super().__init__(topic_type, agent_type, id)

    @property
    def topic_type(self) -> str:
        """The topic type that matches."""
        return self._matched

    def is_match(self, topic_id: TopicId) -> bool:
        """Is the topic of this type?"""
        return topic_id.type == self._matched

    @property
    def same(self) -> tuple[str, str, str]:
        """What two subscriptions have in common that do the same."""
        return ("type", self._matched, self._agent_type)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._matched!r}, {self._agent_type!r})"


class TypePrefixSubscription(_ByType):
    """Messages whose topic type begins so go to the agent of this type whose key is the topic's source.

    >>> TypePrefixSubscription("news:", "reader").is_match(TopicId("news:sports", "anna"))
    True
    """

    def __init__(self, topic_type_prefix: str, agent_type: str | AgentType, id: str | None = None) -> None:
        super().__init__(topic_type_prefix, agent_type, id)

    @property
    def topic_type_prefix(self) -> str:
        """How a topic type begins that matches."""
        return self._matched

    def is_match(self, topic_id: TopicId) -> bool:
        """Does the topic's type begin so?"""
        return topic_id.type.startswith(self._matched)

    @property
    def same(self) -> tuple[str, str, str]:
        """What two subscriptions have in common that do the same."""
        return ("prefix", self._matched, self._agent_type)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._matched!r}, {self._agent_type!r})"
