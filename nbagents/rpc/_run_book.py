"""`RunBook`: the runs that a server knows, by id: who began them, what has happened, how they ended."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import budget, events
from ..agents import scheduler
from ..exceptions import CallCancelledError, ProtocolError, RunNotFoundError, UsageError
from ._fields import Fields
from ._json import load
from ._limits import (
    LONGEST_ID,
    LONGEST_LABEL,
    LONGEST_PROMPT,
    MAX_ASKED,
    MAX_RUNS,
    MAX_RUNS_BYTES,
    MAX_RUNS_IN_ALL,
)
from ._proto import agent_pb2 as pb
from ._recorded import RecordedRun

if TYPE_CHECKING:
    from ._keeper import Keeper
    from ._session import Session

__all__ = ["RunBook"]

log = logging.getLogger(__name__)
_OF = re.compile(r" of \d+\Z")
ENDS = ("done", "failed", "stopped")
LAST_NUMBER = 10**9
TOLD = frozenset(
    {"queued", "started", "model", "delta", "usage", "printed", "spoke", "blocked", "done", "failed"}
    | {"tool_call", "approval", "tool_result"}
    | {"note", "you", "question", "answered"}
)
"""What a client may tell of its own part of a run: events of calls, a note, what a person says."""


class RunBook:
    """The runs of one server, the last of each workspace. On the loop only.

    A run belongs to the session that began it. When that is gone, a run goes on to the end of its calls;
    one that was ``held`` by its client's code is stopped: no further step will come. Those that are over are
    in the journal, where the server has one, which ``keeper`` returns.
    """

    def __init__(self, keeper: Callable[[], Keeper | None] = lambda: None) -> None:
        self._keeper = keeper
        self._runs: OrderedDict[str, RecordedRun] = OrderedDict()
        self._numbers: OrderedDict[str, int] = OrderedDict()
        self._unsubscribe: Callable[[], None] | None = None

    # ---- what clients say of their runs

    def begin(self, session: Session, asked: Fields) -> RecordedRun:
        """Know a run from now on; one that is known already is this session's from now on.

        Raises:
            ProtocolError: a field is malformed.
            UsageError: its limits are none, or too many runs are open.
        """
        run_id, workspace = asked.id("run"), asked.text("workspace", 4096)
        number = asked.count("number", LAST_NUMBER)
        known = self._runs.get(run_id)
        if known is not None:
            if known.owner is None and not known.over:
                known.owner = session
            return known
        if sum(run.active for run in self._runs.values()) >= MAX_RUNS_IN_ALL:
            raise UsageError(f"{MAX_RUNS_IN_ALL} runs are open at once; end some before another begins")
        limits = asked.table("limits")
        if limits and budget.limits_of(run_id) is None:  # its client does not keep them itself
            budget.set_limits(run_id, limits)
        last = self._numbers.pop(workspace, 0)
        number = number if number is not None and number > last else last + 1
        self._numbers[workspace] = number
        while len(self._numbers) > MAX_RUNS_IN_ALL:
            self._numbers.popitem(last=False)
        run = self._runs[run_id] = RecordedRun(
            run_id,
            number,
            session,
            title=asked.text("title", LONGEST_LABEL),
            prompt=asked.text("prompt", LONGEST_PROMPT),
            workspace=workspace,
            held=asked.flag("held"),
        )
        self._drop_old(workspace)
        self._look()
        return run

    def note(self, asked: Fields) -> None:
        """Note how far a run has come; raises RunNotFoundError if there is none."""
        run = self.known(asked.id("run"))
        self._noted(run, asked.text("label", LONGEST_LABEL))

    def _noted(self, run: RecordedRun, label: str) -> None:
        run.note = label
        run.hear("note", "", "", "", {"label": label}, time.monotonic())

    def end(self, asked: Fields) -> None:
        """Note how a run ended; raises RunNotFoundError if there is none, ProtocolError for a bad state."""
        run, state = self.known(asked.id("run")), asked.text("state", 20)
        if state not in ENDS:
            raise ProtocolError(f"a run ends as one of {', '.join(ENDS)}, not as {state[:20]!r}")
        run.end(state, asked.text("outcome", LONGEST_LABEL))
        self._look()

    def told(self, session: Session, event: pb.Event) -> None:
        """Take in what a client tells of a run of its own.

        Raises:
            ProtocolError: it is malformed.
        """
        if event.kind not in TOLD or any(
            len(text) > LONGEST_ID for text in (event.call, event.agent, event.parent)
        ):
            raise ProtocolError(f"a client cannot tell an event of kind {event.kind[:40]!r}")
        run = self._runs.get(event.run)
        if run is None or run.owner is not session:
            return
        text = event.data.data if 0 < len(event.data.data) <= MAX_ASKED else b"{}"
        data = load(text, "the data of an event")
        if not isinstance(data, dict):
            raise ProtocolError("the data of an event is not a JSON object")
        if event.kind == "note":
            self._noted(run, str(data.get("label", ""))[:LONGEST_LABEL])
            return
        about = event.kind, event.call, event.agent, event.parent
        run.hear(*about, data, time.monotonic(), text.decode())
        self._settled(run)

    def left(self, session: Session) -> None:
        """A client is gone for good."""
        for run in self._runs.values():
            run.watchers.discard(session)
            if run.owner is session:
                run.owner = None
                if run.held and not run.over:
                    done = _OF.sub("", run.note)
                    run.end("stopped", f"kernel gone after {done}" if done else "kernel gone")
                self._settled(run)
        self._look()

    async def restored(self) -> None:
        """Know the runs of the journal again; one that cannot be read is left out.

        Raises:
            StorageError: the journal cannot be read.
        """
        keeper = self._keeper()
        if keeper is None or keeper.journal.is_new:
            return
        for run_id, about, told in await asyncio.to_thread(list, keeper.journal.runs()):
            try:
                run = RecordedRun.from_journal(run_id, about, told)
            except (LookupError, TypeError, ValueError) as error:
                log.warning("the run %s could not be brought back: %r", run_id[:60], error)
                continue
            self._runs[run.id] = run
            last = self._numbers.pop(run.workspace, 0)
            self._numbers[run.workspace] = max(last, run.number)

    # ---- reading

    def find(self, run_id: str) -> RecordedRun | None:
        """Return the run of that id, if it is kept."""
        return self._runs.get(run_id)

    def known(self, run_id: str) -> RecordedRun:
        """Return the run of that id.

        Raises:
            RunNotFoundError: there is none, or it is not kept any more.
        """
        run = self._runs.get(run_id)
        if run is None:
            raise RunNotFoundError(
                f"this agent server knows no run {run_id[:60]!r};"
                f" it keeps the last {MAX_RUNS} of each workspace"
            )
        return run

    def listed(self, workspace: str | None) -> list[dict[str, Any]]:
        """Return what is told of the runs of a workspace, or of all, the newest last."""
        return [run.about() for run in self._runs.values() if workspace in (None, run.workspace)]

    def of_call(self, call: str) -> RecordedRun | None:
        """Return the run in which a call is open, if there is one."""
        return next((run for run in self._runs.values() if call in run.open), None)

    def refusal(self, run_id: str) -> CallCancelledError | None:
        """Return why a run takes no further calls, if it does not."""
        run = self._runs.get(run_id)
        return CallCancelledError(f"the run was {run.why}") if run is not None and run.why else None

    # ---- what happens here

    def stop(self, run: RecordedRun, why: str) -> None:
        """Note that a run is stopped: its calls are ended by whoever asks for this."""
        if not run.over:
            run.why = why
            run.end("stopped", f"{why} after {run.about()['elapsed']:.1f} s; what was said is kept")
        self._look()

    def hear(self, event: events.Event) -> None:
        """Take an event of a call of this process. Any thread."""
        if event.run in self._runs:
            origin = getattr(event.source, "origin", None)
            if getattr(origin, "book", None) is self:
                scheduler().post(self._hear, event)

    def _hear(self, event: events.Event) -> None:
        run = self._runs.get(event.run)
        if run is not None:
            run.hear(event.kind, event.call, event.agent, event.parent, event.data, event.at)
            if event.kind in ("done", "failed"):
                self._settled(run)

    def _settled(self, run: RecordedRun) -> None:
        """End a run whose client is gone, once none of its calls is open."""
        if run.owner is None and not run.open and not run.over:
            # A call that another has made may be about to be queued.
            scheduler().loop.call_soon(self._end_alone, run)
        elif run.over and not run.open:
            self._look()

    def _end_alone(self, run: RecordedRun) -> None:
        if run.owner is None and not run.open:
            run.ended_alone()
            self._look()

    def _look(self) -> None:
        """Listen to what happens while there is a run in which something may."""
        active = any(run.active for run in self._runs.values())
        keeper = self._keeper()
        for run in self._runs.values():
            if keeper is not None and not run.active and not run.kept:
                run.kept = True
                keeper.run_over(run.id, *run.to_journal())
        if active and self._unsubscribe is None:
            self._unsubscribe = events.subscribe(self.hear)
        elif not active and self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None

    def _drop_old(self, workspace: str) -> None:
        """Forget the oldest runs beyond the limits; one in which something may happen yet is kept."""
        own = sum(run.workspace == workspace for run in self._runs.values())
        size = sum(run.size for run in self._runs.values())
        for run in [run for run in self._runs.values() if not run.active]:
            here = run.workspace == workspace
            if (here and own > MAX_RUNS) or len(self._runs) > MAX_RUNS_IN_ALL or size > MAX_RUNS_BYTES:
                del self._runs[run.id]
                budget.forget(run.id)
                if run.kept and (keeper := self._keeper()) is not None:
                    keeper.run_dropped(run.id)
                size, own = size - run.size, own - here

    def close(self) -> None:
        """Listen no more."""
        if self._unsubscribe is not None:
            with contextlib.suppress(Exception):
                self._unsubscribe()
            self._unsubscribe = None
