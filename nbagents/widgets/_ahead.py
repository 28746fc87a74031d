"""`load_ahead`: what the first live output would have to wait for, loaded while nobody waits.

Loading the widgets takes longer than to open a card of a hundred messages.
"""

from __future__ import annotations

import contextlib
import threading

from ..render import markdown_to_html

__all__ = ["load_ahead"]


def load_ahead() -> threading.Thread:
    """Load the widgets and the Markdown parser on a daemon thread, which is returned.

    Whoever needs them meanwhile waits for the rest only. What cannot be loaded says so where it is used.
    """
    thread = threading.Thread(target=_load, name="nbagents-ahead", daemon=True)
    thread.start()
    return thread


def _load() -> None:
    with contextlib.suppress(Exception):
        from . import _run_widget  # noqa: F401

        markdown_to_html("")
