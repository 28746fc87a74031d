"""`RunWidget`: the run card in the page while its run goes on.

Loads anywidget, and is therefore loaded itself only where somebody watches.
"""

from __future__ import annotations

from typing import Any

from ..agents import STOPPED, scheduler
from ..exceptions import UsageError
from ..render import RunView
from ..runs import Run
from ._changes import Changes
from ._esm import css, esm
from ._live import LiveWidget
from ._live_graph import LiveGraph

__all__ = ["RunWidget"]


class RunWidget(LiveWidget):
    """Shows one run, and stops it or one of its calls when a person says so in the page.

    ``server`` is the id of the server that knows the run, ``tab`` the view that is open first.
    """

    _esm = esm("lanes", "rows", "find", "graph", "card")
    _css = css("rows", "card")

    def __init__(self, run: Run, *, server: str | None = None, tab: str = "chat") -> None:
        self.run = run
        self._graph = LiveGraph(run)
        self._changes = Changes({"run": run.id, "server": server, "tab": tab})
        super().__init__(self._changes.take(run.view(live=True), self._graph.take())[0])

    def refresh(self, view: RunView) -> None:
        """Tell the page what the run is like now."""
        state, change = self._changes.take(view, self._graph.take())
        self.publish(state, change, self._changes.size)

    def acted(self, path: str, body: dict[str, Any]) -> Any:
        """Stop the run, or the call of it, that ``body`` names."""
        if "call" not in body:
            if body.get("run") != self.run.id:
                return super().acted(path, body)
            self.run.halted = True
            return {"stopped": self.run.stop(STOPPED)}
        call = scheduler().live.get(str(body["call"]))
        if call is None or call.run != self.run.id:
            raise UsageError("that call is over already")
        call.cancel(STOPPED)
        return {"stopped": 1}
