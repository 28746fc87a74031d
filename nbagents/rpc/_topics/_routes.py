"""`Routes`: which session serves which agent type, and which agent types want which topics.

Knows nothing of messages. What a session has claimed or subscribed is its own: only it can take it back, and
what it has is gone when it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Generic, Protocol, TypeVar

from ...exceptions import AgentTypeTakenError, ProtocolError, UsageError
from .._limits import LONGEST_ID
from .._printable import printable

__all__ = ["Owner", "Routes", "Subscribed"]

AGENT_TYPE, TOPIC_TYPE = re.compile(r"[\w\-.]+\Z"), re.compile(r"[\w\-.:=]+\Z")
MOST = 100_000
"""Types that one host knows, subscriptions, and agents whose worker it remembers."""

MOST_AT_HAND = 200_000
"""Agent types that are kept at hand, by the topic types that they want, each of these as ten."""


class Owner(Protocol):
    """Whoever serves types and subscribes them."""

    @property
    def name(self) -> str:
        """Tells it from all others of the host."""


S = TypeVar("S", bound=Owner)


@dataclass(slots=True, eq=False)
class Subscribed(Generic[S]):
    """One subscription: agents of ``agent_type`` want a topic type, or all that begin with ``topic``."""

    id: str
    agent_type: str
    topic: str
    prefix: bool
    owner: S


class Routes(Generic[S]):
    """The types and subscriptions of one host. On the loop only."""

    def __init__(self) -> None:
        self._types: dict[str, dict[S, bool]] = {}
        self._subscriptions: dict[str, Subscribed[S]] = {}
        self._exact: dict[str, dict[str, str]] = {}
        self._prefixes: dict[str, dict[str, str]] = {}
        self._sticky: dict[tuple[str, str], S] = {}
        self._wanting: dict[str, tuple[str, ...]] = {}
        self._at_hand = 0
        self.version = 0
        """Another number once anything has changed of who serves what, and who wants what."""

    def _changed(self) -> None:
        self._wanting.clear()
        self._at_hand = 0
        self.version += 1

    # ---- types

    def claim(self, owner: S, agent_type: str, *, shared: bool = False) -> None:
        """Let a session serve a type; with ``shared`` others that say so may serve it too.

        Raises:
            AgentTypeTakenError: another session serves it.
            UsageError: it is no type.
        """
        if not AGENT_TYPE.match(agent_type) or len(agent_type) > LONGEST_ID:
            text = f"{printable(agent_type, 60)!r} is no agent type"
            raise UsageError(f"{text}: letters, digits and _ - . only, at least one and {LONGEST_ID} at most")
        known = self._types.get(agent_type, {})
        if owner not in known and known and not (shared and all(known.values())):
            holder = next(iter(known)).name
            raise AgentTypeTakenError(
                f"the agent type {agent_type} is served by another worker already, {holder}",
                hint="end that one first, maybe of an earlier run of this cell: await worker.stop(); or "
                "choose another type, or let all its workers say shared=True",
            )
        if not known and len(self._types) >= MOST:
            raise UsageError(f"this host serves {MOST:,} agent types, and takes no more")
        self._types.setdefault(agent_type, {})[owner] = shared
        self._changed()

    def server_of(self, agent_type: str, key: str) -> S | None:
        """Return the session that an agent lives in, None if nobody serves its type.

        Of several that serve it each agent has one, which stays the same as long as it is there.
        """
        known = self._types.get(agent_type)
        if not known:
            return None
        if len(known) == 1:
            return next(iter(known))
        place = (agent_type, key)
        chosen = self._sticky.get(place)
        if chosen is None:
            chosen = max(known, key=lambda owner: _weight(agent_type, key, owner.name))
            if len(self._sticky) >= MOST:
                del self._sticky[next(iter(self._sticky))]
                self.version += 1  # the next time it may live elsewhere
            self._sticky[place] = chosen
        return chosen

    def types(self) -> dict[str, list[S]]:
        """Return who serves which type."""
        return {agent_type: list(owners) for agent_type, owners in self._types.items()}

    # ---- subscriptions

    def subscribe(self, subscribed: Subscribed[S]) -> None:
        """Take a subscription.

        Raises:
            UsageError: there is one of that id, or it is malformed.
        """
        if subscribed.id in self._subscriptions:
            raise UsageError(f"there is a subscription of the id {printable(subscribed.id, 60)} already")
        agent_type = subscribed.agent_type
        known = agent_type in self._types  # as it mostly is, and was looked at then
        if not known and (not AGENT_TYPE.match(agent_type) or len(agent_type) > LONGEST_ID):
            raise UsageError(f"{printable(agent_type, 60)!r} is no agent type")
        check_topic_type(subscribed.topic, prefix=subscribed.prefix)
        if len(self._subscriptions) >= MOST:
            raise UsageError(f"this host has {MOST:,} subscriptions, and takes no more")
        self._subscriptions[subscribed.id] = subscribed
        table = self._prefixes if subscribed.prefix else self._exact
        table.setdefault(subscribed.topic, {})[subscribed.id] = subscribed.agent_type
        self._changed()

    def unsubscribe(self, owner: S, subscription_id: str) -> None:
        """Drop a subscription of this session's.

        Raises:
            UsageError: it has none of that id, whether somebody else has or not.
        """
        subscribed = self._subscriptions.get(subscription_id)
        if subscribed is None or subscribed.owner is not owner:
            raise UsageError(f"this worker has no subscription of the id {printable(subscription_id, 60)}")
        self._drop(subscribed)

    def _drop(self, subscribed: Subscribed[S]) -> None:
        del self._subscriptions[subscribed.id]
        table = self._prefixes if subscribed.prefix else self._exact
        ids = table[subscribed.topic]
        del ids[subscribed.id]
        if not ids:
            del table[subscribed.topic]
        self._changed()

    def subscriptions(self) -> list[Subscribed[S]]:
        """Return all of them, in their order."""
        return list(self._subscriptions.values())

    def wanting(self, topic_type: str) -> tuple[str, ...]:
        """Return the agent types that want a topic, each once."""
        known = self._wanting.get(topic_type)
        if known is None:
            types = (agent_type for found in self._matching(topic_type) for agent_type in found.values())
            known = tuple(dict.fromkeys(types))
            if len(self._wanting) * 10 + self._at_hand > MOST_AT_HAND:
                self._wanting.clear()
                self._at_hand = 0
            self._at_hand += len(known)
            self._wanting[topic_type] = known
        return known

    def _matching(self, topic_type: str) -> Iterator[dict[str, str]]:
        if topic_type in self._exact:
            yield self._exact[topic_type]
        if self._prefixes:  # one look for each beginning, however many there are
            for end in range(len(topic_type) + 1):
                found = self._prefixes.get(topic_type[:end])
                if found is not None:
                    yield found

    # ---- the end of a session

    def left(self, owner: S) -> None:
        """Drop all that a session has claimed and subscribed."""
        self._changed()
        for agent_type, owners in list(self._types.items()):
            if owners.pop(owner, None) is not None and not owners:
                del self._types[agent_type]
        for subscribed in [one for one in self._subscriptions.values() if one.owner is owner]:
            self._drop(subscribed)
        for place in [place for place, chosen in self._sticky.items() if chosen is owner]:
            del self._sticky[place]


def check_topic_type(topic_type: str, *, prefix: bool = False) -> None:
    """Raise ProtocolError if that is no topic type, or no beginning of one."""
    fits = TOPIC_TYPE.match(topic_type) or (prefix and not topic_type)
    if not fits or len(topic_type) > LONGEST_ID:
        raise ProtocolError(f"{printable(topic_type, 60)!r} is no topic type")


def _weight(agent_type: str, key: str, name: str) -> bytes:
    """Return what decides between workers of one type; the greatest wins, and most stay where they were."""
    return blake2b(f"{agent_type}\0{key}\0{name}".encode("utf-8", "replace"), digest_size=8).digest()
