"""The run card: a conversation as safe HTML and as text, live or frozen, never past its size.

Knows views, not runs: what happened is told it as plain data.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from html import escape
from itertools import accumulate

from ._body import coded, details, preformatted
from ._error import error_lines, error_part
from ._fitting import CAP, Fit, fit, share
from ._frame import fragment
from ._graph import GraphView, graph_figure, graph_lines
from ._head import state_html, state_text
from ._pictures import CARD_PICTURES, LIVE_PICTURES, size_without_pictures, within
from ._plain import count_words, one_line, seconds, tidy, tokens
from ._prompt import prompt_html, prompt_text
from ._row import is_open, row_html, row_lines
from ._timeline import timeline_html, timeline_lines, timing
from ._views import RowView, RunView, SectionView

__all__ = ["announcement", "run_facts", "run_html", "run_notes", "run_text"]

_NOTES = 8
_GRAPH = ((8000, 12_000), (240, 6_000), (0, 1_500))
"""How many bytes a graph may take where each text may take so many characters: words come first."""
_WARNING = '<span class="nba-icon" aria-hidden="true">⚠\ufe0e</span>'


def run_html(
    view: RunView, live: bool = False, *, timeline: bool = False, graph: GraphView | None = None
) -> str:
    """Return a run as one HTML fragment without script and without anything from elsewhere.

    While it is ``live``, rows that still grow show their text as it is, and nothing folds, since the
    next drawing would close it. A finished run folds long messages, and the middle of more than thirty.
    Either form stays under 30 kB, pictures aside, which have 1.3 MB together. Where that is not enough,
    texts are shortened, then rows of the middle left out, with a note that says so and names
    ``view.saved``. Who was busy when is shown open if something ran in parallel, or if ``timeline`` asks
    for it, else folded; so are, where there is room for that, the messages as they were written. Who spoke
    to whom is shown where ``graph`` tells it, as a list alone where words need the room. Safe from any
    thread.
    """
    view = replace(view, rows=tuple(within(view.rows, LIVE_PICTURES if live else CARD_PICTURES)))
    said = 0 if live else sum(len(row.text) for row in view.rows if isinstance(row, RowView))
    if 0 < said < CAP // 3:
        html = _card(view, live, Fit(), timeline, graph, raw=_raw(view))
        if size_without_pictures(html) <= CAP:
            return html
    return fit(view.rows, lambda size: _card(view, live, size, timeline, graph))


def run_text(view: RunView, *, timeline: bool = False, graph: GraphView | None = None) -> str:
    """Return a run as plain text: who spoke, how long, what ran in parallel, ``graph``. Under 30 kB."""
    return fit(view.rows, lambda size: _plain(view, size, timeline, graph))


def _card(
    view: RunView, live: bool, size: Fit, timeline: bool, graph: GraphView | None, raw: str = ""
) -> str:
    inner = _header(view) + prompt_html(view.prompt, view.chips, size.of(4000))
    inner += run_notes(view)
    times = timing(view.lanes, view.wall, view.work)
    lanes = timeline_html(view.lanes, times, 120 if size.limit is None else 40) if view.lanes else ""
    inner += lanes if times.overlaps or timeline else ""
    if graph:
        inner += graph_figure(graph, next(cap for least, cap in _GRAPH if size.of(8000) >= least))
    rows = _rows(view.rows, live, size)
    inner += f'<div class="nba-log" role="log" aria-live="off">{rows}</div>' if live else rows
    if view.error:
        inner += error_part(view.error, size.of(8000) if size.of(8000) >= 1000 else 0)
    foot = [escape(one_line(view.outcome, 300))] if view.outcome else []
    if size.limit is not None:
        foot.append(escape(_shortened(view)))
    if foot:
        inner += f'<p class="nba-foot">{" · ".join(foot)}</p>'
    folded = details("timeline", lanes) if lanes and not (times.overlaps or timeline or live) else ""
    folded += details("raw", raw) if raw else ""
    if folded:
        inner += f'<div class="nba-foot nba-more">{folded}</div>'
    if live:
        inner += f'<p class="nba-foot nba-told" role="status">{escape(announcement(view))}</p>'
    return fragment("section", "nba-run", inner, f"run: {one_line(view.title)}")


def _header(view: RunView) -> str:
    title = escape(one_line(view.title, 200))
    facts = " · ".join(escape(fact) for fact in run_facts(view))
    if facts:
        facts = f" {facts}" if view.elapsed is not None else f" · {facts}"
    return (
        f'<header class="nba-head"><strong class="nba-title">{title}</strong>'
        f' <span class="nba-meta">{state_html(view.state)}{facts}</span></header>'
    )


def run_notes(view: RunView) -> str:
    """Return the notes of a run as HTML."""
    return "".join(
        f'<p class="nba-note">{_WARNING} {coded(one_line(note, 300))}</p>' for note in view.notes[:_NOTES]
    )


def run_facts(view: RunView) -> list[str]:
    """Return the figures of a run, the seconds first if they are known."""
    facts = [] if view.elapsed is None else [seconds(view.elapsed)]
    said = (row for row in view.rows if isinstance(row, RowView))
    count = sum(row.state != "failed" or bool(row.text) for row in said)
    if count or view.state == "running" or not view.lanes:
        facts.append(f"{count} message" + ("s" if count != 1 else ""))
    if view.tokens is not None:
        facts.append(tokens(view.tokens))
    if view.cost is not None:
        facts.append(one_line(view.cost, 40) if isinstance(view.cost, str) else f"${view.cost:.4f}")
    return facts


def _rows(rows: Sequence[RowView | SectionView], live: bool, size: Fit) -> str:
    places = list(accumulate(int(isinstance(row, RowView)) for row in rows))
    total = places[-1] if places else 0

    def drawn(numbers: Iterable[int]) -> str:
        return "".join(_row(rows[i], places[i], total, size.limit, fold=not live) for i in numbers)

    shares = share(len(rows), size.most)
    between = [*shares.folded, *range(shares.folded.stop, shares.last.start)]
    hidden = len(between)
    if live:
        between = [i for i in shares.folded if _is_open(rows[i])]
        middle = drawn(between)
        hidden -= len(between)
        gap = f'<p class="nba-sep">… {hidden} more</p>' if hidden else ""
        return drawn(shares.first) + gap + middle + drawn(shares.last)
    if not shares.folded:
        gap = f'<p class="nba-sep">… {hidden} more, not shown</p>' if hidden else ""
        return drawn(shares.first) + gap + drawn(shares.last)
    left = f", {shares.missing} of them left out" if shares.missing else ""
    folded = details(f"… {hidden} more{left}", drawn(shares.folded), "nba-rest")
    return drawn(shares.first) + folded + drawn(shares.last)


def _row(row: RowView | SectionView, place: int, total: int, limit: int | None, *, fold: bool) -> str:
    if isinstance(row, SectionView):
        return f'<p class="nba-sep">— {escape(one_line(row.label, 80))} —</p>'
    return row_html(row, place, total, limit, fold=fold)


def _is_open(row: RowView | SectionView) -> bool:
    return isinstance(row, RowView) and is_open(row)


def _raw(view: RunView) -> str:
    """Return what was said as it was written."""
    rows = [row for row in view.rows if isinstance(row, RowView) and row.text.strip()]
    texts = [f"{one_line(row.agent, 60)}:\n{tidy(row.text).strip(chr(10))}" for row in rows]
    return preformatted("\n\n".join(texts), CAP)


def _shortened(view: RunView) -> str:
    where = f"; the whole run is in {one_line(view.saved, 300)}" if view.saved else ""
    return f"shortened to {CAP // 1000} kB{where}"


def announcement(view: RunView) -> str:
    """Return what a screen reader is told: who has finished last, and how."""
    if view.announcement:
        return one_line(view.announcement, 200)
    words = {"done": "finished", "stopped": "stopped", "failed": "failed"}
    ended = [row for row in view.rows if isinstance(row, RowView) and row.state in words and not row.live]
    if not ended:
        return ""
    row = ended[-1]
    count = count_words(row.text)
    took = "" if row.elapsed is None else f", {seconds(row.elapsed)}"
    return f"{one_line(row.agent, 60)} {words[row.state]}, {count} word{'' if count == 1 else 's'}{took}"


def _plain(view: RunView, size: Fit, timeline: bool, graph: GraphView | None) -> str:
    result = [" · ".join([one_line(view.title, 200), state_text(view.state), *run_facts(view)])]
    asked = prompt_text(view.prompt, view.chips, size.of(4000))
    if asked:
        result.append("you: " + asked.replace("\n", "\n     "))
    result += [f"⚠ {one_line(note, 300)}" for note in view.notes[:_NOTES]]
    shares = share(len(view.rows), size.most)
    result += [_plain_row(view.rows[i], size) for i in (*shares.first, *shares.folded)]
    if shares.missing:
        result.append(f"\n… {shares.missing} more, not shown")
    result += [_plain_row(view.rows[i], size) for i in shares.last]
    times = timing(view.lanes, view.wall, view.work)
    if times.overlaps or (timeline and view.lanes):
        result += ["", *timeline_lines(view.lanes, times)]
    if graph:
        result += ["", *graph_lines(graph, 40)]
    if view.error:
        result += ["", *error_lines(view.error)]
    if view.outcome:
        result += ["", f"{state_text(view.state)[0]} {one_line(view.outcome, 300)}"]
    if size.limit is not None:
        result += ["", _shortened(view)]
    return "\n".join(result)


def _plain_row(row: RowView | SectionView, size: Fit) -> str:
    if isinstance(row, SectionView):
        return f"\n— {one_line(row.label, 80)} —"
    return "\n" + "\n".join(row_lines(row, size.limit))
