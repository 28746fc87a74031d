"""`Run`: one conversation, from the first call to the last reply, as it happens and afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextvars import Token
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any

from .. import budget, context, events, recording
from .._ids import new_id
from ..agents import Call, scheduler
from ..config import redact
from ..exceptions import CallCancelledError
from ..message import Msg
from ..render import ErrorView, LaneView, RowView, RunView, SectionView, State
from ..tools import Policy
from ._costs import cost_by_agent, cost_shown, whole_cost
from ._export import frame_of, markdown_of
from ._failure import error_view, full_traceback
from ._letters import Letters
from ._numbers import numbers
from ._record import Record
from ._rows import lanes, record_rows
from ._teller import Teller, usual_teller

if TYPE_CHECKING:
    from ._replay import Replay

__all__ = ["Run", "recent_runs"]

KEPT = 50
"""How many runs a process remembers."""
SETTLE = 0.5
"""Seconds that leaving the ``with`` waits at most for the background loop, which needs far less."""

_recent: deque[Run] = deque(maxlen=KEPT)

Entry = Record | SectionView | RowView


class Run:
    """What agents say between the ``with`` and the last reply; the calls made inside are its calls.

    A call that is still open when the ``with`` is left goes on and still belongs to it. ``number``
    counts the runs of this process from 1, or those of its workspace where a server keeps count, which
    ``teller`` tells of this one; where a session is open, its own does. ``color_of`` gives an agent's
    number in the order of creation, ``audience`` the names of those who hear an agent. Any thread reads it.

    >>> from nbagents import AgentBase
    >>> class Echo(AgentBase):
    ...     async def reply(self, x=None):
    ...         return Msg(self.name, f"{x.content}!")
    >>> with Run("greeting") as run:
    ...     answer = Echo("echo")(Msg("you", "hello")).content
    >>> run.state, [message.content for message in run.messages]
    ('done', ['hello!'])
    """

    def __init__(
        self,
        title: str = "",
        *,
        prompt: str = "",
        chips: tuple[tuple[str, str], ...] = (),
        notes: tuple[str, ...] = (),
        color_of: Callable[[str], int | None] | None = None,
        audience: Callable[[str], tuple[str, ...]] | None = None,
        teller: Teller | None = None,
        held: bool = False,
        identity: tuple[str, int] | None = None,
    ) -> None:
        self.id, self.number = identity or (new_id(), numbers.next())
        self.held = held
        """Does it take its next steps in this process, so that it cannot go on without it?"""
        # Set before it begins: what it may ask of models, what its tools may do, what it is recorded on.
        self.limits: budget.Limits | None = None
        self.approve: Policy | None = None
        self.tape: recording.Tape | None = None
        self.halted = False
        """Has a person stopped it, on a page or from outside of this process?"""
        self.title, self.prompt, self.chips, self.notes = title, prompt, chips, notes
        self._order: dict[str, int] = {}
        self.color_of = color_of or self._order.get
        self.audience, self._teller = audience, teller
        self.result: Any = None
        """What the run was for: a message or a list of them; whoever made the run sets it."""
        self.outcome = ""
        self.state: State = "running"
        self.error: ErrorView | None = None
        self._why = "stopped"
        self._lock = threading.RLock()
        self._entries: list[Entry] = []
        self._records: dict[str, Record] = {}
        self._letters = Letters()
        self._failed: list[Call] = []  # held, since a failure that nobody holds is reported at once
        self._traces: list[tuple[BaseException, str]] = []
        self._start = time.monotonic()
        self._end: float | None = None
        self._inside = False
        self._unfinished = 0
        self._tokens: tuple[Token[Any], ...] = ()
        self._unsubscribe: Callable[[], None] = lambda: None
        self._watchers: tuple[Callable[[], object], ...] = ()
        if identity is None:
            _recent.append(self)

    # ---- collecting

    def __enter__(self) -> Run:
        self._inside, self._start = True, time.monotonic()
        approve = Policy.strictest(Policy.of(context.approve.get()), Policy.of(self.approve)).rules
        recording.set_tape(self.id, self.tape or recording.current_tape())  # that of a run around it
        self._tokens = context.run.set(self.id), context.card.set(True), context.approve.set(approve)
        if self.limits is not None:
            budget.set_limits(self.id, self.limits)
        self._unsubscribe = events.subscribe(self._hear)
        self._teller = self._teller or usual_teller()
        if self._teller is not None:
            self._teller.begun(self, None if self.limits is None else self.limits.to_dict())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._inside = False
        with contextlib.suppress(ValueError):  # left in another context than entered: nothing to put back
            for token in self._tokens:
                token.var.reset(token)
        self._tokens = ()
        if isinstance(error, (KeyboardInterrupt, asyncio.CancelledError, CallCancelledError)):
            self.end("stopped")
        elif error is not None:
            self.end("failed", error=error)
        self._settle()

    def tell(self, text: str, to: str = "") -> None:
        """Add a row for what a person says here, after the calls made before."""
        self._add(RowView(f"you → {to}" if to else "you", text))
        if self._teller is not None:
            self._teller.said(self, text, to)

    def section(self, label: str) -> None:
        """Add a line between the calls made before and those made after, such as "pass 2 of 3"."""
        self._add(SectionView(label))
        if self._teller is not None:
            self._teller.noted(self, label)

    def renumber(self, number: int) -> None:
        """Take the number that the server has given it; runs that begin later count on from there."""
        self.number = number
        numbers.reach(number)
        self._changed()

    def _add(self, entry: RowView | SectionView) -> None:
        def add() -> None:
            with self._lock:
                self._entries.append(replace(entry, key=f"said-{len(self._entries)}"))
            self._changed()

        scheduler().post(add)  # the calls made before take the same way

    def end(self, state: State = "done", *, outcome: str = "", error: BaseException | None = None) -> None:
        """Say how it ended; what is heard later no longer changes that. The first word counts."""
        with self._lock:
            if self._end is not None:
                return
            self._end, self.state, self.outcome = time.monotonic(), state, outcome or self.outcome
            if error is not None:
                self._trace(error)
                shown = any(record.error is error for record in self._records.values())
                self.error = None if shown else error_view("", error)
        self.notes += () if self.tape is None else self.tape.end(self.state)
        if self._teller is not None:
            self._teller.ended(self)
        self._changed()

    def stop(self, why: str = "stopped by you") -> int:
        """End its open calls; return how many were at work or waiting. Text that has come is kept."""
        self._why = why
        count = scheduler().stop_run(self.id, why)
        self._settle()
        return count

    def pending(self) -> list[Call]:
        """Return its calls that are still open, but for those that another of its calls has made."""
        self._settle()
        return [c for c in list(scheduler().live.values()) if c.run == self.id and c.parent is None]

    def claim(self) -> list[BaseException]:
        """Return the failures of its calls that nobody has read, the first one first; they count as read.

        For whoever shows them: what is not claimed is reported at the end of the cell.
        """
        self._settle()
        with self._lock:
            failed, self._failed = self._failed, []
        found: list[BaseException] = []
        for call in failed:
            if not call.read and call.error is not None and not isinstance(call.error, CallCancelledError):
                found.append(call.error)
            call.read = True
        return found

    def watch(self, watcher: Callable[[], object]) -> None:
        """Call ``watcher`` whenever something changes, on whichever thread that happens; it must be quick."""
        self._watchers = (*self._watchers, watcher)

    def _hear(self, event: events.Event) -> None:
        if event.run != self.id:
            return
        if event.kind == "stopping":
            self.halted, self._why = True, str(event.data.get("why") or self._why)
            self.outcome = self.outcome or f"{self._why} after {self.elapsed:.1f} s; what was said is kept"
            return
        self._take_in(event)
        if event.kind == "approval" and (hint := event.data.get("hint")) and hint not in self.notes:
            self.notes = (*self.notes, str(hint)[:1000])
        if self.halted and event.kind == "queued" and event.source is not None:
            event.source.cancel(self._why)  # it was stopped while its calls were still being made
        if event.kind in ("done", "failed"):
            scheduler().post(self._end_if_over)
        self._changed()

    def _take_in(self, event: events.Event) -> None:
        with self._lock:
            record = self._records.get(event.call)
            if record is None:
                self._letters.hear(event)
                if event.kind != "queued":
                    return
                self._begin(event)
            elif not record.over:
                record.hear(event)
                self._unfinished -= record.over
                if record.state == "failed" and record.error is not None:
                    self._trace(record.error, record.agent)
                    self._failed += [call for call in scheduler().failed if call.id == event.call]

    def _begin(self, event: events.Event) -> None:
        heard_by = self.audience(event.agent) if self.audience is not None else ()
        record = self._records[event.call] = Record(event, heard_by)
        self._order.setdefault(event.agent, len(self._order))
        self._unfinished += 1
        above = self._records.get(event.parent)
        if above is None:
            self._entries.append(record)
        else:  # who asked comes after whom it asked, as in the conversation
            above.children.append(record)
            self._entries.insert(self._entries.index(above), record)

    def _trace(self, error: BaseException, agent: str = "") -> None:
        if all(error is not known for known, _ in self._traces):
            self._traces.append((error, (f"{agent}:\n" if agent else "") + full_traceback(error)))

    def _settle(self) -> None:
        """Let the loop take in the calls made so far, and end the run if none of them is open."""
        clock, seen = scheduler(), threading.Event()

        def look() -> None:
            self._end_if_over()
            seen.set()

        clock.post(look)
        seen.wait(SETTLE)

    def _end_if_over(self) -> None:
        if self._inside or self._unfinished > 0:
            return
        if self.over:
            self._unsubscribe()
            return
        # A pipeline with a condition is a call too, though it has no row; its next pass is still to come.
        hidden = next((call for call in scheduler().live.values() if call.run == self.id), None)
        if hidden is not None:
            hidden.on_done(self._end_if_over)
            return
        self._unsubscribe()
        # What an agent has called is its own affair: it may have caught the failure.
        states = {record.state for record in self._records.values() if record.parent not in self._records}
        self.end("failed" if "failed" in states else "stopped" if "stopped" in states else "done")

    def _changed(self) -> None:
        for watcher in self._watchers:
            watcher()

    # ---- reading

    @staticmethod
    def replay(about: Mapping[str, Any], events: Iterable[Mapping[str, Any]]) -> Replay:
        """Return a run of another process, or of an earlier kernel, as its server tells it.

        ``about`` is what `RpcAgentClient.runs` told of it, ``events`` what `run_events` did. It may not be
        over yet: `Replay.take` takes in what happens further.
        """
        from ._replay import Replay

        return Replay(about, events)

    @property
    def over(self) -> bool:
        """Has it ended?"""
        return self._end is not None

    @property
    def messages(self) -> list[Msg]:
        """The replies that have arrived, in the order of the card."""
        with self._lock:
            replies = (each for each in self._entries if isinstance(each, Record) and each.is_reply)
            return [message for reply in replies for message in reply.messages()]

    @property
    def elapsed(self) -> float:
        """Seconds from its beginning to its end, or to now."""
        return (self._end if self._end is not None else time.monotonic()) - self._start

    @property
    def began(self) -> float:
        """When it began, in seconds of `time.monotonic`."""
        return self._start

    @property
    def timeline(self) -> tuple[LaneView, ...]:
        """Who was busy when, in seconds since its beginning."""
        with self._lock:
            now = self._start + self.elapsed
            return lanes(self._records.values(), self.color_of, self._start, now, self._letters)

    @property
    def tokens(self) -> int | None:
        """What its models have read and written so far, where they have told."""
        with self._lock:
            return sum(record.tokens or 0 for record in self._records.values()) or None

    @property
    def cost(self) -> float | None:
        """What it has cost so far, in dollars; None if the price of one of its models is not known."""
        with self._lock:
            return whole_cost(self._records.values())

    @property
    def costs(self) -> dict[str, tuple[int, float | None]]:
        """What each agent has used so far: tokens, and dollars, or None where a price is not known."""
        with self._lock:
            return cost_by_agent(self._records.values())

    def view(self, live: bool = False) -> RunView:
        """Return it as it is now, ready to be shown; ``live`` shows unfinished texts as they grow."""
        with self._lock:
            now = self._end if self._end is not None else time.monotonic()
            known = list(self._records.values())
            rows: list[RowView | SectionView] = []
            for entry in self._entries:
                if isinstance(entry, Record):
                    rows += record_rows(entry, known, self.color_of, now, live=live, why=self._why)
                else:
                    rows.append(entry)
            return RunView(
                f"run {self.number} · {self.title}" if self.title else f"run {self.number}",
                self.state,
                now - self._start,
                tuple(rows),
                self.prompt,
                self.chips,
                self.notes,
                lanes(known, self.color_of, self._start, now, self._letters),
                wall=now - self._start,
                tokens=sum(record.tokens or 0 for record in known) or None,
                cost=cost_shown(known),
                outcome=self.outcome,
                error=self.error,
                began=None if self.over else self.began,
            )

    def traceback(self) -> str:
        """Return the full tracebacks of what failed, those of other processes included."""
        with self._lock:
            return redact("\n\n".join(text for _, text in self._traces))

    def to_markdown(self) -> str:
        """Return the conversation as Markdown: who said what, and how long it took."""
        return markdown_of(self.view())

    def to_df(self) -> Any:
        """Return its messages as a data frame of pandas, which must be there."""
        return frame_of(self.view())

    def __repr__(self) -> str:
        return f"<run {self.number} · {self.title} · {self.state} · {len(self.messages)} messages>"


def recent_runs() -> list[Run]:
    """Return the last runs of this process, the oldest first."""
    return list(_recent)
