"""`LiveGraph`: who has spoken to whom in a run so far, looked at twice a second at most."""

from __future__ import annotations

import time

from ..render import GraphView
from ..runs import Run, graph_of

__all__ = ["LiveGraph"]

PAUSE = 0.5
"""Seconds between two looks while the run goes on."""


class LiveGraph:
    """Follows one run. Not safe from several threads at a time."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._seen = GraphView("")
        self._looked_at = float("-inf")

    def take(self) -> GraphView:
        """Return the graph as it was half a second ago at most; of a run that is over, the last one."""
        now = time.monotonic()
        if self.run.over or now - self._looked_at >= PAUSE:
            self._looked_at = now
            self._seen = graph_of(self.run)
        return self._seen
