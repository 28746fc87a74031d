"""A small table of texts, such as the agents of a workspace."""

from __future__ import annotations

from html import escape

from ._body import coded
from ._frame import fragment
from ._plain import one_line
from ._style import color_class
from ._views import TableView

__all__ = ["table_html", "table_text"]

_ROWS = 200
_COLUMNS = 20
_CELL = 200
_SHORT = 20
"""Characters that are not worth a second line."""
_TEXT_CELL = 60
"""Characters of a cell in plain text; the last one of a row may be as long as it is."""


def table_html(view: TableView) -> str:
    """Return a table; a wide one scrolls within its own box. Backticks in cells mark code."""
    columns = view.columns[:_COLUMNS]
    head = "".join(f'<th scope="col">{escape(one_line(name, 60))}</th>' for name in columns)
    rows = "".join(_row(view, index) for index in range(min(len(view.rows), _ROWS)))
    caption = escape(one_line(view.caption, 200))
    title = f"<caption>{caption}</caption>" if caption else ""
    table = f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    label = caption or "table"
    html = f'<div class="nba-scroll" role="region" aria-label="{label}" tabindex="0">{table}</div>'
    if len(view.rows) > _ROWS:
        html += f'<p class="nba-foot">… {len(view.rows) - _ROWS} more</p>'
    return fragment("div", "nba-table", html)


def table_text(view: TableView) -> str:
    """Return a table as plain text, its columns aligned.

    >>> print(table_text(TableView(("agent", "model"), (("poet", "demo"), ("critic", "demo")))))
    agent   model
    poet    demo
    critic  demo
    """
    shown = [view.columns, *view.rows[:_ROWS]]
    last = len(view.columns) - 1
    cells = [
        [one_line(cell, _CELL if place == last else _TEXT_CELL) for place, cell in enumerate(row[:_COLUMNS])]
        for row in shown
    ]
    most = max(map(len, cells))
    widths = [max((len(row[i]) for row in cells if i < len(row)), default=0) for i in range(most)]
    result = [one_line(view.caption, 200)] if view.caption else []
    padded = ([cell.ljust(width) for cell, width in zip(row, widths, strict=False)] for row in cells)
    result += ["  ".join(row).rstrip() for row in padded]
    if len(view.rows) > _ROWS:
        result.append(f"… {len(view.rows) - _ROWS} more")
    return "\n".join(result)


def _row(view: TableView, index: int) -> str:
    cells = [coded(one_line(cell, _CELL)) for cell in view.rows[index][:_COLUMNS]]
    colored = index < len(view.colors) and bool(cells)
    if colored:
        cells[0] = f'<b class="nba-name" dir="auto">{cells[0]}</b>'
    classes = f' class="{color_class(view.colors[index])}"' if colored else ""
    for place, cell in enumerate(cells[1 : len(view.columns)], 1):
        if cell.isdigit():  # in a narrow column the head is gone, and a bare number would say nothing
            cells[place] = f'<span class="nba-of">{escape(one_line(view.columns[place], 60))} </span>{cell}'
    whole = (' class="nba-short"' if _stays(cell) else "" for cell in view.rows[index])
    data = (f"<td{mark}>{cell}</td>" for mark, cell in zip(whole, cells, strict=False))
    return f"<tr{classes}>{''.join(data)}</tr>"


def _stays(cell: str) -> bool:
    """Is a cell better not broken into lines? One word is not anyway."""
    return " " in cell and len(cell) <= _SHORT
