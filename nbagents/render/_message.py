"""One message as a card.

Never waits for one that has not arrived.
"""

from __future__ import annotations

from html import escape
from typing import Any

from ..exceptions import NbAgentsError
from ..message import Msg, PlaceholderMessage
from ._body import body, lines
from ._error import error_lines, error_part
from ._folds import folds_html, folds_lines, split_content
from ._frame import fragment
from ._head import DEMO, agent_classes, state_html, state_text, who
from ._pictures import attached, attached_html, attached_lines, fitting
from ._plain import content_text, one_line
from ._views import ErrorView, State

__all__ = ["message_html", "message_text"]


def message_html(message: Msg, *, color: int | None = None, is_demo: bool = False) -> str:
    """Return a message as a card; a placeholder that waits or has failed says so, and is not waited for."""
    state, found, error = _settled(message)
    name = one_line(found.name, 60) if isinstance(found, Msg) else _waited_for(message)
    inner = who(name, [] if state == "done" else [state_html(state)], chip=DEMO if is_demo else "")
    if isinstance(found, Msg):
        said, folds = split_content(found.content)
        things = fitting(attached(found.url, found.content))
        inner += folds_html(folds) + (body(said) if said or not folds else "") + attached_html(things, name)
    elif error is not None:
        inner += error_part(error)
    elif found is not None:
        inner += body(content_text(found))
    classes = agent_classes(color, is_demo=is_demo)
    row = f'<article class="nba-row {classes}" aria-label="{escape(name)}">{inner}</article>'
    return fragment("section", "nba-message", row, f"message from {name}")


def message_text(message: Msg) -> str:
    """Return a message as plain text, without waiting for it.

    >>> print(message_text(Msg("poet", "Grey beads on the glass")))
    poet
      Grey beads on the glass
    """
    state, found, error = _settled(message)
    if isinstance(found, Msg):
        things = [f"  {line}" for line in attached_lines(attached(found.url, found.content))]
        said, folds = split_content(found.content)
        parts = [*folds_lines(folds), *(lines(said) if said or not folds else [])]
        return "\n".join([one_line(found.name, 60), *parts, *things])
    if error is not None:
        return "\n".join(error_lines(error))
    if found is not None:
        return "\n".join([_waited_for(message), *lines(content_text(found))])
    return f"{_waited_for(message)} · {state_text(state)}"


def _settled(message: Msg) -> tuple[State, Any, ErrorView | None]:
    """Return the state of a message, what it is if it has arrived, and why it never will."""
    if not isinstance(message, PlaceholderMessage):
        return "done", message, None
    promise = message._promise
    if not promise.done:
        return "running", None, None
    if promise.error is None:
        return "done", promise.value, None
    error = promise.error
    hint = error.hint or "" if isinstance(error, NbAgentsError) else ""
    trace = error.remote_traceback or "" if isinstance(error, NbAgentsError) else ""
    view = ErrorView(f"{promise.label()}: {type(error).__name__}", str(error), hint, trace)
    return "failed", None, view


def _waited_for(message: Msg) -> str:
    return one_line(message._promise.label(), 60) if isinstance(message, PlaceholderMessage) else "?"
