"""`LiveWidget`: an output that lives in the page while something goes on, and is frozen afterwards.

Its state is the trait ``view``: a page that comes later, or is loaded anew, has all of it. Between two
syncs only what is new is sent, in numbered messages; whoever misses one waits for the next sync. Each says
when it was sent, so that a page knows how its own clock goes. Knows neither runs nor questions.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque
from typing import Any

import anywidget
import traitlets

from ..exceptions import NbAgentsError, UsageError
from ..render import wall_time
from ._surface import Surface, widgets_seen

__all__ = ["VIEW_MIME", "LiveWidget"]

log = logging.getLogger(__name__)

VIEW_MIME = "application/vnd.jupyter.widget-view+json"
SYNC = 0.5
"""Seconds between two syncs of the whole state, at least; a large state waits longer."""
BYTES = 200_000
"""Bytes a second that the syncs of one widget may take."""
KEPT = 12
"""How many frozen widgets stay known to the page: one that was loaded anew in mid-run still shows them."""

PANELS = 8
"""How many outputs that nothing ends, such as chats, stay live; of more, those used last do."""
AT_REST = f"only the last {PANELS} panels stay live: run the cell again to go on here"

_frozen: deque[LiveWidget] = deque()
_staying: deque[LiveWidget] = deque()
_lock = threading.Lock()


class LiveWidget(anywidget.AnyWidget):
    """The base of what is live in a cell. A subclass has its ``_esm`` and ``_css``, and may act.

    `show` puts it into the cell, `publish` tells the page what has changed, `freeze` ends it. These may
    be called on any thread, one at a time. What the page asks for is handled on whichever thread its
    message arrives, where no event loop may be touched and nothing printed: see `acted` and `heard`.
    """

    view = traitlets.Dict().tag(sync=True)

    def __init__(self, view: dict[str, Any]) -> None:
        super().__init__(view={**view, "seq": 0, "at": wall_time()})
        self.seen = threading.Event()
        """Set once a page has drawn the widget and its messages reach this process."""
        self._seq = 0
        self._is_frozen = False
        self._syncing = threading.RLock()
        self._synced_at = time.monotonic()
        self._pause = SYNC
        _answer_where_asked(self.comm)
        self.on_msg(self._hear)

    # ---- for whoever has something to show

    def show(self, surface: Surface, html: str, text: str) -> None:
        """Put it into the cell, with its twins for front-ends that show no widgets."""
        surface.show(html, text, {VIEW_MIME: self._mime()})

    def publish(self, view: dict[str, Any], change: dict[str, Any] | None, size: int = 0) -> None:
        """Tell the page: ``change``, or all of the ``view`` when it is time for that.

        ``change`` is None if nothing new has happened that the page does not reckon itself. ``size`` is
        roughly how many bytes the view takes.
        """
        now = time.monotonic()
        if now - self._synced_at >= self._pause:
            if change is not None or self.view["seq"] != self._seq:
                self._sync(view, size)
        elif change is not None:
            self._seq += 1
            self.send({**change, "kind": "delta", "seq": self._seq, "at": wall_time()})

    def freeze(self, surface: Surface, html: str, text: str) -> None:
        """Put the finished form in its place, which needs no kernel and no script."""
        with self._syncing:
            self._sync({"frozen": html, "text": text, "model": self.model_id}, 0)
            self._is_frozen = True
        surface.show(html, text)
        with _lock:
            _frozen.append(self)
            old = _frozen.popleft() if len(_frozen) > KEPT else None
        if old is not None:
            old.close()

    def stay(self) -> None:
        """Count as used just now: it is retired once `PANELS` others were used since."""
        old: LiveWidget | None = None
        with _lock:
            if self in _staying:
                _staying.remove(self)
            _staying.append(self)
            if len(_staying) > PANELS:
                old = next((panel for panel in _staying if not panel.busy), None)
            if old is not None:
                _staying.remove(old)
        if old is not None:
            old.retire()

    def _sync(self, view: dict[str, Any], size: int) -> None:
        with self._syncing:
            if self._is_frozen:
                return
            self._seq += 1
            self.view = {**view, "seq": self._seq, "at": wall_time()}
            self._synced_at = time.monotonic()
            self._pause = max(SYNC, size / BYTES)

    def _mime(self) -> dict[str, Any]:
        return {"version_major": 2, "version_minor": 0, "model_id": self.model_id}

    # ---- for subclasses

    @property
    def busy(self) -> bool:
        """Does something go on in it, so that it must not be retired?"""
        return False

    def retire(self) -> None:
        """Freeze it, since it was not used for long; a subclass that may `stay` says how."""

    def acted(self, path: str, body: dict[str, Any]) -> Any:
        """Do what the page asks for and return what it is told; JSON. Called where `act` found no extension.

        Raises:
            NbAgentsError: it cannot be done; the page says why.
        """
        raise UsageError(f"nothing here can do {path!r}")

    def heard(self, kind: str, content: dict[str, Any]) -> None:
        """Take any other message of the page."""

    def _hear(self, widget: Any, content: Any, buffers: Any) -> None:
        if not isinstance(content, dict):
            return
        kind = content.get("kind")
        try:
            if kind == "ready":
                self.seen.set()
                widgets_seen.set()
                self.send({"kind": "clock", "at": wall_time()})
            elif kind == "act":
                self._act(content)
            elif isinstance(kind, str):
                self.heard(kind, content)
        except Exception:
            log.exception("a message of the page could not be handled")

    def _act(self, content: dict[str, Any]) -> None:
        body = content.get("body")
        told: dict[str, Any] = {"kind": "acted", "id": content.get("id")}
        try:
            told["value"] = self.acted(str(content.get("path", "")), body if isinstance(body, dict) else {})
        except NbAgentsError as error:
            told |= {"error": str(error), "type": type(error).__name__}
        except Exception as error:
            log.exception("what the page asked for has failed")
            told["error"] = type(error).__name__
        self.send(told)


def _answer_where_asked(comm: Any) -> None:
    """Let the page's messages be handled on the subshell that it sends them to, also while a cell runs.

    ipykernel 7.4 hands them to the shell that published last instead, which is the one that is busy.
    """
    if hasattr(type(comm), "_reply_subshell_for"):
        with contextlib.suppress(AttributeError, traitlets.TraitError):
            comm._reply_subshell_for = lambda data, default: default
