"""`Teller`: whom a run tells how it goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ._run import Run

__all__ = ["Teller"]


class Teller(Protocol):
    """Tells somebody else of a run as it goes; must not wait."""

    def begun(self, run: Run, limits: Mapping[str, Any] | None = None) -> None:
        """It begins; ``limits`` is what it may ask of models, see `nbagents.budget.Limits`."""

    def noted(self, run: Run, label: str) -> None:
        """It has come so far."""

    def said(self, run: Run, text: str, to: str) -> None:
        """A person says something in it."""

    def ended(self, run: Run) -> None:
        """It is over."""
