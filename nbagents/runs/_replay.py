"""`Replay`: a run that this process has not seen itself, made of what its server has kept of it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from .. import exceptions
from ..events import Event
from ..exceptions import NbAgentsError, RemoteAgentError, UsageError
from ..message import Msg
from ..render import RowView, SectionView
from ._run import Run

__all__ = ["Replay"]

STATES = ("done", "failed", "stopped")


class Replay(Run):
    """A run as a server tells it; see `Run.replay`. It is not among this process's own."""

    def __init__(self, about: Mapping[str, Any], events: Iterable[Mapping[str, Any]] = ()) -> None:
        super().__init__(
            str(about.get("title", "")),
            prompt=str(about.get("prompt", "")),
            identity=(str(about.get("run", "")), int(about.get("number", 0))),
        )
        self._start = time.monotonic() - float(about.get("elapsed", 0.0))
        self._inside = True  # it is over when the server says so, not when no call is open
        self._seen = 0
        for event in events:
            self.take(event)
        state = about.get("state")
        if state in STATES:
            self._ends(str(state), str(about.get("outcome", "")), time.monotonic())

    def take(self, told: Mapping[str, Any]) -> None:
        """Take in what happened further; what it knows already changes nothing. Any thread."""
        seq = int(told.get("seq", 0))
        with self._lock:
            if 0 < seq <= self._seen:
                return
            self._seen = max(seq, self._seen)
        kind, data = str(told.get("kind", "")), dict(told.get("data") or {})
        at = self._start + float(told.get("at", 0.0))
        match kind:
            case "note":
                self._put(SectionView(str(data.get("label", ""))))
            case "you":
                to = str(data.get("to", ""))
                self._put(RowView(f"you → {to}" if to else "you", str(data.get("text", ""))))
            case "ended":
                self._ends(str(data.get("state", "done")), str(data.get("outcome", "")), at)
            case "missed":
                self.notes += (f"{data.get('count')} events of its beginning are no longer kept",)
            case "lost":
                self._ends("failed", str(data.get("why", "")), time.monotonic())
            case _:
                agent = str(told.get("agent", ""))
                if "message" in data:
                    data["message"] = _message(data["message"])
                if isinstance(data.get("error"), dict):
                    data["error"] = _error(data["error"], agent)
                call, parent = str(told.get("call", "")), str(told.get("parent", ""))
                self._take_in(Event(kind, call, agent, self.id, parent, data, at))
        self._changed()

    def _put(self, entry: SectionView | RowView) -> None:
        with self._lock:
            self._entries.append(replace(entry, key=f"said-{len(self._entries)}"))

    def _ends(self, state: str, outcome: str, at: float) -> None:
        with self._lock:
            if self._end is not None:
                return
            self._inside = False
            if state == "stopped":
                self._why = outcome.partition(" after ")[0] or self._why
            self._end, self.outcome = at, outcome
            self.state = state if state in STATES else "done"  # type: ignore[assignment]


def _message(tree: Any) -> Any:
    if isinstance(tree, list):
        return [_message(item) for item in tree]
    if isinstance(tree, dict):
        try:
            return Msg.from_dict(tree)
        except UsageError:
            return tree
    return tree


def _error(tree: Mapping[str, Any], agent: str) -> NbAgentsError:
    name, text, hint = (str(tree.get(key) or "") for key in ("type", "message", "hint"))
    kind = getattr(exceptions, name, None) if name in exceptions.__all__ else None
    error: NbAgentsError
    if kind is not None and kind is not RemoteAgentError:
        error = kind(text, hint=hint or None)
    else:
        error = RemoteAgentError(f"{agent}: {name}: {text}", type_name=name, hint=hint or None)
    error.remote_traceback = str(tree.get("traceback") or "") or None
    return error
