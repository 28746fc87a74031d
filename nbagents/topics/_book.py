"""`SubscriptionBook`: who gets a message of which topic. Knows ids only, and no agents."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from ..exceptions import UsageError
from ._agent_id import AgentId
from ._subscription import Subscription, TypePrefixSubscription, TypeSubscription
from ._topic_id import TopicId

__all__ = ["SubscriptionBook"]

REMEMBERED = 4096
"""Topics whose recipients are kept at hand."""


class SubscriptionBook:
    """The subscriptions of one runtime. Safe from any thread.

    An agent gets a message once, however many of its subscriptions match. Recipients stand in the order
    of their subscriptions. A removal counts for all that is looked up afterwards.

    >>> book = SubscriptionBook()
    >>> book.add(TypeSubscription("news", "reader"))
    >>> book.add(TypePrefixSubscription("new", "reader"))
    >>> [str(agent) for agent in book.recipients(TopicId("news", "anna"))]
    ['reader/anna']
    """

    def __init__(self) -> None:
        self._by_id: dict[str, tuple[int, Subscription]] = {}
        self._same: dict[object, str] = {}  # what a subscription does -> its id
        self._exact: dict[str, dict[str, tuple[int, Subscription]]] = {}  # by topic type, then by id
        self._others: dict[str, tuple[int, Subscription]] = {}
        self._count = 0
        self._lock = threading.Lock()
        self._known: dict[TopicId, tuple[AgentId, ...]] = {}

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        """All of them, in the order in which they were added."""
        return tuple(subscription for _, subscription in self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, subscription: object) -> bool:
        """Is there one of this id, or one that does the same?"""
        return isinstance(subscription, Subscription) and self._has(subscription)

    def _has(self, subscription: Subscription) -> bool:
        if subscription.id in self._by_id:
            return True
        same = _same(subscription)
        if same is not None:
            return same in self._same
        return any(subscription == known for _, known in self._others.values())

    def add(self, subscription: Subscription) -> None:
        """Let messages of its topics go to its agent from now on.

        Raises:
            UsageError: there is one of this id, or one that does the same.
        """
        with self._lock:
            if self._has(subscription):
                raise UsageError(f"Subscription already exists: {subscription!r}; leave this, or remove that")
            self._count += 1
            entry = (self._count, subscription)
            self._by_id[subscription.id] = entry
            same = _same(subscription)
            if same is not None:
                self._same[same] = subscription.id
            self._shelf(subscription)[subscription.id] = entry
            self._known.clear()

    def remove(self, id: str) -> Subscription:
        """Take a subscription out and return it.

        Raises:
            UsageError: there is none of this id.
        """
        with self._lock:
            if id not in self._by_id:
                raise UsageError(
                    f"Subscription does not exist: {id!r:.80}; give the id of one that was added"
                )
            _, subscription = self._by_id.pop(id)
            self._same.pop(_same(subscription), None)
            shelf = self._shelf(subscription)
            del shelf[id]
            if not shelf and shelf is not self._others:
                del self._exact[subscription.topic_type]  # type: ignore[attr-defined]  # that kind has one
            self._known.clear()
            return subscription

    def recipients(self, topic: TopicId) -> tuple[AgentId, ...]:
        """Return who gets a message of this topic, each once.

        Raises:
            Exception: what a subscription of somebody's own raises.
        """
        known = self._known.get(topic)
        return self._find(topic) if known is None else known

    def _find(self, topic: TopicId) -> tuple[AgentId, ...]:
        with self._lock:
            found = [*self._exact.get(topic.type, {}).values()]
            found += [entry for entry in self._others.values() if entry[1].is_match(topic)]
            found.sort(key=_number)
            known = _once(subscription.map_to_agent(topic) for _, subscription in found)
            if len(self._known) >= REMEMBERED:  # the oldest goes: topics come and are over
                del self._known[next(iter(self._known))]
            self._known[topic] = known
            return known

    def _shelf(self, subscription: Subscription) -> dict[str, tuple[int, Subscription]]:
        if isinstance(subscription, TypeSubscription) and _plain(subscription, TypeSubscription):
            return self._exact.setdefault(subscription.topic_type, {})
        return self._others


def _plain(subscription: Subscription, kind: type) -> bool:
    """Does it match as its base does? A subclass of somebody's own may decide by more than the type."""
    return type(subscription).is_match is kind.is_match  # type: ignore[attr-defined]


def _same(subscription: Subscription) -> object:
    if isinstance(subscription, TypeSubscription | TypePrefixSubscription):
        return subscription.same
    return None


def _number(entry: tuple[int, Subscription]) -> int:
    return entry[0]


def _once(agents: Iterable[AgentId]) -> tuple[AgentId, ...]:
    return tuple(dict.fromkeys(agents))
