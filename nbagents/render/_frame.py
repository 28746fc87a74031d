"""The frame of a fragment: it carries the style sheet and the theme's colours."""

from __future__ import annotations

from html import escape

from ._style import sheet

__all__ = ["fragment"]


def fragment(tag: str, classes: str, inner: str, label: str = "") -> str:
    """Return a whole fragment: the frame that holds the style sheet and the theme's colours."""
    named = f' aria-label="{escape(label)}"' if label else ""
    # Only a text that is meant as Markdown may hold formulas; prices in a header are none.
    return f'<{tag} class="nba {classes} mathjax_ignore"{named}>{sheet(classes + inner)}{inner}</{tag}>'
