"""The notebook's door: ``%%agent``, ``%%agents``, ``%%pipeline``, ``%%msghub`` and ``%agents``."""

from __future__ import annotations

from typing import Any

from ._history import watch_cells
from ._hooks import Extension

__all__ = ["load_ipython_extension", "unload_ipython_extension", "watch_cells"]

_ATTRIBUTE = "_nbagents_extension"


def load_ipython_extension(shell: Any) -> None:
    """Load the magics into a shell, start the agent server in the background, and show the banner."""
    extension = getattr(shell, _ATTRIBUTE, None)
    if extension is None or not extension.is_loaded:
        extension = Extension(shell)
        setattr(shell, _ATTRIBUTE, extension)
    extension.load()


def unload_ipython_extension(shell: Any) -> None:
    """Take the magics out of a shell. The agents and their server stay."""
    extension = getattr(shell, _ATTRIBUTE, None)
    if extension is not None:
        extension.unload()
