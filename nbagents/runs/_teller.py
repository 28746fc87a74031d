"""`Teller`: whom a run tells how it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ._run import Run

__all__ = ["Teller"]


class Teller(Protocol):
    """Tells somebody else of a run as it goes; must not wait."""

    def begun(self, run: Run) -> None:
        """It begins."""

    def noted(self, run: Run, label: str) -> None:
        """It has come so far."""

    def said(self, run: Run, text: str, to: str) -> None:
        """A person says something in it."""

    def ended(self, run: Run) -> None:
        """It is over."""
