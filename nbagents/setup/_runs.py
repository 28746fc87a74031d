"""`RunsThere`: the runs of a workspace, as its server keeps them; a part of `Session`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from ..exceptions import UsageError
from ..rpc import OwnedServer, RpcAgentClient
from ..runs import Run, recent_runs

__all__ = ["RunsThere"]

TICK = 0.05
"""Seconds between two looks while a run is waited for, so that an interrupt gets in."""


class RunsThere:
    """Runs by their number: of this process, of an earlier kernel, of another notebook's view of it."""

    workspace: str
    server: OwnedServer

    def going(self) -> list[dict[str, Any]]:
        """Return what the server tells of those runs of this workspace that go on; raises as `runs` does."""
        return [about for about in self.runs() if about["state"] == "running"]

    def runs(self) -> list[dict[str, Any]]:
        """Return what the server tells of the runs of this workspace, the newest last.

        Each is a dictionary as `RpcAgentClient.runs` returns them.

        Raises:
            AgentServerError: the server does not answer.
        """
        return self.server.client().runs(self.workspace)

    def meanwhile(self) -> list[dict[str, Any]]:
        """Return what the server tells of those runs that ended, or go on, with nobody there who began them.

        A run is left out once a later one has ended here. Raises as `runs` does.
        """
        known = self.runs()
        seen = max((_end(about) for about in known if _was_seen(about)), default=0.0)
        return [
            about
            for about in known
            if (about["state"] == "running" and not about["here"])
            or (about.get("alone") and _end(about) > seen)
        ]

    def run(self, number: int) -> Run:
        """Return the run of that number: this process's own, else one made of what the server has kept.

        Raises:
            UsageError: there is none; the message names those that are.
        """
        own = self._own(number)
        if own is not None:
            return own
        about, client = self._about(number), self.server.client()
        return Run.replay(about, client.run_events(about["run"]))

    def wait(self, number: int | None = None, *, timeout: float | None = None) -> Run:
        """Wait until a run is over and return it; without a number, the newest that goes on.

        Raises:
            UsageError: there is none.
            TimeoutError: it goes on after ``timeout`` seconds.
        """
        if number is None:
            number = self._newest()
        own = self._own(number)
        growing = None if own is not None else _Growing(self.server.client(), self._about(number))
        run = growing.run if growing is not None else self.run(number)
        limit = None if timeout is None else time.monotonic() + timeout
        try:
            while not run.over:
                if limit is not None and time.monotonic() > limit:
                    raise TimeoutError(f"run {number} goes on after {timeout:g} s")
                time.sleep(TICK)
        finally:
            if growing is not None:
                growing.close()
        return run

    def stop_run(self, number: int, why: str = "stopped by you") -> int:
        """End the open calls of a run, whoever began it; return how many there were.

        Raises:
            UsageError: there is none.
        """
        own = self._own(number)
        if own is not None:
            return own.stop(why)
        return self.server.client().stop_run(self._about(number)["run"], why)

    # ---- inside

    def _own(self, number: int) -> Run | None:
        return next((run for run in reversed(recent_runs()) if run.number == number), None)

    def _about(self, number: int) -> dict[str, Any]:
        known: list[dict[str, Any]] = self.runs()
        found = [about for about in known if about["number"] == number]
        if found:
            return found[-1]
        there = ", ".join(str(about["number"]) for about in known[-10:])
        raise UsageError(f"there is no run {number}" + (f"; the last ones: {there}" if there else ""))

    def _newest(self) -> int:
        own = [run for run in recent_runs() if not run.over]
        if own:
            return own[-1].number
        going = self.going()
        if not going:
            raise UsageError("no run goes on")
        return int(going[-1]["number"])


def _end(about: dict[str, Any]) -> float:
    return float(about["started"]) + float(about["elapsed"])


def _was_seen(about: dict[str, Any]) -> bool:
    return about["state"] != "running" and not about.get("alone")


class _Growing:
    """A run of somebody else that goes on, as its server tells of it."""

    def __init__(self, client: RpcAgentClient, about: dict[str, Any]) -> None:
        self.run = Run.replay(about, [])
        self._early: list[dict[str, Any]] | None = []
        self._lock = threading.Lock()
        self._stop: Callable[[], None] | None = None
        if self.run.over:
            for event in client.run_events(about["run"]):
                self.run.take(event)
            return
        self._stop = client.watch_run(about["run"], self._hear)
        known = client.run_events(about["run"])
        with self._lock:
            early, self._early = self._early or [], None
            for event in [*known, *early]:
                self.run.take(event)

    def _hear(self, told: dict[str, Any]) -> None:
        with self._lock:
            if self._early is not None:
                self._early.append(told)  # what was before it is still to be read
            else:
                self.run.take(told)

    def close(self) -> None:
        """Hear no more of it."""
        if self._stop is not None:
            self._stop()
