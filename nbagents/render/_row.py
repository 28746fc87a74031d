"""One row of a run: who, in which state, how long, and what was said so far."""

from __future__ import annotations

from dataclasses import replace
from html import escape

from ._body import body, coded, details, lines, preformatted
from ._error import error_lines, error_part
from ._folds import folds_html, folds_lines
from ._head import DEMO, agent_classes, state_html, state_text, who
from ._markdown import text_to_html
from ._pictures import attached_html, attached_lines
from ._plain import one_line, seconds, shown_lines, tidy, tokens
from ._views import RowView

__all__ = ["is_open", "row_html", "row_lines", "row_slots"]

_TAIL_LINES = 12
_TAIL = 2000
_ASKED = 200
_TICK = '<span class="nba-tick"></span>'
_SLOTS = (
    '<div class="nba-body nba-growing"><div class="nba-grown mathjax_process"></div>'
    '<p class="nba-text nba-caret"><span class="nba-tail"></span></p></div>'
)


def row_html(row: RowView, position: int, total: int, limit: int | None = None, *, fold: bool = True) -> str:
    """Return a row as an article.

    ``limit`` shortens what was said, printed and raised, each to so many characters. A long message
    folds, unless the row will soon be drawn anew, which would close it under the reader's eyes.
    """
    said = tidy(row.text).strip("\n")
    inner = who(row.agent, _figures(row), _thinking(row, said), _chip(row)) + _asked(row)
    inner += folds_html(row.folds, limit)
    if row.live:
        inner += _growing(said) if said else ""
    elif said:
        inner += body(said, limit=limit, fold=fold)
    return _article(row, inner, f", message {position} of {total}", limit)


def row_slots(row: RowView, limit: int) -> str:
    """Return a row for a page that fills in itself what changes often.

    A row that is open has an empty ``nba-tick`` for its seconds, and if it grows an ``nba-grown`` for
    the HTML of its finished blocks and an ``nba-tail`` for the text after them.
    """
    said = tidy(row.text).strip("\n")
    figures = _figures(replace(row, elapsed=None)) if is_open(row) else _figures(row)
    if is_open(row):
        figures = [*figures[:1], _TICK, *figures[1:]] if row.state != "running" else [_TICK, *figures]
    inner = who(row.agent, figures, _thinking(row, said), _chip(row)) + _asked(row) + folds_html(row.folds)
    if row.live:
        inner += _SLOTS if said else ""
    elif said:
        inner += body(said, limit=limit)
    return _article(row, inner, "", limit)


def is_open(row: RowView) -> bool:
    """Is it still on its way?"""
    return row.state in ("running", "waiting", "human")


def _article(row: RowView, inner: str, place: str, limit: int | None) -> str:
    name = one_line(row.agent, 60) or "?"
    if row.attached:
        inner += attached_html(row.attached, name)
    if row.printed.strip():
        inner += _printed(row, limit)
    if row.error:
        inner += error_part(row.error, 8000 if limit is None else limit if limit >= 1000 else 0)
    if row.note:
        inner += f'<p class="nba-sub">{coded(one_line(row.note, 300))}</p>'
    classes = agent_classes(row.color, is_demo=row.is_demo)
    return f'<article class="nba-row {classes}" aria-label="{escape(name + place)}">{inner}</article>'


def row_lines(row: RowView, limit: int | None = None) -> list[str]:
    """Return a row as lines of plain text."""
    state = [] if row.state == "done" else [state_text(row.state)]
    facts = [one_line(row.agent, 60) or "?", *state, *_facts(row), _chip(row)]
    result = [" · ".join(filter(None, facts))]
    if row.asked:
        result.append(f"  asked: {one_line(row.asked, _ASKED)}")
    result += folds_lines(row.folds, limit)
    if row.text.strip():
        result += lines(row.text, "  ", limit)
    result += [f"  {line}" for line in attached_lines(row.attached)]
    if row.printed.strip():
        result += ["  printed:", *lines(row.printed, "  | ", limit)]
    if row.error:
        result += error_lines(row.error, "  ")
    if row.note:
        result.append(f"  {one_line(row.note, 300)}")
    return result


def _asked(row: RowView) -> str:
    return (
        f'<p class="nba-sub nba-asked">asked: {escape(one_line(row.asked, _ASKED))}</p>' if row.asked else ""
    )


def _facts(row: RowView) -> list[str]:
    facts = [] if row.elapsed is None else [seconds(row.elapsed)]
    return facts if row.tokens is None else [*facts, tokens(row.tokens)]


def _chip(row: RowView) -> str:
    return DEMO if row.is_demo else one_line(row.model or "", 60)


def _figures(row: RowView) -> list[str]:
    facts = _facts(row)
    # A row that runs says so beside the name, where its text will be.
    if row.state == "running":
        return facts
    state = state_html(row.state, quiet=True)
    if row.state == "done":  # of what a person has said there is nothing to report
        return [f"{state} {facts[0]}", *facts[1:]] if facts else []
    return [state, *facts]


def _thinking(row: RowView, said: str) -> str:
    if row.state != "running":
        return ""
    tool = next((fold.title for fold in reversed(row.folds) if fold.state == "running"), "")
    if tool:
        return f' <span class="nba-doing">is calling {escape(one_line(tool, 60))}</span>'
    doing = "writing" if said else "thinking"
    return f' <span class="nba-doing">is {doing}</span>'


def _growing(said: str) -> str:
    """Show the end of a text that grows: the whole of it comes once it is finished."""
    tail = said[-_TAIL:]
    kept = tail.split("\n")[-_TAIL_LINES:]
    cut = "…" if len("\n".join(kept)) < len(said) else ""
    html = text_to_html(cut + "\n".join(kept)).removesuffix("</p>")
    return f'<div class="nba-body">{html}<span class="nba-caret" aria-hidden="true"></span></p></div>'


def _printed(row: RowView, limit: int | None) -> str:
    block = preformatted(row.printed, 4000 if limit is None else limit)
    count = shown_lines(row.printed.strip())
    if count > 3:
        return f'<div class="nba-sub">{details(f"printed {count} lines", block)}</div>'
    return f'<div class="nba-sub">printed:{block}</div>'
