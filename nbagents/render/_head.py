"""The head line of a row: avatar and name, state, figures.

Knows nothing of what is said below it.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from ._plain import letter, one_line
from ._style import color_class
from ._views import State

__all__ = ["DEMO", "agent_classes", "state_html", "state_text", "who"]

DEMO = "demo · not an AI"
# The variation selector keeps front-ends from drawing the shape as a coloured emoji.
_SHAPES: dict[State, str] = {
    "waiting": "◔",
    "running": "▶\ufe0e",
    "done": "✓\ufe0e",
    "stopped": "■",
    "failed": "✗",
    "human": "⚑",
}
_WORDS: dict[State, str] = {
    "waiting": "waiting",
    "running": "running",
    "done": "done",
    "stopped": "stopped",
    "failed": "failed",
    "human": "waiting for you",
}


def state_html(state: State, *, quiet: bool = False) -> str:
    """Return the shape and word of a state; if ``quiet``, "done" is said to screen readers alone."""
    word = _WORDS[state]
    if quiet and state == "done":
        return f'<span class="nba-done">{_SHAPES[state]}<span class="nba-vh"> {word}</span></span>'
    return f'<span class="nba-state nba-{state}">{_SHAPES[state]} {word}</span>'


def state_text(state: State) -> str:
    """Return the shape and word of a state as plain text."""
    return f"{_SHAPES[state][0]} {_WORDS[state]}"


def who(name: str, meta: Iterable[str] = (), after: str = "", chip: str = "") -> str:
    """Return the head line of a row: avatar, name, what follows it; at the right a chip and the figures.

    ``meta`` and ``after`` are HTML, the chip is text.
    """
    shown = one_line(name, 60) or "?"
    figures = " · ".join(filter(None, meta))
    if chip:
        figures = f'<span class="nba-chip">{escape(chip)}</span> {figures}'
    # The sheet draws the letter, so it is in no copied text, and gone where the sheet is.
    avatar = f'<span class="nba-av" title="{escape(letter(shown))}" aria-hidden="true"></span>'
    return (
        f'<header class="nba-who">{avatar}'
        f'<b class="nba-name" dir="auto">{escape(shown)}</b>{after}'
        + (f' <span class="nba-meta">{figures}</span>' if figures else "")
        + "</header>"
    )


def agent_classes(color: int | None, *, is_demo: bool) -> str:
    """Return the classes of a row or line that belongs to an agent."""
    return color_class(color) + (" nba-isdemo" if is_demo else "")
