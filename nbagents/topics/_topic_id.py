"""What a published message is about: a type, which subscriptions match, and a source, whom it concerns."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..exceptions import UsageError
from ._handling import handling
from ._texts import LONGEST_KEY, LONGEST_TYPE, check_key, check_type

__all__ = ["DefaultTopicId", "TopicId"]

_TYPE = re.compile(r"[\w\-.:=]+\Z")


@dataclass(frozen=True, slots=True)
class TopicId:
    """A topic: immutable, hashable, written ``type/source``.

    >>> TopicId.from_str("news/sports/today")
    TopicId(type='news', source='sports/today')

    Raises:
        UsageError: a type has letters, digits and ``_ - . : =``, 1 to 512; a source is any text of 4,096
            characters at most, also an empty one, that UTF-8 can write.
    """

    type: str
    """What subscriptions match."""
    source: str
    """Whom it concerns; the key of the agents that get the message."""

    def __post_init__(self) -> None:
        kind, source = self.type, self.source
        if not isinstance(kind, str) or len(kind) > LONGEST_TYPE or not _TYPE.match(kind):
            check_type(kind, _TYPE, "topic", "_ - . : =")
        if not isinstance(source, str) or len(source) > LONGEST_KEY or not source.isascii():
            check_key(source, f"the source of topic {kind}")

    @classmethod
    def from_str(cls, topic_id: str) -> TopicId:
        """Return the topic that ``type/source`` writes; the source may hold further slashes.

        Raises:
            UsageError: there is no slash, or the type is none.
        """
        kind, slash, source = topic_id.partition("/")
        if not slash:
            raise UsageError(f"{topic_id!r:.60} is no topic id: write type/source")
        return TopicId(kind, source)

    def __str__(self) -> str:
        return f"{self.type}/{self.source}"


class DefaultTopicId(TopicId):
    """The topic of those who name none: type "default"; its source is the key of whoever publishes.

    Inside a message handler that is the key of the handler's agent, so that a group of agents with one key
    stays among itself; elsewhere it is "default".

    >>> str(DefaultTopicId())
    'default/default'
    """

    __slots__ = ()

    def __init__(self, type: str = "default", source: str | None = None) -> None:
        if source is None:
            agent = handling.get()
            source = "default" if agent is None else agent.key
        super().__init__(type, source)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TopicId):
            return NotImplemented
        return self.type == other.type and self.source == other.source

    def __hash__(self) -> int:
        return hash((self.type, self.source))
