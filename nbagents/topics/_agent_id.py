"""Who an agent is: a type, which names a factory, and a key, which names one of its instances."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, TypedDict

from ..exceptions import UsageError
from ._texts import LONGEST_KEY, LONGEST_TYPE, check_key, check_type

__all__ = ["AgentId", "AgentMetadata", "AgentType"]

_TYPE = re.compile(r"[\w\-.]+\Z")


@dataclass(frozen=True, slots=True)
class AgentType:
    """The name under which a factory is registered; not the name of a class."""

    type: str
    """The name itself."""


class AgentMetadata(TypedDict):
    """What a runtime tells of an agent without running it."""

    type: str
    key: str
    description: str


class AgentId:
    """The address of one agent: immutable, hashable, written ``type/key``.

    >>> AgentId("poet", "default")
    AgentId(type='poet', key='default')
    >>> str(AgentId.from_str("poet/anna/1"))
    'poet/anna/1'

    Raises:
        UsageError: a type has letters, digits and ``_ - .``, 1 to 512; a key is any text of 4,096 characters
            at most, also an empty one, that UTF-8 can write.
    """

    __slots__ = ("_hash", "_key", "_type")

    def __init__(self, type: str | AgentType, key: str) -> None:
        name = type.type if isinstance(type, AgentType) else type
        if not isinstance(name, str) or len(name) > LONGEST_TYPE or not _TYPE.match(name):
            check_type(name, _TYPE, "agent", "_ - .")
        if not isinstance(key, str) or len(key) > LONGEST_KEY or not key.isascii():
            check_key(key, f"the key of {name}")
        self._type, self._key = name, key
        self._hash = hash((name, key))

    @property
    def type(self) -> str:
        """Names the factory."""
        return self._type

    @property
    def key(self) -> str:
        """Names the instance; for a message by a topic it is the topic's source."""
        return self._key

    @classmethod
    def from_str(cls, agent_id: str) -> AgentId:
        """Return the id that ``type/key`` writes; the key may hold further slashes.

        Raises:
            UsageError: there is no slash, or the type is none.
        """
        kind, slash, key = agent_id.partition("/")
        if not slash:
            raise UsageError(f"{agent_id!r:.60} is no agent id: write type/key")
        return cls(kind, key)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AgentId):
            return NotImplemented
        return self._type == other._type and self._key == other._key

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        return f"{self._type}/{self._key}"

    def __repr__(self) -> str:
        return f"AgentId(type={self._type!r}, key={self._key!r})"

    def __copy__(self) -> AgentId:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> AgentId:
        return self
