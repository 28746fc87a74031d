"""One message as a card, and an agent's memory as a list of them.

Reads messages, and never waits for one that has not arrived.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from ..exceptions import NbAgentsError
from ..message import Msg, PlaceholderMessage
from ._body import body, lines
from ._error import error_lines, error_part
from ._frame import fragment
from ._head import DEMO, agent_classes, state_html, state_text, who
from ._markdown import markdown_to_html
from ._plain import content_text, one_line
from ._views import ErrorView, MemoryView, MessageLike, State

__all__ = ["memory_html", "memory_text", "message_html", "message_text"]

_CAP = 30_000
_LIMITS = (None, 4000, 1000, 240)
_ENTRIES = 200
_URLS = 10


def message_html(message: Msg, *, color: int | None = None, is_demo: bool = False) -> str:
    """Return a message as a card; a placeholder that waits or has failed says so, and is not waited for."""
    state, found, error = _settled(message)
    name = one_line(found.name, 60) if isinstance(found, Msg) else _waited_for(message)
    inner = who(name, [] if state == "done" else [state_html(state)], chip=DEMO if is_demo else "")
    if isinstance(found, Msg):
        inner += body(content_text(found.content)) + _urls_html(found.url)
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
        urls = [f"  {one_line(url, 300)}" for url in _urls(found.url)]
        return "\n".join([one_line(found.name, 60), *lines(content_text(found.content)), *urls])
    if error is not None:
        return "\n".join(error_lines(error))
    if found is not None:
        return "\n".join([_waited_for(message), *lines(content_text(found))])
    return f"{_waited_for(message)} · {state_text(state)}"


def memory_html(view: MemoryView) -> str:
    """Return what an agent will be sent, message by message, in at most about 30 kB."""
    text = ""
    for limit in _LIMITS:
        text = _memory_card(view, limit)
        if len(text.encode()) <= _CAP:
            break
    return text


def memory_text(view: MemoryView) -> str:
    """Return what an agent will be sent as plain text, a number before each message."""
    shown, left = _newest(view.entries)
    result = [" · ".join(_memory_facts(view))]
    if left:
        result.append(f"  … {left} older")
    for number, entry in enumerate(shown, left + 1):
        result.append(f"{number:3} {one_line(entry.role, 20)} · {one_line(entry.name, 60)}")
        result += lines(content_text(entry.content), "    ", 2000)
    return "\n".join(result)


def _memory_card(view: MemoryView, limit: int | None) -> str:
    shown, left = _newest(view.entries if limit is None or limit > 240 else view.entries[-40:])
    left += len(view.entries) - len(shown) - left
    name, *facts = _memory_facts(view)
    inner = (
        f'<header class="nba-head {agent_classes(view.color, is_demo=view.is_demo)}">'
        f'<strong class="nba-title"><b class="nba-name" dir="auto">{escape(name)}</b></strong>'
        f' <span class="nba-meta">{escape(" · ".join(facts))}</span></header>'
    )
    if left:
        inner += f'<p class="nba-sep">… {left} older, not shown</p>'
    for number, entry in enumerate(shown, left + 1):
        inner += _entry(entry, number, len(view.entries), limit, view)
    return fragment("section", "nba-memory", inner, f"memory of {name}")


def _entry(entry: MessageLike, number: int, total: int, limit: int | None, view: MemoryView) -> str:
    role = one_line(entry.role, 20)
    own = entry.name == view.agent
    classes = agent_classes(view.color if own else None, is_demo=view.is_demo and own)
    head = who(entry.name, [f"{escape(role)} · {number}"])
    label = escape(f"{role} message {number} of {total}, from {one_line(entry.name, 60)}")
    said = body(content_text(entry.content), limit=limit)
    return f'<article class="nba-row {classes}" aria-label="{label}">{head}{said}</article>'


def _memory_facts(view: MemoryView) -> list[str]:
    count = len(view.entries)
    facts = [one_line(view.agent, 60), f"memory of {count} message" + ("" if count == 1 else "s")]
    if view.is_demo:
        facts.append(DEMO)
    elif view.model:
        facts.append(one_line(view.model, 60))
    return facts


def _newest(entries: Sequence[MessageLike]) -> tuple[Sequence[MessageLike], int]:
    return entries[-_ENTRIES:], max(len(entries) - _ENTRIES, 0)


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


def _urls(url: str | list[str] | None) -> list[str]:
    urls = [url] if isinstance(url, str) else list(url or [])
    return [one_line(each, 2000) for each in urls[:_URLS] if not str(each).startswith("data:")]


def _urls_html(url: str | list[str] | None) -> str:
    # Through Markdown, so that an address is judged by the same list as every other link.
    links = [markdown_to_html("<" + each.replace(" ", "%20") + ">") for each in _urls(url)]
    return f'<div class="nba-sub">{"".join(links)}</div>' if links else ""
