"""`Teller`: whom a run tells how it goes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ._run import Run

__all__ = ["Teller", "tell", "usual_teller"]


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


_told: tuple[int, Teller] | None = None


def tell(whom: Teller | None) -> None:
    """Say whom the runs of this process are told from now on that name nobody themselves; None is nobody."""
    global _told
    _told = None if whom is None else (os.getpid(), whom)


def usual_teller() -> Teller | None:
    """Return whom they are told. A fork of this process has nobody: what it was told by is not its own."""
    return _told[1] if _told is not None and _told[0] == os.getpid() else None
