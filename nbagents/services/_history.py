"""`SessionHistoryService`: what was said, by user and session. Knows messages, and no agents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..exceptions import StateCorruptError
from ..message import Msg, PlaceholderMessage
from ._leases import Leases
from ._plain import message_of, owner, session_or_new, text_of_message
from ._session import Session

__all__ = ["SessionHistoryService"]


class SessionHistoryService(Leases):
    """Keeps the messages of sessions, by user and session.

    A kind of it writes ``_make``, ``_get``, ``_delete``, ``_list``, ``_append`` and what `Service` and
    `Leases` name. Everything is copied on the way in and out. Messages that are appended by one call stand
    together, whoever appends at the same time, from whichever process.

    >>> import asyncio
    >>> from nbagents.services import InMemorySessionHistoryService
    >>> async def main():
    ...     async with InMemorySessionHistoryService() as service:
    ...         session = await service.create_session("ann", "tea")
    ...         said = [Msg("user", "Tea?"), {"role": "assistant", "text": "Yes."}]
    ...         await service.append_message(session, said)
    ...         return await service.get_session("ann", "tea")
    >>> asyncio.run(main()).messages
    [Msg(name='user', content='Tea?', role='user'), {'role': 'assistant', 'text': 'Yes.'}]
    """

    async def create_session(self, user_id: str, session_id: str | None = None) -> Session:
        """Make a session, with a new id if None or blanks are given; return one that is there as it is.

        Raises:
            UsageError: an id is none.
            ServiceNotStartedError: the service is not started.
            StorageError: it could not be kept, or read.
        """
        return await self.get_session(user_id, session_or_new(session_id))

    async def get_session(self, user_id: str, session_id: str) -> Session:
        """Return a session with all its messages. One that is not there is made.

        Raises:
            UsageError: an id is none.
            ServiceNotStartedError: the service is not started.
            StateCorruptError: what is kept is damaged; the message names it.
            StorageError: it could not be read.
        """
        user, session = owner(user_id, session_id)
        self._check_started()
        texts = await self._get(user, session)
        messages = []
        for n, text in enumerate(texts, 1):
            try:
                messages.append(message_of(text))
            except (ValueError, TypeError) as error:
                raise StateCorruptError(
                    f"message {n} of the user {user}, session {session}, in {self._where()} is damaged:"
                    f" {str(error)[:200]}"
                ) from None
        return Session(session, user, messages)

    async def delete_session(self, user_id: str, session_id: str) -> None:
        """Forget a session and its messages. One that is not there is fine.

        Raises:
            UsageError: an id is none.
            ServiceNotStartedError: the service is not started.
            StorageError: it could not be deleted.
        """
        user, session = owner(user_id, session_id)
        self._check_started()
        await self._delete(user, session)

    async def list_sessions(self, user_id: str) -> list[Session]:
        """Return the sessions of a user without their messages, the oldest first.

        Raises:
            UsageError: the id is none.
            ServiceNotStartedError: the service is not started.
            StorageError: they could not be read.
        """
        user, _ = owner(user_id, None)
        self._check_started()
        return [Session(session, user) for session in await self._list(user)]

    async def append_message(
        self, session: Session, message: Msg | Mapping[str, Any] | Sequence[Msg | Mapping[str, Any]]
    ) -> None:
        """Append a message, or several together, to a session, and to the `Session` that is given.

        A message that has not arrived yet is waited for. A session that is not there is made.

        Raises:
            UsageError: something is no message, or JSON cannot hold it; nothing is appended then.
            ServiceNotStartedError: the service is not started.
            StorageError: they could not be kept; none of them is then.
        """
        user, session_id = owner(session.user_id, session.id)
        given = list(message) if isinstance(message, list | tuple) else [message]
        whole = [await item if isinstance(item, PlaceholderMessage) else item for item in given]
        texts = [text_of_message(item) for item in whole]
        self._check_started()
        if texts:
            await self._append(user, session_id, texts)
            session.messages += map(message_of, texts)

    # ---- what a kind of service writes

    async def _get(self, user: str, session: str) -> Sequence[Any]:
        """Return what is kept of a session, the oldest first; make it if it is not there."""
        raise NotImplementedError

    async def _delete(self, user: str, session: str) -> None:
        """Forget a session."""
        raise NotImplementedError

    async def _list(self, user: str) -> Sequence[str]:
        """Return the ids of a user's sessions, the oldest first."""
        raise NotImplementedError

    async def _append(self, user: str, session: str, texts: Sequence[str]) -> None:
        """Append JSON texts, all of them or none; make the session if it is not there."""
        raise NotImplementedError
