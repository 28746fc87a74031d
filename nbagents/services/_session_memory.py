"""`AgentScopeSessionHistoryMemory`: what an agent remembers is a session of a service."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from .._loop import background
from ..exceptions import UsageError
from ..memory import MemoryBase
from ..message import Msg, PlaceholderMessage
from ._history import SessionHistoryService
from ._plain import owner
from ._session import Session

__all__ = ["AgentScopeSessionHistoryMemory"]


class AgentScopeSessionHistoryMemory(MemoryBase):
    """The messages of a session, for agents. The service must be started, and outlives the agent.

    Where an event loop runs its methods are awaited; elsewhere, in a script or in a blocking ``reply``,
    they wait and return. Whatever is asked comes from the service, so that agents of several processes may
    share a session; a message is added once. It is no part of an agent's ``state_dict``.

    >>> from nbagents.services import InMemorySessionHistoryService
    >>> async def main():
    ...     async with InMemorySessionHistoryService() as service:
    ...         memory = AgentScopeSessionHistoryMemory(service, "ann", "tea")
    ...         await memory.add(Msg("user", "Tea?"))
    ...         return [message.content for message in await memory.get_memory()]
    >>> asyncio.run(main())
    ['Tea?']

    Raises:
        UsageError: an id is none, or the service keeps no sessions.
    """

    awaited = True

    def __init__(self, service: SessionHistoryService, user_id: str, session_id: str) -> None:
        if not isinstance(service, SessionHistoryService):
            raise UsageError(f"a session is kept by a SessionHistoryService, not by {type(service).__name__}")
        self.user_id, self.session_id = owner(user_id, session_id)
        self._service = service
        self._known: set[str] | None = None
        """The ids of the messages that have been seen there; None before the first look."""

    def add(self, memories: Msg | Iterable[Msg] | None, allow_duplicates: bool = False) -> Any:
        """Add a message or several together; None adds nothing, and what is there already stays once.

        Raises:
            UsageError: something is no message, or JSON cannot hold it; nothing is added then.
            StorageError: they could not be kept.
        """
        return _here(self._add(memories, allow_duplicates))

    def get_memory(
        self, recent_n: int | None = None, filter_func: Callable[[int, Msg], bool] | None = None
    ) -> Any:
        """Return the last ``recent_n`` messages, all by default, that pass ``filter_func(index, msg)``.

        Raises:
            StorageError: they could not be read.
        """
        return _here(self._read(recent_n, filter_func))

    def size(self) -> Any:
        """Return how many messages there are."""
        return _here(self._size())

    def clear(self) -> Any:
        """Forget all messages; the session goes on, empty."""
        return _here(self._clear())

    async def _add(self, memories: Any, allow_duplicates: bool) -> None:
        given = await _messages(memories)
        if self._known is None:
            await self._all()
        known: set[str] = self._known if self._known is not None else set()
        new: list[Msg] = []
        for message in given:
            if allow_duplicates or message.id not in known:
                new.append(message)
                known.add(message.id)
        try:
            await self._service.append_message(Session(self.session_id, self.user_id), new)
        except BaseException:
            self._known = None  # which of them are there is to be seen
            raise

    async def _read(self, recent_n: int | None, filter_func: Callable[[int, Msg], bool] | None) -> list[Msg]:
        found = await self._all()
        found = found if recent_n is None else found[max(0, len(found) - recent_n) :]
        return [
            message
            for index, message in enumerate(found)
            if filter_func is None or filter_func(index, message)
        ]

    async def _size(self) -> int:
        return len(await self._all())

    async def _clear(self) -> None:
        await self._service.delete_session(self.user_id, self.session_id)
        await self._all()

    async def _all(self) -> list[Msg]:
        """Return what the service has; a dictionary among it is a message if it has a role and content."""
        session = await self._service.get_session(self.user_id, self.session_id)
        found = [message for message in map(_as_message, session.messages) if message is not None]
        self._known = {message.id for message in found}
        return found

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.session_id} of {self.user_id}, {self._service!r}>"


def _here(work: Coroutine[Any, Any, Any]) -> Any:
    """Return what is to be awaited where a loop runs; else do it, and return what comes of it."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return background().run(work)
    return work


async def _messages(given: Any) -> list[Msg]:
    if isinstance(given, PlaceholderMessage):
        given = await given
    if given is None:
        return []
    if isinstance(given, Msg):
        return [given]
    if isinstance(given, str | bytes | dict) or not isinstance(given, Iterable):
        raise UsageError(f"Cannot add {type(given)} to memory, must be a Msg object.")
    found: list[Msg] = []
    for item in given:
        found += await _messages(item)
    return found


def _as_message(entry: Msg | dict[str, Any]) -> Msg | None:
    if isinstance(entry, Msg):
        return entry
    role, content = entry.get("role"), entry.get("content")
    if role not in ("system", "user", "assistant") or content is None:
        return None
    return Msg(str(entry.get("name") or role), content, role)
