"""What a run was asked: the text, with the values that were filled in shown as chips."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from ._body import details
from ._head import who
from ._plain import clip, one_line, shown_lines, tidy

__all__ = ["prompt_html", "prompt_text"]

_FOLD = 12
_CHIPS = 20
_VALUE = 40

Chip = tuple[str, str]


def prompt_html(prompt: str, chips: Sequence[Chip], limit: int = 4000) -> str:
    """Return the prompt as a row of the person who asks; empty if nothing was asked."""
    plain = clip(tidy(prompt).strip("\n"), limit)
    parts, rest = _split(plain, chips)
    html = "".join(_chip(*part) if isinstance(part, tuple) else escape(part) for part in parts)
    shown = f'<p class="nba-text">{html.replace(chr(10), "<br>")}</p>' if html else ""
    if shown_lines(plain) > _FOLD:
        shown = details(f"asked {shown_lines(plain)} lines", shown)
    if rest:
        shown += f'<p class="nba-filled">{" ".join(_chip(*chip) for chip in rest)}</p>'
    if not shown:
        return ""
    return f'<div class="nba-row nba-cn nba-ask">{who("you")}<div class="nba-body">{shown}</div></div>'


def prompt_text(prompt: str, chips: Sequence[Chip], limit: int = 4000) -> str:
    """Return the prompt as plain text.

    >>> prompt_text("Write about {topic}.", [("topic", "rain"), ("n", "4")])
    'Write about ‹topic: rain›. ‹n: 4›'
    """
    parts, rest = _split(clip(tidy(prompt).strip("\n"), limit), chips)
    text = "".join(_said(*part) if isinstance(part, tuple) else part for part in parts)
    return " ".join([text, *(_said(*chip) for chip in rest)]).strip()


def _split(prompt: str, chips: Sequence[Chip]) -> tuple[list[str | Chip], list[Chip]]:
    """Cut a prompt at the places that chips were filled in; return the chips without a place too."""
    rest = list(chips[:_CHIPS])
    if not rest:
        return [prompt], []
    values = dict(rest)
    places = "|".join(re.escape("{" + name + "}") for name in values)
    parts: list[str | Chip] = []
    used = set()
    for piece in re.split(f"({places})", prompt):
        name = piece[1:-1]
        if name in values and piece == "{" + name + "}":
            parts.append((name, values[name]))
            used.add(name)
        elif piece:
            parts.append(piece)
    return parts, [chip for chip in rest if chip[0] not in used]


def _said(name: str, value: str) -> str:
    return f"‹{one_line(name, 40)}: {one_line(value, _VALUE)}›"


def _chip(name: str, value: str) -> str:
    full = escape(one_line(value, 300))
    return f'<span class="nba-chip nba-var" title="{full}">{escape(_said(name, value))}</span>'
