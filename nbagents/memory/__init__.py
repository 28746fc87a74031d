"""Memory: what an agent remembers, for callers of AgentScope 0.x, which read, and of 1.x, which await.

An agent takes any memory that has ``add`` and ``get_memory``, as plain methods or as ``async`` ones.
`TemporaryMemory` answers at once. What `InMemoryMemory` answers may be awaited besides. They know
messages, and no agent or model: what makes embeddings is handed to them.
"""

from typing import TYPE_CHECKING, Any

from ._base import MemoryBase, arrived, is_awaited, messages_of
from ._in_memory import InMemoryMemory
from ._temporary import TemporaryMemory

if TYPE_CHECKING:
    from ._long_term import LongTermMemory, Recollection

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


def __getattr__(name: str) -> Any:
    if name in ("LongTermMemory", "Recollection"):
        from . import _long_term

        return getattr(_long_term, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
