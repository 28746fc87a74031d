"""An agent's memory as a list of messages: what it will be sent."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ..message import Msg, is_muted
from ._body import body, lines
from ._frame import fragment
from ._head import DEMO, agent_classes, who
from ._plain import content_text, one_line
from ._views import MemoryView, MessageLike

__all__ = ["entry_html", "memory_html", "memory_size", "memory_text"]

_CAP = 30_000
_LIMITS = (None, 4000, 1000, 240)
_ENTRIES = 200
MUTED_MARK = '<span class="nba-state nba-stopped">⊘ muted</span>'


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
        muted = " · muted" if _is_muted(entry) else ""
        result.append(f"{number:3} {one_line(entry.role, 20)} · {one_line(entry.name, 60)}{muted}")
        result += lines(content_text(entry.content), "    ", 2000)
    return "\n".join([*result, one_line(view.note, 300)] if view.note else result)


def _memory_card(view: MemoryView, limit: int | None) -> str:
    shown, left = _newest(view.entries if limit is None or limit > 240 else view.entries[-40:])
    left += len(view.entries) - len(shown) - left
    title, *facts = _memory_facts(view)
    name = f'<b class="nba-name" dir="auto">{escape(title)}</b>' if view.agent else escape(title)
    inner = (
        f'<header class="nba-head {agent_classes(view.color, is_demo=view.is_demo)}">'
        f'<strong class="nba-title">{name}</strong>'
        f' <span class="nba-meta">{escape(" · ".join(facts))}</span></header>'
    )
    if left:
        inner += f'<p class="nba-sep">… {left} older, not shown</p>'
    for number, entry in enumerate(shown, left + 1):
        inner += entry_html(entry, number, len(view.entries), view, limit=limit)
    if view.note:
        inner += f'<p class="nba-foot">{escape(one_line(view.note, 300))}</p>'
    return fragment("section", "nba-memory", inner, f"memory of {title}" if view.agent else "memory")


def entry_html(
    entry: MessageLike, number: int, total: int, view: MemoryView, *, limit: int | None = None
) -> str:
    """Return one message of a memory as a row; one that is kept from the model says so."""
    role = one_line(entry.role, 20)
    own = entry.name == view.agent
    color = view.colors.get(entry.name, view.color if own else None)
    classes = agent_classes(color, is_demo=view.is_demo and own)
    muted = _is_muted(entry)
    head = who(entry.name, [MUTED_MARK if muted else "", f"{escape(role)} · {number}"])
    classes += " nba-muted" if muted else ""
    label = escape(f"{role} message {number} of {total}, from {one_line(entry.name, 60)}")
    said = body(content_text(entry.content), limit=limit)
    return f'<article class="nba-row {classes}" aria-label="{label}">{head}{said}</article>'


def _memory_facts(view: MemoryView) -> list[str]:
    prompt = bool(view.entries) and view.entries[0].role == "system"
    facts = [one_line(view.agent, 60)] if view.agent else []
    facts += [memory_size(len(view.entries) - prompt, prompt=prompt)]
    if view.is_demo:
        facts.append(DEMO)
    elif view.model:
        facts.append(one_line(view.model, 60))
    return facts


def memory_size(count: int, *, prompt: bool) -> str:
    """Say how much an agent remembers. Rows are numbered from the prompt on, so the prompt is named.

    >>> memory_size(1, prompt=True), memory_size(0, prompt=False)
    ('memory of the prompt and 1 message', 'memory of 0 messages')
    """
    return f"memory of {'the prompt and ' if prompt else ''}{count} message{'' if count == 1 else 's'}"


def _newest(entries: Sequence[MessageLike]) -> tuple[Sequence[MessageLike], int]:
    return entries[-_ENTRIES:], max(len(entries) - _ENTRIES, 0)


def _is_muted(entry: MessageLike) -> bool:
    return is_muted(entry) if isinstance(entry, Msg) else bool(getattr(entry, "muted", False))
