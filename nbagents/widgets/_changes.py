"""`Changes`: what the page knows of a run, and what is new since.

Knows how a run is told to a page, as plain values; sends nothing.
"""

from __future__ import annotations

from typing import Any

from ..render import GraphView, LiveRows, RunView, graph_figure, graph_picks, live_run

__all__ = ["Changes"]

GRAPH = 30_000
"""Bytes that the drawing of who spoke to whom may take in a page."""


class Changes:
    """Follows one run. Not safe from several threads at a time."""

    def __init__(self, fixed: dict[str, Any]) -> None:
        self.fixed = fixed
        self.size = 0
        """Roughly how many bytes the last state takes."""
        self._rows = LiveRows()
        self._run: dict[str, Any] = {}
        self._known: dict[str, dict[str, Any]] = {}
        self._order: list[str] = []
        self._drawn: tuple[GraphView | None, str] = (None, "")
        self._picks: dict[str, list[str]] = {}
        self._graph_size = 0

    def take(
        self, view: RunView, graph: GraphView | None = None
    ) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Return the whole state of a run, and what has changed since the last time, None if nothing has.

        A change holds ``run``, the values that differ; ``rows``, each with its key and what differs, where
        ``add`` is text that was said since and ``more`` blocks that were finished; ``order``, the
        keys of all rows, if that differs; ``picks``, those of `graph_picks` that differ, and ``gone``, the
        names of those that there are no more.
        """
        run, rows = live_run(view), self._rows.values(view.rows)
        change: dict[str, Any] = {}
        if graph is not None:
            if graph != self._drawn[0]:
                change |= self._draw(graph)
            run["graph"] = self._drawn[1]
        about = {name: value for name, value in run.items() if self._run.get(name) != value}
        if about:
            change["run"] = about
        parts = [part for row in rows if (part := _part(self._known.get(row["key"]), row))]
        if parts:
            change["rows"] = parts
        order = [row["key"] for row in rows]
        if order != self._order:
            change["order"] = order
        self._run, self._known, self._order = run, {row["key"]: row for row in rows}, order
        self.size = sum(len(row["html"]) + len(row["text"]) for row in rows) + self._graph_size
        picks = {} if graph is None else {"picks": self._picks}
        return {**self.fixed, **run, **picks, "rows": rows}, change or None

    def _draw(self, graph: GraphView) -> dict[str, Any]:
        """Draw it anew, and return what differs of what can be chosen in it."""
        self._drawn, picks = (graph, graph_figure(graph, GRAPH, picks=True)), graph_picks(graph)
        new = {pick: keys for pick, keys in picks.items() if self._picks.get(pick) != keys}
        gone = [pick for pick in self._picks if pick not in picks]
        self._picks = picks
        self._graph_size = len(self._drawn[1]) + sum(len(key) + 4 for keys in picks.values() for key in keys)
        return {name: value for name, value in (("picks", new), ("gone", gone)) if value}


def _part(known: dict[str, Any] | None, row: dict[str, Any]) -> dict[str, Any] | None:
    """Return what is new of a row."""
    if known is None:
        return row
    part = {name: value for name, value in row.items() if known.get(name) != value}
    if not part:
        return None
    before, text = known["text"], row["text"]
    if "text" in part and before and text.startswith(before):
        part["add"] = text[len(before) :]
        del part["text"]
    blocks = known.get("blocks")
    if "blocks" in part and blocks and row["blocks"][: len(blocks)] == blocks:
        part["more"] = row["blocks"][len(blocks) :]
        del part["blocks"]
    return {"key": row["key"], **part}
