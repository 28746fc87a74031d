"""`OwnRuns`: the runs that this process began at a server, and those that it watches there."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from .. import events
from ..agents import ended_because, scheduler
from ..exceptions import NbAgentsError, ProtocolError
from ._json import load
from ._printable import printable
from ._proto import agent_pb2 as pb

__all__ = ["OwnRuns", "RunListener"]

log = logging.getLogger(__name__)
RunListener = Callable[[dict[str, Any]], object]
LONGEST_WHY = 300


class OwnRuns:
    """What one server may say of runs, beyond the calls that this process has made. On the loop only."""

    def __init__(self) -> None:
        self.begun: set[str] = set()
        """The ids of the runs that this process has begun there and that go on: the server may stop these."""
        self._listeners: dict[str, list[RunListener]] = {}

    def stopped(self, cancel: pb.Cancel) -> None:
        """End this process's own part of a run that somebody has stopped, or of one call of it."""
        if cancel.run not in self.begun:
            return  # it is over here
        why = printable(cancel.why, LONGEST_WHY) or "stopped"
        clock = scheduler()
        if not cancel.call:
            events.publish(events.Event("stopping", run=cancel.run, data={"why": why}))
            clock.stops.end_run(cancel.run, why)
            return
        call = clock.live.get(cancel.call)
        if call is not None and call.run == cancel.run:
            clock.end(call, ended_because(call.label(), why))

    def watch(self, run_id: str, listener: RunListener) -> bool:
        """Tell a listener what happens in a run; return whether it is the first of that run."""
        known = self._listeners.setdefault(run_id, [])
        known.append(listener)
        return len(known) == 1

    def unwatch(self, run_id: str, listener: RunListener) -> bool:
        """Tell it no more; return whether it was the last of that run."""
        known = self._listeners.get(run_id, [])
        if listener in known:
            known.remove(listener)
        return bool(self._listeners.pop(run_id, None) is not None) if not known else False

    def happened(self, event: pb.Event) -> None:
        """Tell those who listen what has happened in a run.

        Raises:
            ProtocolError: it is malformed.
        """
        known = self._listeners.get(event.run)
        if not known:
            return  # nobody listens any more
        told = load(event.data.data, "what happened in a run")
        if not isinstance(told, dict) or not isinstance(told.get("data"), dict):
            raise ProtocolError("what happened in a run is not a JSON object")
        _tell(known, told)

    def lost(self, error: NbAgentsError) -> None:
        """The server is gone: say so to those who listen."""
        self.begun.clear()
        listeners, self._listeners = self._listeners, {}
        about = {"seq": 0, "kind": "lost", "call": "", "agent": "", "parent": "", "at": 0.0}
        for known in listeners.values():
            _tell(known, about | {"data": {"why": str(error)}})


def _tell(listeners: list[RunListener], told: dict[str, Any]) -> None:
    for listener in list(listeners):
        try:
            listener(told)
        except Exception:
            log.exception("a listener failed on %s of a run", told.get("kind"))
