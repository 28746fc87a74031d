"""`ServingWidget`: an app that serves, in the page: its requests as they are answered, and how it fares.

Loads anywidget, and is therefore loaded itself only where somebody watches. Knows no apps: what there is to
see and to do it is given as a `ServingSource`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from ..exceptions import UsageError
from ..render import ServingView, serving_facts, serving_html, serving_run, serving_text
from ._changes import Changes
from ._esm import css, esm
from ._flusher import flusher
from ._live import LiveWidget
from ._surface import Surface, widgets_seen

__all__ = ["ServingSource", "ServingWidget"]

QUIET = 5.0
"""Seconds between two drawings of its twin in the notebook, at which the page redraws; nobody is answered."""
BUSY = 60.0
"""The same while somebody is."""
UNSEEN = 1.0
"""The same where no page has drawn a widget yet: the twin is all there is to see."""


class ServingSource(Protocol):
    """An app as a card sees it. Safe from any thread."""

    @property
    def is_over(self) -> bool:
        """Does it serve no more?"""

    def view(self) -> ServingView:
        """Return what there is to see."""

    def watch(self, changed: Callable[[], object]) -> Callable[[], None]:
        """Have a function called when that changes, at last when it is over; return what ends that."""

    def stop(self) -> None:
        """End it; may take some seconds."""

    def stop_request(self, key: str) -> bool:
        """Stop the request of that row. Was it under way?"""


class ServingWidget(LiveWidget):
    """Shows one app until that ends; then it is frozen."""

    _esm = esm("rows", "serving")
    _css = css("rows", "serving")

    def __init__(self, source: ServingSource) -> None:
        self.source = source
        self._changes = Changes({})
        self._more: dict[str, Any] = {}
        self._drawing = threading.RLock()
        self._surface: Surface | None = None
        self._awake = self._is_old = False
        """Is it with the flusher? Does the notebook hold an older state than the page?"""
        self._twin_at = time.monotonic()
        super().__init__(self._take(source.view())[0])
        self._unwatch = source.watch(self._changed)

    def put(self, surface: Surface) -> None:
        """Show it in the cell."""
        with self._drawing:
            self._surface = surface
            view = self.source.view()
            self.show(surface, *_twin(view))
        self._changed()

    def retire(self, note: str = "") -> None:
        """Follow the app no more, and leave in the cell what it is like now."""
        self._unwatch()
        with self._drawing:
            surface, self._surface = self._surface, None
            if surface is not None:
                view = self.source.view()
                view = replace(view, outcome=note or view.outcome)
                self.freeze(surface, serving_html(view), serving_text(view))

    def refresh(self) -> bool:
        """Tell the page what has changed; return whether more is under way. The flusher calls this."""
        self._awake = False  # before it is looked at: what is new from now on wakes it again
        with self._drawing:
            if self.source.is_over or self._surface is None:
                return False
            view = self.source.view()
            state, change = self._take(view)
            self.publish(state, change, self._changes.size)
            running = any(row.live for row in view.rows)
            self._is_old |= change is not None
            self._keep(view, running)
            self._awake = goes_on = running or self._is_old or self.view["seq"] != self._seq
        return goes_on

    def acted(self, path: str, body: dict[str, Any]) -> Any:
        """Stop the app, or one request; the page sees when that has happened."""
        if body.get("do") == "stop":
            threading.Thread(target=self.source.stop, name="nbagents-app-stop", daemon=True).start()
            return {"begun": True}
        if "request" not in body:
            return super().acted(path, body)
        if not self.source.stop_request(str(body["request"])):
            raise UsageError("that request is over already")
        return {"stopped": 1}

    def _changed(self) -> None:
        """Note that something is new; on whichever thread, and often."""
        if self.source.is_over:
            self.retire()
        elif self._awake:
            flusher().mark(self)
        else:
            self._awake = True
            flusher().add(self)

    def _keep(self, view: ServingView, running: bool) -> None:
        """Draw the twin, which a saved notebook shows, when it is time for that."""
        pause = UNSEEN if not widgets_seen.is_set() else BUSY if running else QUIET
        now = time.monotonic()
        if self._surface is not None and self._is_old and now - self._twin_at >= pause:
            self._twin_at, self._is_old = now, False
            self.show(self._surface, *_twin(view))

    def _take(self, view: ServingView) -> tuple[dict[str, Any], dict[str, Any] | None]:
        state, change = self._changes.take(serving_run(view))
        more = {
            "facts": [list(fact) for fact in serving_facts(view)],
            "line": view.line,
            "hidden": view.hidden,
            "ending": view.is_ending,
        }
        if more != self._more or (change is not None and "run" in change):
            change = change or {}
            change["run"] = {**change.get("run", {}), **more}
        self._more = more
        return {**state, **more}, change


def _twin(view: ServingView) -> tuple[str, str]:
    """Return what a saved notebook shows, maybe long after the app has ended with its kernel."""
    dated = replace(view, outcome=f"as of {time.strftime('%H:%M:%S')}; {view.outcome}")
    return serving_html(dated, live=True), serving_text(dated)
