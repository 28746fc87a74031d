"""The card of an app that serves: where, how it fares, and its last requests; live or frozen.

Knows views, not apps: what happens is told it as plain data.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ._body import coded, lines
from ._fitting import Fit, fit
from ._frame import fragment
from ._head import state_html, state_text
from ._plain import one_line, seconds
from ._row import row_html, row_lines
from ._run import run_notes
from ._views import RowView, RunView, ServingView

__all__ = ["latency_words", "serving_facts", "serving_html", "serving_run", "serving_text"]

_FACTS = 12
_FACT = 400
_LINE = 1000
NOBODY = "nobody has asked yet"


def serving_html(view: ServingView, live: bool = False) -> str:
    """Return the card as one HTML fragment without script, under 30 kB; texts are shortened for that.

    While it is ``live`` nothing folds, since the next drawing would close it.
    """
    return fit(view.rows, lambda size: _card(view, live, size))


def serving_text(view: ServingView) -> str:
    """Return the card as plain text, under 30 kB."""
    return fit(view.rows, lambda size: _plain(view, size))


def serving_run(view: ServingView) -> RunView:
    """Return what of it a page draws as it draws a run: rows, badge, clock and notes."""
    return RunView(
        one_line(view.name, 60),
        view.state,
        view.elapsed,
        view.rows,
        notes=view.notes,
        outcome=view.outcome,
        announcement=view.announcement or " ",
        began=view.began,
    )


def serving_facts(view: ServingView) -> list[tuple[str, str]]:
    """Return the facts for a page, each with its name, which is text, and as HTML; without the line.

    >>> serving_facts(ServingView("a", facts=(("code", "of `18:40`"),)))
    [('code', 'of <code>18:40</code>')]
    """
    return [(one_line(name, 30), coded(one_line(words, _FACT))) for name, words in view.facts[:_FACTS]]


def latency_words(first: tuple[float, float] | None, whole: tuple[float, float] | None) -> str:
    """Write how long answers take, each time as the median and what 95 of 100 stay under.

    >>> latency_words((0.02, 0.3), (1.4, 83))
    'first piece 20 ms (p95 0.3 s) · whole answer 1.4 s (p95 1 min 23 s)'
    """
    both = (("first piece", first), ("whole answer", whole))
    return " · ".join(
        f"{name} {_quick(times[0])} (p95 {_quick(times[1])})" for name, times in both if times is not None
    )


def _quick(value: float) -> str:
    return f"{1000 * max(value, 0.0):.0f} ms" if value < 0.0995 else seconds(value)


def _card(view: ServingView, live: bool, size: Fit) -> str:
    took = "" if view.elapsed is None else f" {seconds(view.elapsed)}"
    inner = (
        f'<header class="nba-head"><strong class="nba-title">{escape(one_line(view.name, 60))}</strong>'
        f' <span class="nba-meta">{state_html(view.state)}{took}</span></header>'
    )
    facts = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{html}</dd></div>" for name, html in serving_facts(view)
    )
    if view.line:
        facts += f"<div><dt>try it</dt><dd><code>{escape(one_line(view.line, _LINE))}</code></dd></div>"
    inner += f'<dl class="nba-facts">{facts}</dl>' if facts else ""
    inner += run_notes(serving_run(view))
    inner += _rows(view, live, size)
    foot = [escape(one_line(view.outcome, 300))] if view.outcome else []
    if size.limit is not None:
        foot.append("long texts are shortened")
    if foot:
        inner += f'<p class="nba-foot">{" · ".join(foot)}</p>'
    return fragment("section", "nba-run nba-serving", inner, f"app: {one_line(view.name, 60)}")


def _rows(view: ServingView, live: bool, size: Fit) -> str:
    rows, gap = _shown(view, size)
    above = f'<p class="nba-sep">{escape(gap)}</p>' if gap else ""
    total = len(rows)
    drawn = [row_html(row, place, total, size.limit, fold=not live) for place, row in enumerate(rows, 1)]
    return f'{above}<div class="nba-log">{"".join(drawn)}</div>' if drawn else above


def _plain(view: ServingView, size: Fit) -> str:
    took = [] if view.elapsed is None else [seconds(view.elapsed)]
    result = [" · ".join([one_line(view.name, 60), state_text(view.state), *took])]
    facts = [
        (one_line(name, 30), one_line(words, _FACT).replace("`", "")) for name, words in view.facts[:_FACTS]
    ]
    facts += [("try it", one_line(view.line, _LINE))] if view.line else []
    width = max((len(name) for name, _ in facts), default=0)
    result += [f"  {name.ljust(width)}  {words}" for name, words in facts]
    result += [f"⚠ {one_line(note, 300)}" for note in view.notes]
    rows, gap = _shown(view, size)
    result += [gap] if gap else []
    for row in rows:
        result += ["", *row_lines(row, size.limit)]
    return "\n".join([*result, "", *lines(view.outcome, "", 300)] if view.outcome else result)


def _shown(view: ServingView, size: Fit) -> tuple[Sequence[RowView], str]:
    """Return the rows there is room for, the newest, and what is said instead of the others."""
    left = 0 if size.most is None else max(0, len(view.rows) - size.most)
    rows, hidden = view.rows[left:], left + view.hidden
    if not rows and not hidden:
        return rows, NOBODY
    return rows, f"… {hidden} more, not shown" if hidden else ""
