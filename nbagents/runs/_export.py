"""A run as a document: Markdown, HTML, JSON, a notebook, a table. What is kept is what its card shows."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

from ..config import redact
from ..exceptions import UsageError
from ..render import FoldView, RowView, RunView, SectionView, page_html, run_html

__all__ = ["EXPORTS", "exported", "frame_of", "markdown_of"]

_LONG = 10_000
"""Characters of text from which on a card may have been shortened."""


def markdown_of(view: RunView) -> str:
    """Return the conversation as Markdown: who said what, and how long it took."""
    return "\n\n".join(_parts(view)) + "\n"


def _parts(view: RunView) -> list[str]:
    """Return the head, the messages and the end of a run as pieces of Markdown."""
    head = [f"## {view.title}", f"> {view.prompt}".replace("\n", "\n> ") if view.prompt else ""]
    parts = ["\n\n".join(filter(None, head)), *map(_row, view.rows)]
    parts.append(f"{view.error.title}: {view.error.message}" if view.error else "")
    parts.append(f"*{view.outcome}*" if view.outcome else "")
    return [redact(part) for part in parts if part]


def _row(row: RowView | SectionView) -> str:
    if isinstance(row, SectionView):
        return f"*{row.label}*"
    facts: list[str] = [row.state] if row.state != "done" else []
    facts += [f"{row.elapsed:.1f} s"] if row.elapsed is not None else []
    facts += ["demo · not an AI"] if row.is_demo else [row.model] if row.model else []
    failed = f"{row.error.title}: {row.error.message}" if row.error else ""
    calls = "\n".join(
        f"- {_code(f'{call.title}({call.text})')} → {_code(call.answer or call.state)}"
        + (f" · {call.allowed}" if call.allowed else "")
        for call in row.folds
        if call.kind == "call"
    )
    return "\n\n".join(filter(None, [" · ".join([f"**{row.agent}**", *facts]), calls, row.text, failed]))


def _code(text: str) -> str:
    line = " ".join(text.split())
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    return f"{fence}{line if len(line) <= 200 else line[:199] + '…'}{fence}"


def rows_of(view: RunView) -> list[dict[str, Any]]:
    """Return a dictionary for each message: agent, text, state, seconds, tokens, model, section."""
    rows: list[dict[str, Any]] = []
    section = ""
    for row in view.rows:
        if isinstance(row, SectionView):
            section = row.label
            continue
        rows.append(
            {
                "section": section,
                "agent": row.agent,
                "text": redact(row.text),
                "state": row.state,
                "seconds": row.elapsed,
                "tokens": row.tokens,
                "model": row.model,
                "demo": row.is_demo,
                "error": redact(f"{row.error.title}: {row.error.message}") if row.error else None,
                "tools": [_call(call) for call in row.folds if call.kind == "call"],
            }
        )
    return rows


def _call(call: FoldView) -> dict[str, Any]:
    return {
        "name": call.title,
        "arguments": redact(call.text),
        "result": redact(call.answer),
        "state": call.state,
        "approval": call.approval,
        "seconds": call.elapsed,
    }


def json_of(view: RunView) -> str:
    """Return a run as JSON: what it was, its messages, and who was busy when."""
    about = {
        "title": view.title,
        "state": view.state,
        "prompt": redact(view.prompt),
        "outcome": redact(view.outcome),
        "seconds": view.elapsed,
        "tokens": view.tokens,
        "cost": view.cost,
        "messages": rows_of(view),
        "timeline": [dataclasses.asdict(lane) for lane in view.lanes],
    }
    return json.dumps(about, ensure_ascii=False, indent=2) + "\n"


def notebook_of(view: RunView) -> str:
    """Return a run as a notebook with a cell of Markdown for each message."""
    cells = [
        {"cell_type": "markdown", "id": f"cell-{number}", "metadata": {}, "source": text.splitlines(True)}
        for number, text in enumerate(_parts(view))
    ]
    about = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(about, ensure_ascii=False, indent=1) + "\n"


def page_of(view: RunView) -> str:
    """Return a run as a page that stands alone; one that is too long for its card has all of it below."""
    text = markdown_of(view)
    cells: list[tuple[Any, str]] = [("html", run_html(view))]
    if len(text) > _LONG:
        cells.append(("markdown", text))
    return page_html(view.title, cells)


EXPORTS: dict[str, Callable[[RunView], str]] = {
    ".md": markdown_of,
    ".html": page_of,
    ".json": json_of,
    ".ipynb": notebook_of,
}
"""What a run can be written as, by the end of the file's name."""


def exported(view: RunView, name: str) -> str:
    """Return a run as the end of the file's name asks for it.

    Raises:
        UsageError: it asks for nothing that is known.
    """
    write = EXPORTS.get(PurePath(name).suffix.lower())
    if write is None:
        raise UsageError(f"a run can be written to {', '.join(EXPORTS)}, not to {PurePath(name).name!r}")
    return write(view)


def frame_of(view: RunView) -> Any:
    """Return the messages of a run as a data frame.

    Raises:
        UsageError: pandas is not there.
    """
    try:
        import pandas
    except ImportError:
        raise UsageError("a table of a run needs pandas", hint="%pip install pandas") from None
    return pandas.DataFrame(rows_of(view))
