"""`MemoryWidget`: what an agent remembers, in the page: as a chat or as sent, and changed there by a person.

Loads anywidget, and is therefore loaded itself only where somebody watches.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from .. import events
from ..agents import REVISE, AgentBase, revise
from ..exceptions import UsageError
from ..message import PlaceholderMessage
from ..models import DEMO_MODELS
from ..render import EntryView, MemoryView, content_text, entry_html, memory_html, memory_size, memory_text
from ._esm import css, esm
from ._flusher import flusher
from ._live import AT_REST, LiveWidget
from ._surface import Surface

__all__ = ["MemoryWidget"]

SHOWN = 200
"""How many messages a panel shows, the newest."""
LONGEST = 20_000
"""Characters of a message that a panel shows, and up to which it lets a person edit it."""

_lock = threading.Lock()


class MemoryWidget(LiveWidget):
    """The memory of one agent, here or in a server, kept up to date while the agent works.

    ``color_of`` gives an agent's number in the order of creation. Making one waits for the calls made
    to the agent before.

    Raises:
        UsageError: the agent has no memory that can be shown so.
        AgentCallError, AgentServerError: it cannot be asked.
    """

    _esm = esm("memory")
    _css = css("rows", "memory")

    def __init__(self, agent: AgentBase, *, color_of: Callable[[str], int | None] | None = None) -> None:
        self.agent, self._color_of = agent, color_of or _no_color
        self._name = agent._name
        self._told: dict[str, Any] = {}
        self._error = ""
        self._open = 0
        self._stale = False
        self._take(revise(agent).content)
        super().__init__(self._state())
        self._surface: Surface | None = None
        self._unsubscribe = events.subscribe(self._event)
        self.stay()

    def put(self, surface: Surface) -> None:
        """Show it in the cell."""
        self._surface = surface
        view = self._view()
        self.show(surface, memory_html(view), memory_text(view))

    def retire(self) -> None:
        """Follow the agent no more. In a cell it is frozen; elsewhere what is changed in it still counts."""
        self._unsubscribe()
        surface, self._surface = self._surface, None
        if surface is not None:
            view = replace(self._view(), note=AT_REST)
            self.freeze(surface, memory_html(view), memory_text(view))

    def refresh(self) -> bool:
        """Tell the page what is remembered now. The flusher calls this."""
        if self._stale and not self._open:
            self._stale = False
            self._ask(None)
        else:
            self._sync(self._state(), 0)
        return False

    # ---- what the page asks for

    def acted(self, path: str, body: dict[str, Any]) -> Any:
        """Change the memory as ``body`` says; the page hears of it once the agent has had a turn for it."""
        if path:
            return super().acted(path, body)
        self.stay()
        change: dict[str, Any] = {key: body[key] for key in ("op", "id", "content") if key in body}
        if change.get("op") == "look":
            change = {}
        elif change.get("op") == "edit" and not isinstance(change.get("content"), str):
            raise UsageError("only words can be edited")
        self._ask(change or None)
        return {"begun": True}

    def _ask(self, change: Mapping[str, Any] | None) -> None:
        with _lock:
            self._open += 1
        answer = revise(self.agent, change)
        answer._promise.add_done_callback(lambda: self._answered(answer))
        flusher().add(self)  # shows that it waits, where the agent is at work

    def _answered(self, answer: PlaceholderMessage) -> None:
        error = answer._promise.error
        if error is None:
            self._error = ""
            self._take(answer._promise.value.content)
        else:
            answer._promise.read = True  # type: ignore[attr-defined]  # the panel shows it
            self._error = str(error)
        with _lock:
            self._open -= 1
        flusher().add(self)

    def _event(self, event: events.Event) -> None:
        """Note that the agent has heard or said something. On any thread."""
        if event.agent != self._name or event.kind not in ("done", "failed"):
            return
        if getattr(event.source, "method", "") != REVISE:
            self._stale = True
            flusher().add(self)

    # ---- what it shows

    def _take(self, told: Any) -> None:
        if not isinstance(told, dict) or not isinstance(told.get("entries"), list):
            raise UsageError(f"{self._name} does not tell what it remembers")
        self._told = told

    def _view(self) -> MemoryView:
        entries = [
            EntryView(
                str(entry.get("name")),
                entry.get("content"),
                str(entry.get("role")),
                entry.get("muted") is True,
            )
            for entry in self._told["entries"]
        ]
        models = [entry.get("model") for entry in self._told["entries"] if entry.get("model")]
        model = str(models[-1]) if models else None
        if self._told.get("sys_prompt"):
            entries.insert(0, EntryView("system", self._told["sys_prompt"], "system"))
        colors = {entry.name: self._color_of(entry.name) for entry in entries if entry.name != "system"}
        own = self._color_of(self._name)
        return MemoryView(self._name, own, model, tuple(entries), model in DEMO_MODELS, colors)

    def _state(self) -> dict[str, Any]:
        view = self._view()
        first = len(view.entries) - len(self._told["entries"])  # 1 with a system prompt, else 0
        ids = [None] * first + [str(entry.get("id")) for entry in self._told["entries"]]
        total = len(view.entries)
        rows = [
            {
                "id": key,
                "html": entry_html(entry, number, total, view, limit=LONGEST),
                "name": entry.name,
                "text": content_text(entry.content)[:LONGEST],
                # What is cut here must not be written back.
                "words": isinstance(entry.content, str) and len(entry.content) <= LONGEST,
                "muted": entry.muted if isinstance(entry, EntryView) else False,
                "after": total - number,
            }
            for number, (key, entry) in enumerate(zip(ids, view.entries, strict=True), 1)
        ]
        sent = self._told.get("sent")
        return {
            "agent": self._name,
            "title": f"{self._name} · {memory_size(total - first, prompt=first > 0)}",
            "rows": rows[-SHOWN:],
            "older": max(0, total - SHOWN),
            "sent": None if sent is None else json.dumps(sent, ensure_ascii=False, indent=2)[:200_000],
            "undo": bool(self._told.get("undo")),
            "waits": self._open > 0,
            "error": self._error,
        }


def _no_color(name: str) -> None:
    return None
