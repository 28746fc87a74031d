"""What is said in a row or card: Markdown that folds when it is long, output as it is, a sentence of ours.

Knows nothing of who says it.
"""

from __future__ import annotations

from html import escape

from ._markdown import markdown_lead, markdown_to_html, text_to_html
from ._plain import clip, count_words, shown_lines, tidy

__all__ = ["body", "coded", "details", "lines", "preformatted"]

_FOLD = 12
_LEAD = 5


def body(text: str, *, limit: int | None = None, fold: bool = True) -> str:
    """Return a message's Markdown as the body of a row; more than twelve lines fold behind the first five."""
    shown = text if limit is None else clip(text, limit)
    # Little room is better spent on words than on tables.
    html = text_to_html(shown) if limit is not None and limit < 1000 else markdown_to_html(shown)
    block = f'<div class="nba-body mathjax_process">{html}</div>'
    count = shown_lines(shown)
    if not fold or count <= _FOLD:
        return block
    lead = escape(markdown_lead(shown, _LEAD)).replace("\n", "<br>")
    size = f"all {count} lines, {count_words(shown)} words"
    return (
        f'<details><summary class="nba-body"><span class="nba-lead">{lead}</span> '
        f'<span class="nba-toggle">{size}</span></summary>{block}</details>'
    )


def details(summary: str, inner: str, classes: str = "") -> str:
    """Return ``inner``, which is HTML, folded behind a summary, which is text."""
    named = f' class="{classes}"' if classes else ""
    head = f'<span class="nba-toggle">{escape(summary)}</span>'
    return f"<details{named}><summary>{head}</summary>{inner}</details>"


def preformatted(text: str, limit: int) -> str:
    """Return output or a traceback as it is, its end kept if it is too long."""
    plain = tidy(text).strip("\n")
    if len(plain) > limit:
        plain = "…" + plain[-limit:]
    return f"<pre>{escape(plain)}</pre>"


def coded(text: str) -> str:
    """Return a sentence of ours as HTML; what stands between backticks is code.

    >>> coded("run `ollama serve` <now>")
    'run <code>ollama serve</code> &lt;now&gt;'
    """
    parts = tidy(text).split("`")
    if len(parts) % 2 == 0:
        parts[-2:] = ["`".join(parts[-2:])]
    return "".join(f"<code>{escape(part)}</code>" if i % 2 else escape(part) for i, part in enumerate(parts))


def lines(text: str, indent: str = "  ", limit: int | None = None) -> list[str]:
    """Return a text as indented lines for a terminal or a log."""
    plain = tidy(text) if limit is None else clip(tidy(text), limit)
    return [(indent + line).rstrip() for line in plain.strip("\n").split("\n")]
