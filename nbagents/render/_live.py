"""A run for a page that draws it itself: what changes often as plain values, the rest as safe HTML.

Knows how a run looks, not how it travels or what has been sent already.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from html import escape
from typing import Any

from ._error import error_part
from ._head import state_html
from ._markdown import markdown_to_html
from ._pictures import LIVE_PICTURES, within
from ._plain import clip, one_line, tidy
from ._prompt import prompt_html
from ._row import is_open, row_slots
from ._run import announcement, run_facts, run_notes
from ._timeline import lane_values
from ._views import RowView, RunView, SectionView

__all__ = ["LiveRows", "finished", "live_run", "wall_time"]

_LIMIT = 20_000
_MOST = 400
_WALL = time.time() - time.monotonic()


def wall_time(at: float | None = None) -> float:
    """Return a time of `time.monotonic`, by default the present one, in seconds since 1970.

    What a page is told so stands still while time goes on, and means the same to one that is loaded later.
    """
    return (time.monotonic() if at is None else at) + _WALL


def live_run(view: RunView) -> dict[str, Any]:
    """Return everything of a run but its rows, as values that JSON can hold."""
    below = error_part(view.error) if view.error else ""
    if view.outcome:
        below += f'<p class="nba-foot">{escape(one_line(view.outcome, 300))}</p>'
    return {
        "title": one_line(view.title, 200),
        "state": view.state,
        "badge": state_html(view.state),
        **_clock(view, running=view.state == "running"),
        "facts": run_facts(replace(view, elapsed=None)),
        "above": prompt_html(view.prompt, view.chips) + run_notes(view),
        "below": below,
        "lanes": lane_values(view.lanes, view.elapsed if view.state == "running" else None),
        "told": announcement(view),
    }


class LiveRows:
    """The rows of one run, drawn once for each change. Not safe from several threads at a time."""

    def __init__(self) -> None:
        self._drawn: dict[str, tuple[RowView | SectionView, str]] = {}
        self._growing: dict[str, _Growing] = {}

    def values(self, rows: Iterable[RowView | SectionView]) -> list[dict[str, Any]]:
        """Return the rows as values that JSON can hold.

        ``html`` is the row, with slots where it is open; ``text`` what was said, as it was said, of
        which the first ``done`` units of UTF-16 are also there as ``blocks`` of HTML.
        """
        shown = within(rows, LIVE_PICTURES)
        left = len(shown) - _MOST
        if left > 0:
            gap = SectionView(f"{left} more, shown at the end", "gap")
            shown = [*shown[:3], gap, *shown[3 + left :]]
        return [self._row(row, str(place)) for place, row in enumerate(shown)]

    def _row(self, row: RowView | SectionView, place: str) -> dict[str, Any]:
        key = row.key or place
        if isinstance(row, SectionView):
            html = f'<p class="nba-sep">— {escape(one_line(row.label, 80))} —</p>'
            return {"key": key, "agent": "", "state": "", "html": html, "text": ""}
        text = clip(tidy(row.text), 10 * _LIMIT).strip("\n")
        value: dict[str, Any] = {
            "key": key,
            "agent": one_line(row.agent, 60) or "?",
            "state": row.state,
            "open": is_open(row),
            "html": self._html(key, row),
            "text": text,
        }
        if is_open(row):
            value |= _clock(row, running=True)
        if row.live:
            growing = self._growing.setdefault(key, _Growing())
            growing.take(text)
            value |= {"blocks": list(growing.blocks), "done": growing.units}
        else:
            self._growing.pop(key, None)
        return value

    def _html(self, key: str, row: RowView) -> str:
        # What the page fills in itself is no reason to draw a row anew.
        plain = replace(row, elapsed=None) if is_open(row) else row
        if row.live:
            plain = replace(plain, text="…" if row.text.strip() else "")
        known = self._drawn.get(key)
        if known is None or known[0] != plain:
            known = self._drawn[key] = (plain, row_slots(plain, _LIMIT))
        return known[1]


def _clock(view: RowView | RunView, *, running: bool) -> dict[str, float | None]:
    """Return since when something takes its time, or how long it has taken."""
    if not running or view.began is None:
        return {"began": None, "elapsed": view.elapsed}
    return {"began": wall_time(view.began), "elapsed": None}


class _Growing:
    """A text that grows: the HTML of its finished blocks, and how long they are."""

    def __init__(self) -> None:
        self.text = ""
        self.blocks: list[str] = []
        self.done = self.units = 0

    def take(self, text: str) -> None:
        """Take in what the text is now."""
        if not text.startswith(self.text):  # it has begun anew
            self.blocks, self.done, self.units = [], 0, 0
        end = finished(text, self.done)
        if end > self.done:
            block = text[self.done : end]
            self.blocks.append(markdown_to_html(block))
            self.units += len(block.encode("utf-16-le")) // 2
            self.done = end
        self.text = text


def finished(text: str, start: int = 0) -> int:
    r"""Return where the last finished block of a Markdown text ends: what is before will not change.

    ``start`` is where to begin, the end of a block.

    >>> finished("One.\n\nTwo"), finished("```\na\n\nb"), finished("```\na\n\nb\n```\n")
    (6, 0, 13)
    """
    fence = ""
    at = end = start
    for line in text[start:].splitlines(keepends=True):
        if not line.endswith("\n"):
            break
        at += len(line)
        bare = line.strip()
        if fence:
            if bare.startswith(fence) and not bare.strip(fence[0]):
                fence, end = "", at
        elif bare.startswith(("```", "~~~")):
            fence = bare[: len(bare) - len(bare.lstrip(bare[0]))]
        elif not bare:
            end = at
    return end
