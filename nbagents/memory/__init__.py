"""Memory: what an agent remembers, for callers of AgentScope 0.x, which read, and of 1.x, which await.

An agent takes any memory that has ``add`` and ``get_memory``, as plain methods or as ``async`` ones.
`TemporaryMemory` answers at once. What `InMemoryMemory` answers may be awaited besides. They know
messages, and no agent or model: what makes embeddings is handed to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._lazy import lazy

if TYPE_CHECKING:
    from ._base import MemoryBase, arrived, is_awaited, messages_of
    from ._in_memory import InMemoryMemory
    from ._long_term import LongTermMemory, Recollection
    from ._temporary import TemporaryMemory

__all__ = [
    "InMemoryMemory",
    "LongTermMemory",
    "MemoryBase",
    "Recollection",
    "TemporaryMemory",
    "arrived",
    "is_awaited",
    "messages_of",
]


__getattr__, __dir__ = lazy(
    __name__,
    {
        "_base": "MemoryBase arrived is_awaited messages_of",
        "_in_memory": "InMemoryMemory",
        "_long_term": "LongTermMemory Recollection",
        "_temporary": "TemporaryMemory",
    },
)
