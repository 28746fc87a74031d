"""The banner that loading the extension shows: the server, the model and why, who is still alive.

The server comes up in a thread; the banner says so and is replaced when it is ready.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from ..exceptions import NbAgentsError
from ..models import ModelChoice
from ..render import banner_html, banner_text
from ..setup import AgentInfo
from ..widgets import Surface
from ._desk import Desk

__all__ = ["Banner"]

MOMENT = 0.4
"""Seconds that loading waits for the server where a person is."""
PATIENCE = 30.0
"""Seconds that it waits where nobody is: the output must be the final one."""
LASTS = {
    "process": "ends with this kernel",
    "jupyter": "survives a kernel restart, ends with Jupyter",
    "user": "survives a kernel restart",
}
MARKS = {"done": "✓", "failed": "✗", "stopped": "■"}
SHOWN = 5
"""Runs that are named of those that ended meanwhile."""
HELP = "help: `%agents?`"
REAL = "a real model: `%agents doctor` says how"


class Banner:
    """One line about where the agents live, kept up to date while the server comes up."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.surface: Surface = desk.surface()
        self._choice: ModelChoice | None = None
        self._problem = ""

    def show(self) -> None:
        """Start the server and show the banner; return after a moment at most."""
        thread = threading.Thread(target=self._begin, name="nbagents-banner", daemon=True)
        thread.start()
        live = self.desk.mode == "live"
        thread.join(MOMENT if live else PATIENCE)
        if thread.is_alive():
            self._draw("agent server starting", ready=False)
            if live:
                threading.Thread(
                    target=lambda: self._later(thread), name="nbagents-banner", daemon=True
                ).start()
        else:
            self._final()

    def _later(self, thread: threading.Thread) -> None:
        thread.join()
        self._final()

    def _begin(self) -> None:
        session = self.desk.session
        try:
            self._choice = session.choose()
        except NbAgentsError as error:
            self._problem = str(error)
        session.start(self._choice)
        try:
            self._bind(session.revive())
            self._meanwhile = session.meanwhile()
        except NbAgentsError as error:
            self._problem = str(error)

    def _bind(self, alive: Sequence[AgentInfo]) -> None:
        """Let the agents that are alive be called by their names, where these are free."""
        # A cell that ran while the server came up may have made some of them just now.
        session = self.desk.session
        self._alive = [info for info in alive if info.messages or not session.defined(info.name)]
        taken = self.desk.variables
        for info in alive:
            if info.name not in taken:
                self.desk.bind(info.name, session.find(info.name))

    _alive: Sequence[AgentInfo] = ()
    _meanwhile: Sequence[Mapping[str, Any]] = ()

    def _final(self) -> None:
        status = self.desk.session.status()
        if status.state != "ready":
            self._draw(f"agent server: {status.error or self._problem or status.state}", ready=False)
            return
        lasts = LASTS.get(status.owner, "")
        if self.desk.mode == "headless":
            where = f"agent server {lasts}"
        else:
            where = f"server {status.server_id} (pid {status.pid}, {lasts})"
        self._draw(where, ready=True)

    def _draw(self, server: str, *, ready: bool) -> None:
        parts = ["nbagents ready" if ready else "nbagents", server]
        notes = [self._problem] if self._problem else []
        if self._choice is not None:
            by = "" if self._choice.source == "default" else f" (by {self._choice.source})"
            parts.append(f"model: {self._choice.label}{by}")
            notes += self._choice.notes
        if self._alive:
            names = ", ".join(f"{info.name} ({_messages(info.messages)})" for info in self._alive)
            count = "1 agent is" if len(self._alive) == 1 else f"{len(self._alive)} agents are"
            notes.insert(0, f"⟲ {count} still alive: {names}")
        if self._meanwhile:
            at = 1 if self._alive else 0
            notes.insert(at, _told(self._meanwhile))
        guard = self.desk.session.guard() if ready else ""
        notes += [guard] if guard else []
        if ready:
            only_demo = self._choice is not None and self._choice.source == "default"
            notes.append(f"{HELP} · {REAL}" if only_demo else HELP)
        else:
            notes.append(f"{HELP} · `%agents doctor`")
        self.surface.show(banner_html(parts, notes, ready=ready), banner_text(parts, notes, ready=ready))


def _told(runs: Sequence[Mapping[str, Any]]) -> str:
    """Say which runs have ended or go on without the kernel that began them."""
    over = [run for run in runs if run["state"] != "running"]
    parts = []
    if over:
        count = "1 run" if len(over) == 1 else f"{len(over)} runs"
        parts.append(f"{count} ended while this notebook was away: {_listed(over)}")
    going = [run for run in runs if run["state"] == "running"]
    if going:
        parts.append(f"{'1 run goes' if len(going) == 1 else f'{len(going)} runs go'} on: {_listed(going)}")
    last = runs[-1]["number"]
    line = f"`%agents wait {last}`" if runs[-1]["state"] == "running" else f"`%agents show {last}`"
    return f"⟲ {' · '.join(parts)} · {line}"


def _listed(runs: Sequence[Mapping[str, Any]]) -> str:
    shown = [f"run {run['number']} {MARKS.get(str(run['state']), '')}".strip() for run in runs[-SHOWN:]]
    return ", ".join(([f"… {len(runs) - SHOWN} more"] if len(runs) > SHOWN else []) + shown)


def _messages(count: int) -> str:
    return f"{count} message{'' if count == 1 else 's'}"
