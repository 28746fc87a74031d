"""`Strays`: answers of a server that nobody waits for."""

from __future__ import annotations

from ..exceptions import ProtocolError

__all__ = ["Strays"]

MOST = 1000
"""Answers beyond one for each call that was cancelled here: more is no accident."""


class Strays:
    """Counts answers that nobody waits for: a server that sends nothing else is not heard for ever."""

    def __init__(self) -> None:
        self._left = MOST

    def expect(self) -> None:
        """Somebody has stopped waiting: one more answer may come."""
        self._left += 1

    def note(self, what: str, who: str) -> None:
        """One has come.

        Raises:
            ProtocolError: too many have.
        """
        self._left -= 1
        if self._left < 0:
            raise ProtocolError(f"the agent server {who} keeps sending {what} that nobody asked for")
