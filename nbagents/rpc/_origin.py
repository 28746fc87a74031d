"""`Origin`: who asked for calls over the wire, as these calls know it: as long as it is there."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from ..events import Event

if TYPE_CHECKING:
    from ._session import Session

__all__ = ["Origin"]


class Origin:
    """Stands for a session in its calls, which outlive it; an `events.Hearer`."""

    __slots__ = ("__weakref__", "_session", "book", "watched")

    def __init__(self, session: Session, watched: Collection[str]) -> None:
        self._session: Session | None = session
        self.watched = watched
        """The calls of which the client hears what happens."""
        self.book = session.book
        """The runs of the server that these calls are in."""

    def leave(self) -> None:
        """The session is over: let go of it."""
        self._session, self.watched = None, ()

    def hear(self, event: Event) -> None:
        """Take an event of a call of this client or below it, on any thread."""
        session = self._session
        if session is not None:
            session.hear(event)
