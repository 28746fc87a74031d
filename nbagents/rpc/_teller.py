"""`RunTeller`: tells a server of the runs of this process as they happen. Nothing waits for it.

The server sees the calls that it gets by itself. What else belongs to a run, the calls of agents that live
here or in other servers, what a person says, how far a loop has come, is told to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from .. import _loop, budget, events
from ..exceptions import NbAgentsError
from ._deltas import Deltas
from ._limits import MAX_ASKED

if TYPE_CHECKING:
    from ._attachment import Attachment

__all__ = ["RunTeller"]

REACHED = 3.0
"""Seconds that a server may take to get what it is sent, before nobody waits for that any longer."""


class Told(Protocol):
    """A run of this process, as much of it as is told."""

    id: str
    number: int
    title: str
    prompt: str
    held: bool
    state: Any
    outcome: str
    error: Any

    def renumber(self, number: int) -> None:
        """Take another number."""


class RunTeller:
    """Tells of the runs of one workspace over what ``connect`` returns, where it returns something.

    Runs that begin before the server is there are told once `again` is called. Any thread.
    """

    def __init__(self, workspace: str, connect: Callable[[], Attachment | None]) -> None:
        self.workspace = workspace
        self._connect = connect
        self._open: dict[str, tuple[Told, Mapping[str, Any] | None]] = {}
        self._there: Attachment | None = None
        self._unsubscribe: Callable[[], None] | None = None
        self._notes: dict[str, str] = {}
        self._deltas: Deltas[events.Event] = Deltas(self._tell_joined)

    # ---- called by the runs; each takes the way that the calls take, and so keeps its place among them

    def begun(self, run: Told, limits: Mapping[str, Any] | None = None) -> None:
        """A run begins."""
        _loop.background().post(self._begun, run, limits)

    def noted(self, run: Told, label: str) -> None:
        """A run has come so far."""
        _loop.background().post(self._noted, run, label)

    def said(self, run: Told, text: str, to: str) -> None:
        """A person says something in a run."""
        _loop.background().post(self._put, run.id, "you", {"text": text, "to": to})

    def ended(self, run: Told) -> None:
        """A run is over."""
        _loop.background().post(self._ended, run)

    def again(self, there: Attachment) -> None:
        """Tell a server that has just been found or come up of the runs that are open."""
        _loop.background().post(self._again, there)

    def reached(self, seconds: float = REACHED) -> None:
        """Wait until the server has got what was told and asked so far, at most so long."""
        _loop.background().run(self._reached(seconds))

    # ---- on the loop

    async def _reached(self, seconds: float) -> None:
        there = self._now()
        if there is not None:
            # The stream is in order: what this answers to came after all else.
            await asyncio.wait([there.ask("get_server_info")], timeout=seconds)

    def _begun(self, run: Told, limits: Mapping[str, Any] | None) -> None:
        self._open[run.id] = (run, limits)
        if self._unsubscribe is None:
            self._unsubscribe = events.subscribe(self._hear)
        there = self._now()
        if there is not None:
            self._begin(there, run, limits)

    def _begin(self, there: Attachment, run: Told, limits: Mapping[str, Any] | None) -> None:
        about: dict[str, Any] = {
            "run": run.id,
            "title": run.title,
            "prompt": run.prompt[:20_000],
            "workspace": self.workspace,
            "number": run.number,
            "held": run.held,
        }
        if limits and budget.limits_of(run.id) is None:
            about["limits"] = dict(limits)
        there.tell_of(run.id)
        there.runs.begun.add(run.id)
        answer = there.ask("begin_run", value=json.dumps(about))

        def numbered(told: asyncio.Future[Any]) -> None:
            if not told.cancelled() and told.exception() is None:
                number = json.loads(told.result().message)
                if type(number) is int and number != run.number:
                    run.renumber(number)

        answer.add_done_callback(numbered)

    def _again(self, there: Attachment) -> None:
        self._there = there
        for run, limits in self._open.values():
            self._begin(there, run, limits)
            if run.id in self._notes:
                self._put(run.id, "note", {"label": self._notes[run.id]})

    def _noted(self, run: Told, label: str) -> None:
        if run.id in self._open:
            self._notes[run.id] = label
            self._put(run.id, "note", {"label": label})

    def _ended(self, run: Told) -> None:
        self._deltas.flush()
        if self._open.pop(run.id, None) is None:
            return
        self._notes.pop(run.id, None)
        if not self._open and self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        there = self._now()
        if there is not None:
            there.runs.begun.discard(run.id)
            state = run.state if run.state in ("done", "failed", "stopped") else "done"
            outcome = run.outcome or str(getattr(run.error, "title", None) or "")
            about = {"run": run.id, "state": state, "outcome": outcome}
            there.ask("end_run", value=json.dumps(about))

    def _now(self) -> Attachment | None:
        """Return the attachment, if calls can be sent at once."""
        with contextlib.suppress(NbAgentsError):
            there = self._connect()
            if there is not None:
                self._there = there
        return self._there if self._there is not None and self._there.is_open() else None

    # ---- what happens here

    def _hear(self, event: events.Event) -> None:
        if event.run in self._open and event.call:
            _loop.background().post(self._tell, event)

    def _tell(self, event: events.Event) -> None:
        if event.kind == "delta":
            self._deltas.take(event.call, event, str(event.data.get("text", "")))
        else:
            self._deltas.flush()
            self._tell_of(event, event.data)

    def _tell_joined(self, event: events.Event, text: str, count: int) -> None:
        self._tell_of(event, {"text": text})

    def _tell_of(self, event: events.Event, data: Mapping[str, Any]) -> None:
        call = event.source
        if event.run in self._open and call is not None and call.origin is None and not self._knows(call):
            self._put(event.run, event.kind, data, event)

    def _knows(self, call: Any) -> bool:
        """Does the server see this call itself, since it lives there?"""
        if call.remote is None:
            return False
        there = None
        with contextlib.suppress(NbAgentsError):
            there = call.remote.way()
        return there is None or there is self._there  # what is not there yet is what is brought up here

    def _put(
        self, run_id: str, kind: str, data: Mapping[str, Any], event: events.Event | None = None
    ) -> None:
        there = self._now()
        if there is None or run_id not in there.runs.begun:
            return
        from ._proto import agent_pb2 as pb
        from ._recorded import written

        text = written(kind, data)
        if text is None:
            return
        body = text.encode("utf-8", "replace")
        frame = pb.Event(
            kind=kind, run=run_id, data=pb.Payload(data=body if len(body) <= MAX_ASKED else b"{}")
        )
        if event is not None:
            frame.call, frame.agent, frame.parent = event.call, event.agent[:500], event.parent
        there.put(pb.Frame(event=frame))
