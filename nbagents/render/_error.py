"""The error card: who and what, why, what to type next; the traceback folded away."""

from __future__ import annotations

from ._body import coded, details, lines, preformatted
from ._frame import fragment
from ._plain import clip, one_line, redact, tidy
from ._views import ErrorView

__all__ = ["error_html", "error_lines", "error_part", "error_text"]

_MESSAGE = 1200


def error_html(view: ErrorView) -> str:
    """Return an error as a card of its own. Keys in it are hidden."""
    return fragment("section", "nba-error", _inner(view, 8000), f"error: {one_line(redact(view.title))}")


def error_part(view: ErrorView, limit: int = 8000) -> str:
    """Return an error as part of a row or a run, its traceback shortened to ``limit`` characters."""
    return f'<div class="nba-error" role="group" aria-label="error">{_inner(view, limit)}</div>'


def error_text(view: ErrorView) -> str:
    """Return an error as plain text, traceback included.

    >>> print(error_text(ErrorView("critic has no model", "It is not running.", "ollama serve")))
    ✗ critic has no model
      It is not running.
      Try: ollama serve
    """
    return "\n".join(error_lines(view, details=8000))


def error_lines(view: ErrorView, indent: str = "", details: int = 0) -> list[str]:
    """Return an error as lines, with at most the last ``details`` characters of its traceback."""
    result = [f"{indent}✗ {one_line(redact(view.title), 200)}"]
    if view.message:
        result += lines(redact(view.message), indent + "  ", _MESSAGE)
    if view.hint:
        result.append(f"{indent}  Try: {one_line(redact(view.hint), 300)}")
    if view.details and details:
        result += ["", *lines(redact(tidy(view.details))[-details:], indent + "  ")]
    return result


def _inner(view: ErrorView, limit: int) -> str:
    title = coded(one_line(redact(view.title), 200))
    html = f'<p class="nba-what"><span aria-hidden="true">✗</span> {title}</p>'
    if view.message:
        html += f"<p>{coded(clip(redact(tidy(view.message)), _MESSAGE))}</p>"
    if view.hint:
        html += f"<p>Try: {coded(one_line(redact(view.hint), 300))}</p>"
    if view.details and limit:
        html += details("details", preformatted(redact(tidy(view.details)), limit))
    return html
