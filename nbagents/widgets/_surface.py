"""Where outputs go: a notebook that somebody watches, one that nobody watches, or a terminal.

A `Surface` is made in a cell and publishes for that cell from any thread, however many cells have
run since. Knows nothing of runs.
"""

from __future__ import annotations

import contextvars
import sys
import threading
from collections.abc import Mapping
from typing import Any, Literal

from .._ids import new_id

__all__ = ["Mode", "Surface", "mode_of", "widgets_seen"]

Mode = Literal["live", "headless", "terminal"]

widgets_seen = threading.Event()
"""Set once a page has drawn a widget of this process: it will draw others too."""


def mode_of(shell: Any) -> Mode:
    """Say who is there: ``live`` a person at a notebook, ``headless`` nobody, ``terminal`` no notebook.

    A kernel that may not ask for input is run by a program.
    """
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return "terminal"
    return "live" if getattr(kernel, "_allow_stdin", False) else "headless"


class Surface:
    """One output of the running cell: shown once, then replaced in place. Safe from any thread."""

    def __init__(self, shell: Any) -> None:
        self.mode: Mode = mode_of(shell)
        self._publisher = shell.display_pub
        self._context = contextvars.copy_context()  # holds the cell that outputs belong to
        self._id: str | None = None
        self._lock = threading.Lock()

    @property
    def shown(self) -> bool:
        """Is there something in the cell already?"""
        return self._id is not None

    def show(self, html: str, text: str, more: Mapping[str, Any] | None = None) -> None:
        """Put this into the cell, in place of what this surface showed before.

        ``more`` are further forms by their types, which a front-end may prefer. A terminal takes the
        text alone, and only adds to what is there.
        """
        with self._lock:
            if self.mode == "terminal":
                self._write(text)
            else:
                forms = {**(more or {}), "text/html": html, "text/plain": text}
                self._context.run(self._publish, forms)

    def write(self, text: str) -> None:
        """Add lines in a terminal."""
        with self._lock:
            self._write(text)

    def _write(self, text: str) -> None:
        if sys.stdout is not None:
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()

    def _publish(self, data: Mapping[str, Any]) -> None:
        update = self._id is not None
        self._id = self._id or f"nbagents-{new_id()}"
        self._publisher.publish(data=data, metadata={}, transient={"display_id": self._id}, update=update)
