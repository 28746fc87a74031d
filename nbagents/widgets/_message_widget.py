"""`MessageWidget` and `PlaceholderWidget`: one message in the page, which fills itself if it has not arrived.

Loads anywidget, and is therefore loaded itself only where somebody watches.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from .. import events
from ..agents import STOPPED
from ..exceptions import UsageError
from ..message import Msg, PlaceholderMessage
from ..models import DEMO_MODELS
from ..render import LiveRows, RowView, attached, content_text, message_html, message_text
from ..runs import error_view, recent_runs
from ._esm import css, esm
from ._flusher import flusher
from ._live import LiveWidget
from ._surface import Surface

__all__ = ["MessageWidget", "PlaceholderWidget"]

ColorOf = Callable[[str], "int | None"]


class MessageWidget(LiveWidget):
    """One message, for a layout of widgets of your own; a cell that ends with a message shows it anyway.

    ``color_of`` gives an agent's number in the order of creation. A message that has not arrived makes a
    `PlaceholderWidget`.

    Raises:
        UsageError: it is no message.
    """

    _esm = esm("rows", "message")
    _css = css("rows")

    def __new__(cls, message: Any = None, **options: Any) -> Any:
        """Make the widget that fits the message."""
        waits = isinstance(message, PlaceholderMessage) and not message.done()
        return super().__new__(PlaceholderWidget if cls is MessageWidget and waits else cls)

    def __init__(self, message: Msg, *, color_of: ColorOf | None = None, server: str | None = None) -> None:
        if not isinstance(message, Msg):
            raise UsageError(f"a MessageWidget shows a message, not a {type(message).__name__}")
        self.message, self._color_of = message, color_of or (lambda name: None)
        self._rows, self._server = LiveRows(), server
        super().__init__(self._state())

    def _state(self) -> dict[str, Any]:
        (row,) = self._rows.values([self._row()])
        return {"rows": [row], "server": self._server}

    def _row(self) -> RowView:
        return _settled_row(self.message, self._color_of)


class PlaceholderWidget(MessageWidget):
    """A message that is on its way: its text as it streams, a clock, and a button that stops it.

    ``server`` is the id of the server that it comes from: the button reaches it there however busy the
    kernel is.
    """

    def __init__(
        self, message: PlaceholderMessage, *, color_of: ColorOf | None = None, server: str | None = None
    ) -> None:
        self._promise: Any = message._promise
        self._id = str(getattr(self._promise, "id", ""))
        self._since, self._pieces = time.monotonic(), list[str]()
        self._surface: Surface | None = None
        self._drawing = threading.Lock()
        self._unsubscribe = events.subscribe(self._event)
        super().__init__(message, color_of=color_of, server=server)
        flusher().add(self)
        self._promise.add_done_callback(lambda: flusher().add(self))

    def put(self, surface: Surface) -> None:
        """Show it in the cell; it is frozen there when the message has arrived."""
        with self._drawing:
            self._surface = surface
            self.show(surface, message_html(self.message), message_text(self.message))

    def refresh(self) -> bool:
        """Tell the page what has come; return whether more will. The flusher calls this."""
        with self._drawing:
            view = self._state()
            if not self._promise.done:
                self.publish(view, view, len(str(view)))
                return True
            self._unsubscribe()
            surface, self._surface = self._surface, None
            if surface is None:
                self._sync(view, 0)
            else:
                html = message_html(self.message, color=self._color(), is_demo=self._row().is_demo)
                self.freeze(surface, html, message_text(self.message))
        return False

    def acted(self, path: str, body: dict[str, Any]) -> Any:
        """Stop it."""
        if path and not path.endswith(f"calls/{self._id}/stop"):
            return super().acted(path, body)
        if self._promise.done:
            raise UsageError("it has arrived already")
        self._promise.cancel(STOPPED)
        return {"stopped": 1}

    def _event(self, event: events.Event) -> None:
        if event.call == self._id and event.kind == "delta":
            self._pieces.append(str(event.data.get("text", "")))
            flusher().mark(self)

    def _color(self) -> int | None:
        return self._color_of(self._row().agent)

    def _row(self) -> RowView:
        if self._promise.done:
            return _settled_row(self.message, self._color_of)
        for run in recent_runs():
            if run.id == getattr(self._promise, "run", None):
                for row in run.view(live=True).rows:
                    if isinstance(row, RowView) and row.key == self._id:
                        return row
        name = self._promise.label()
        elapsed = time.monotonic() - self._since
        text = "".join(self._pieces)
        return RowView(
            name,
            text,
            self._color_of(name),
            "running",
            elapsed,
            live=True,
            key=self._id or "waits",
            began=self._since,
        )


def _settled_row(message: Msg, color_of: ColorOf) -> RowView:
    found: Any = message
    if isinstance(message, PlaceholderMessage):
        promise: Any = message._promise
        if promise.error is not None:
            name = promise.label()
            promise.read = True  # it is shown
            return RowView(name, state="failed", error=error_view(name, promise.error), key="failed")
        found = promise.value
    if not isinstance(found, Msg):
        return RowView("?", content_text(found), key="value")
    metadata = found.metadata
    model = metadata.get("model") if isinstance(metadata, dict) else None
    return RowView(
        found.name,
        content_text(found.content),
        color_of(found.name),
        model=model if isinstance(model, str) else None,
        is_demo=model in DEMO_MODELS,
        attached=attached(found.url, found.content),
        key=found.id,
    )
