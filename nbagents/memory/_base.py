"""`MemoryBase`: what a memory of your own has; and how one is asked that may have to be awaited."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

from ..exceptions import MethodMissingError
from ..message import Msg

__all__ = ["MemoryBase", "arrived", "is_awaited", "messages_of"]


class MemoryBase:
    """A memory. Write ``add`` and ``get_memory``, both as plain methods or both as ``async`` ones.

    Agents await what can be awaited, so it makes no difference to them. What a memory with ``async``
    methods holds can only be seen inside the agent: it is neither kept by servers nor shown in panels.

    >>> class Last(MemoryBase):
    ...     kept = None
    ...     def add(self, memories):
    ...         self.kept = memories
    ...     def get_memory(self):
    ...         return [self.kept] if self.kept else []
    >>> last = Last()
    >>> last.add(Msg("poet", "Grey beads"))
    >>> last.get_memory()[0].content
    'Grey beads'
    """

    awaited = False
    """Are its plain methods to be awaited where a loop runs, as if they were ``async``?"""

    def add(self, memories: Msg | Iterable[Msg] | None) -> Any:
        """Remember a message or several."""
        raise MethodMissingError(f"{type(self).__name__} is missing the required `add` function")

    def get_memory(self) -> Any:
        """Return what is remembered as a list of messages, the oldest first."""
        raise MethodMissingError(f"{type(self).__name__} is missing the required `get_memory` function")


async def arrived(answer: Any) -> Any:
    """Return what a memory has answered, once it is there."""
    return await answer if inspect.isawaitable(answer) else answer


def is_awaited(memory: Any, method: str) -> bool:
    """Must what that method of a memory answers be awaited?"""
    return getattr(memory, "awaited", False) is True or inspect.iscoroutinefunction(getattr(memory, method))


def messages_of(memory: Any) -> list[Msg] | None:
    """Return what a memory tells at once; None where it must be awaited. It may raise anything."""
    if is_awaited(memory, "get_memory"):
        return None
    return [message for message in memory.get_memory() if isinstance(message, Msg)]
