"""What a message holds besides what is said: thinking, tool calls and their results, each folded away.

Knows blocks as JSON, not messages or rows.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from typing import Any

from ._body import details, lines, preformatted
from ._pictures import held
from ._plain import clip, content_text, count_words, one_line, seconds, tidy
from ._views import FoldView

__all__ = ["folds_html", "folds_lines", "split_content"]

_KINDS = {
    "thinking": "thinking",
    "reasoning": "thinking",
    "tool_use": "tool",
    "tool_call": "tool",
    "tool_result": "result",
}
# The variation selector keeps front-ends from drawing the shape as a coloured emoji.
_MARKS = {"running": "▶\ufe0e", "done": "✓\ufe0e", "error": "✗", "stopped": "■", "denied": "✗"}
_REFUSED = " was not allowed: "
_MOST = 30
_LIMIT = 4000
_KEPT = 20_000


def split_content(content: Any) -> tuple[str, tuple[FoldView, ...]]:
    """Return what the content of a message says, as Markdown, and what else is in it.

    >>> split_content([{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Yes."}])
    ('Yes.', (FoldView(kind='thinking', title='', text='Hm.'),))
    """
    if not (isinstance(content, list) and content and all(map(_is_block, content))):
        return content_text(content), ()
    said = [block for block in content if block["type"] not in _KINDS and not held(block)]
    folds = tuple(_fold(block) for block in content if block["type"] in _KINDS)[:_MOST]
    return content_text(said) if said else "", folds


def folds_html(folds: Sequence[FoldView], limit: int | None = None) -> str:
    """Return the folded parts, each behind one line that says what it is."""
    if limit is not None and limit < 500:
        folds = folds[:3]
    room = _LIMIT if limit is None else min(limit, _LIMIT)
    parts = [
        _call_html(fold, room)
        if fold.kind == "call"
        else details(_summary(fold), preformatted(clip(tidy(fold.text), room), room))
        for fold in folds
    ]
    return f'<div class="nba-sub nba-folds">{"".join(parts)}</div>' if parts else ""


def folds_lines(folds: Sequence[FoldView], limit: int | None = None) -> list[str]:
    """Return the folded parts as lines of plain text; of thinking only that there was some."""
    result = []
    for fold in folds:
        result.append(f"  {_summary(fold)}")
        if fold.kind == "call":
            if fold.state in ("done", "error", "denied") and "\n" in fold.answer.strip():
                result += lines(fold.answer, "    ", min(limit or 500, 500))
        elif fold.kind == "result":
            result += lines(fold.text, "    ", min(limit or 500, 500))
    return result


def _call_html(fold: FoldView, room: int) -> str:
    """Return a call of a tool: what was asked and what came of it in a line, all of it behind that."""
    asked, outcome = _asked(fold), _outcome(fold)
    inner = ""
    if fold.given:
        inner += f"<p>given:</p>{preformatted(clip(tidy(fold.given), room), room)}"
    if fold.answer.strip():
        inner += f"<p>answered:</p>{preformatted(clip(tidy(fold.answer), room), room)}"
    classes = {
        "error": "nba-failed",
        "denied": "nba-failed",
        "stopped": "nba-stopped",
        "done": "nba-done",
    }.get(fold.state, "nba-doing")
    shown = f"{escape(asked)} "
    if outcome:
        shown += f'<span class="{classes}">{_MARKS[fold.state]}</span> {escape(outcome)}'
    if not inner:
        return f'<p class="nba-call">{shown}</p>'
    head = f'<summary><span class="nba-toggle">{shown}</span></summary>'
    return f'<details class="nba-call">{head}{inner}</details>'


def _asked(fold: FoldView) -> str:
    return f"{one_line(fold.title, 60) or 'a tool'}({one_line(fold.text, 60)})"


def _outcome(fold: FoldView) -> str:
    """Say in a line what came of a call."""
    took = "" if fold.elapsed is None else f" · {seconds(fold.elapsed)}"
    took += f" · {fold.allowed}" if fold.allowed else ""
    match fold.state:
        case "running" if fold.approval == "asked":
            return "waits until you allow it"
        case "running":
            return f"is running · {fold.allowed}" if fold.allowed else "is running"
        case "denied":
            why = one_line(fold.answer.partition(_REFUSED)[2] or fold.answer, 120)
            again = f" · {fold.allowed}" if fold.allowed else ""
            return (f"not allowed: {why}" if why else "not allowed") + again
        case "stopped":
            return f"stopped{took}"
        case _:
            said = one_line(fold.answer.removeprefix("Error: ") if fold.state == "error" else fold.answer, 60)
            return f"{said or 'nothing'}{took}"


def _summary(fold: FoldView) -> str:
    if fold.kind == "call":
        return f"{_asked(fold)} {_MARKS.get(fold.state, '✓')[0]} {_outcome(fold)}"
    if fold.kind == "thinking":
        count = count_words(fold.text)
        return f"thinking, {count} word{'' if count == 1 else 's'}"
    if fold.kind == "tool":
        given = one_line(fold.text, 60)
        return f"calls {one_line(fold.title, 60) or 'a tool'}({given})"
    said = one_line(fold.text, 60)
    return f"result{f' of {one_line(fold.title, 60)}' if fold.title else ''}: {said or 'nothing'}"


def _is_block(block: Any) -> bool:
    return isinstance(block, dict) and isinstance(block.get("type"), str)


def _fold(block: dict[str, Any]) -> FoldView:
    kind, title, text = _parts(block)
    return FoldView(kind, title, clip(text, _KEPT))


def _parts(block: dict[str, Any]) -> tuple[str, str, str]:
    kind = _KINDS[block["type"]]
    if kind == "thinking":
        found = block.get(block["type"], block.get("thinking", block.get("text", "")))
        return kind, "", found if isinstance(found, str) else content_text(found)
    title = str(block.get("name") or block.get("tool_name") or "")
    if kind == "tool":
        given = block.get("input", block.get("arguments", {}))
        return kind, title, given if isinstance(given, str) else _json(given)
    found = block.get("output", block.get("content", ""))
    return kind, title, _text(found)


def _text(found: Any) -> str:
    plain = isinstance(found, str) or (isinstance(found, list) and bool(found) and all(map(_is_block, found)))
    return content_text(found) if plain or found is None else _json(found)


def _json(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(
            f"{name}={json.dumps(each, ensure_ascii=False, default=str)}" for name, each in value.items()
        )
    return json.dumps(value, ensure_ascii=False, default=str)
