"""`Origin`: who asked for calls over the wire, as these calls know it: as long as it is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..events import Event

if TYPE_CHECKING:
    from ._session import Session

__all__ = ["Origin"]


class Origin:
    """Stands for a session in its calls, which outlive it; an `events.Hearer`."""

    __slots__ = ("__weakref__", "_session", "book")

    def __init__(self, session: Session) -> None:
        self._session: Session | None = session
        self.book = session.book
        """The runs of the server that these calls are in."""

    def leave(self) -> None:
        """The session is over: let go of it."""
        self._session = None

    def wants(self) -> bool:
        """May there be something to tell? Cheap, and on any thread."""
        session = self._session
        return session is not None and session.wants()

    def hear(self, event: Event) -> None:
        """Take an event of a call of this client or below it, on any thread."""
        session = self._session
        if session is not None:
            session.hear(event)
