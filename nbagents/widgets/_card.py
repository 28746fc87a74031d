"""`RunCard`: a run in a cell's output, live while it runs, then frozen.

Live means a widget; where the front-end shows none, its HTML is drawn anew instead. Frozen means HTML
without script and a text twin, which any page shows without a kernel. Where nobody watches only the
frozen form is shown; in a terminal, messages are printed as they arrive.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..render import GraphView, RowView, RunView, run_html, run_text
from ..runs import Run
from ._flusher import flusher
from ._live_graph import LiveGraph
from ._surface import Surface, widgets_seen

if TYPE_CHECKING:
    from ._run_widget import RunWidget

__all__ = ["RunCard"]

log = logging.getLogger(__name__)

PATIENCE = 5.0
"""Seconds that a page may take to draw a widget, before its HTML is drawn anew instead."""
MEANWHILE = (0.6, 0.3)
"""Seconds until, and between, drawings of the HTML beside a widget that no page has drawn yet."""


class RunCard:
    """The output of one run. Use as ``with``: it is frozen when that is left, whatever happens.

    ``background`` leaves it live until the run itself has ended. ``quiet`` shows it only if the run
    fails. ``view`` is what is open first: "chat", "timeline", "graph" or "raw". ``server`` is the id of
    the server that knows the run: the page's stop buttons reach it there however busy the kernel is. Safe
    from any thread.
    """

    def __init__(
        self,
        run: Run,
        shell: Any,
        *,
        quiet: bool = False,
        background: bool = False,
        view: str = "chat",
        server: str | None = None,
    ) -> None:
        self.run, self.quiet, self.background = run, quiet, background
        self.view, self.server = view, server
        self.surface = Surface(shell)
        self._can_be_widget = hasattr(getattr(shell, "kernel", None), "comm_manager")
        self._widget: RunWidget | None = None
        self._graph = LiveGraph(run) if view == "graph" else None
        self._shown_at = self._html_at = 0.0
        self._lock = threading.Lock()
        self._frozen = False
        self._printed = 0

    def __enter__(self) -> RunCard:
        self.run.watch(self._mark)
        if self.quiet or self.surface.mode == "headless":
            return self
        if self.surface.mode == "live":
            self._begin()
        elif self.background:  # lines that come later would fall into what the person types then
            self.surface.write(f"run {self.run.number} · {self.run.title} goes on in the background")
            return self
        flusher().add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None or not self.background:
            self.freeze()

    def freeze(self) -> None:
        """Show the run as it is now, for good. A second call does nothing."""
        flusher().remove(self)
        with self._lock:
            if self._frozen:
                return
            self._frozen = True
            unseen = self.background and self.surface.mode == "terminal"
            if not unseen and (not self.quiet or self.run.state == "failed"):
                self._draw(live=False)

    def refresh(self) -> bool:
        """Show what has changed; return whether the run goes on. The flusher calls this."""
        if self.run.over:
            if self.background:
                self.run.claim()  # the card shows what failed
                self.freeze()
            return False
        with self._lock:
            if not self._frozen:
                self._draw(live=True)
            return not self._frozen

    def _mark(self) -> None:
        flusher().mark(self)

    def _begin(self) -> None:
        """Show it for the first time, as a widget if that can be."""
        if self._can_be_widget:
            try:
                from ._run_widget import RunWidget

                self._widget = RunWidget(self.run, server=self.server, tab=self.view)
            except Exception:
                log.exception("the run is shown without a widget")
        self._shown_at = self._html_at = time.monotonic()
        if self._widget is None:
            self._draw(live=True)
        else:
            view = self.run.view(live=True)
            self._widget.show(self.surface, *self._forms(view, live=True))

    def _draw(self, *, live: bool) -> None:
        view = self.run.view(live)
        if self.surface.mode == "terminal":
            self._print(view, live)
        elif live and self._widget is not None and self._is_drawn():
            self._widget.refresh(view)
            self._meanwhile(self._widget, view)
        else:
            html, text = self._forms(view, live=live)
            widget, self._widget = self._widget, None
            if widget is None:
                self.surface.show(html, text)
            else:
                widget.freeze(self.surface, html, text)

    def _meanwhile(self, widget: RunWidget, view: RunView) -> None:
        """Draw the twins too, now and then, as long as it is not known that the page shows widgets."""
        now = time.monotonic()
        begin, pause = MEANWHILE
        if not widgets_seen.is_set() and now - self._shown_at > begin and now - self._html_at >= pause:
            self._html_at = now
            widget.show(self.surface, *self._forms(view, live=True))

    def _forms(self, view: RunView, *, live: bool) -> tuple[str, str]:
        timeline, graph = self.view == "timeline", self._spoken()
        return (
            run_html(view, live, timeline=timeline, graph=graph),
            run_text(view, timeline=timeline, graph=graph),
        )

    def _spoken(self) -> GraphView | None:
        return None if self._graph is None else self._graph.take()

    def _is_drawn(self) -> bool:
        """Does the page show the widget? One that still may counts; so does one where others were shown."""
        return widgets_seen.is_set() or time.monotonic() - self._shown_at < PATIENCE

    def _print(self, view: RunView, live: bool) -> None:
        """Print the rows that are finished and not printed yet, in their order; at the end, how it went."""
        ready = list(view.rows[self._printed :])
        if live:
            still = (n for n, row in enumerate(ready) if isinstance(row, RowView) and not _ended(row))
            ready = ready[: next(still, None)]
        if ready:
            self._printed += len(ready)
            self.surface.write(run_text(RunView("", rows=tuple(ready))).partition("\n")[2])
        if not live:
            bare = dataclasses.replace(view, rows=(), prompt="", chips=())
            end = run_text(bare, graph=self._spoken())
            head = run_text(dataclasses.replace(view, lanes=(), error=None, outcome="")).partition("\n")[0]
            self.surface.write("\n".join([head, *end.split("\n")[1:]]))


def _ended(row: RowView) -> bool:
    return row.state in ("done", "stopped", "failed")
