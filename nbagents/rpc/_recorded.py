"""`RecordedRun`: what a server keeps of one run: its events, within limits, and how it goes.

What streams of a call is kept as one text, and dropped once its message has come.
"""

from __future__ import annotations

import json
import logging
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..events import PRINTED, REPLIES
from ..exceptions import CallCancelledError, NbAgentsError
from ._codec import to_json
from ._deltas import Deltas
from ._faults import encode_error
from ._limits import MAX_KEPT_BYTES, MAX_RUN_BYTES, MAX_RUN_EVENTS, MAX_RUN_PARTS

if TYPE_CHECKING:
    from ._session import Session

__all__ = ["Entry", "RecordedRun", "written"]

log = logging.getLogger(__name__)
AROUND = 120
"""Bytes of an entry besides its data, about."""


@dataclass(slots=True)
class Entry:
    """One event as it is kept; ``data`` is JSON."""

    seq: int
    at: float
    kind: str
    call: str
    agent: str
    parent: str
    data: str

    def text(self) -> str:
        """Return it as a JSON object."""
        about = {
            "seq": self.seq,
            "kind": self.kind,
            "call": self.call,
            "agent": self.agent,
            "parent": self.parent,
            "at": round(self.at, 4),
        }
        return f'{json.dumps(about)[:-1]}, "data": {self.data}}}'

    def size(self) -> int:
        """Return how many bytes it takes, about."""
        return len(self.data) + AROUND

    def parts(self) -> int:
        """Return how many lists and dictionaries it holds, or more."""
        return 1 + self.data.count("{") + self.data.count("[")


class _Stream:
    """What has streamed of a call that is not over."""

    __slots__ = ("agent", "at", "parent", "pieces", "seq", "size")

    def __init__(self, at: float, agent: str, parent: str) -> None:
        self.at, self.agent, self.parent = at, agent, parent
        self.seq = self.size = 0
        self.pieces: list[str] = []


class RecordedRun:
    """One run. On the loop only, but for `id`."""

    def __init__(
        self,
        run_id: str,
        number: int,
        owner: Session | None,
        *,
        title: str = "",
        prompt: str = "",
        workspace: str = "",
        held: bool = False,
    ) -> None:
        self.id, self.number, self.owner = run_id, number, owner
        self.title, self.prompt, self.workspace, self.held = title, prompt, workspace, held
        self.state, self.outcome, self.note = "running", "", ""
        self.why = ""
        """Why it was stopped from outside; it takes no further calls then."""
        self.alone = False
        """Had the session that began it gone when it ended?"""
        self.kept = False
        """Does the server's journal keep it?"""
        self.messages = 0
        self.size = self.missed = 0
        self.watchers: set[Session] = set()
        """Who is told what happens."""
        self.open: dict[str, tuple[str, bool]] = {}
        """Its calls that are not over: their methods, and whether no other of its calls has made them."""
        self._started, self._start = time.time(), time.monotonic()
        self._end: float | None = None
        self._ends: set[str] = set()
        self._entries: deque[Entry] = deque()
        self._streams: dict[str, _Stream] = {}
        self._deltas: Deltas[Entry] = Deltas(self._tell_joined)
        self._printed: dict[str, int] = {}
        self._seq = self._parts = 0

    # ---- how it goes

    @property
    def over(self) -> bool:
        """Has it ended?"""
        return self._end is not None

    @property
    def active(self) -> bool:
        """Can anything still happen in it?"""
        return self._end is None or bool(self.open)

    def about(self) -> dict[str, Any]:
        """Return what is told of it in a list of runs."""
        end = self._end if self._end is not None else time.monotonic()
        return {
            "run": self.id,
            "number": self.number,
            "title": self.title,
            "prompt": self.prompt,
            "workspace": self.workspace,
            "state": self.state,
            "outcome": self.outcome,
            "started": self._started,
            "elapsed": max(end - self._start, 0.0),
            "messages": self.messages,
            "open": len(self.open),
            "here": self.owner is not None,
            "alone": self.alone,
            "note": self.note,
        }

    def end(self, state: str, outcome: str = "") -> None:
        """Note how it ended; the first word counts, but for an outcome that is added to it."""
        if self._end is None:
            self._end, self.state, self.outcome = time.monotonic(), state, outcome
            self.alone = self.owner is None
        elif outcome and not self.outcome and state == self.state:
            self.outcome = outcome
        else:
            return
        self.add("ended", data=json.dumps({"state": self.state, "outcome": self.outcome}))

    def ended_alone(self) -> None:
        """Note how it ended as its calls tell: nobody else will."""
        self.end("failed" if "failed" in self._ends else "stopped" if "stopped" in self._ends else "done")

    # ---- what happens

    def hear(
        self,
        kind: str,
        call: str,
        agent: str,
        parent: str,
        data: Mapping[str, Any],
        at: float,
        text: str | None = None,
    ) -> None:
        """Take in one event of a call of it, whose data may be at hand as JSON."""
        at = max(at - self._start, 0.0)
        match kind:
            case "queued" if call in self.open:
                return  # a client has told of it too
            case "queued":
                outermost = parent not in self.open
                self.open[call] = (str(data.get("method", "")), outermost)
            case "delta":
                if call not in self.open:
                    return
                self._stream(call, agent, parent, str(data.get("text", "")), at)
                return
            case "printed":
                printed = self._fitting(call, str(data.get("text", "")))
                if not printed:
                    return
                data, text = {"text": printed}, None
            case "spoke":
                self._streams.pop(call, None)  # the message has it all
            case "done" | "failed":
                self._over(kind, call, data)
        kept = written(kind, data) if text is None else text
        if kept is not None:
            self.add(kind, call, agent, parent, data=kept, at=at)

    def _over(self, kind: str, call: str, data: Mapping[str, Any]) -> None:
        method, outermost = self.open.pop(call, ("", False))
        self._printed.pop(call, None)
        streamed = self._streams.pop(call, None)
        if kind == "done":
            self.messages += method in REPLIES
        elif streamed is not None:  # nothing else tells what it has said
            self._keep(self._streamed(call, streamed))
        if outermost:
            error = data.get("error")
            stopped = isinstance(error, CallCancelledError) or (
                isinstance(error, dict) and error.get("type") in ("CallCancelledError", "CallStoppedError")
            )
            self._ends.add("done" if kind == "done" else "stopped" if stopped else "failed")

    def _stream(self, call: str, agent: str, parent: str, text: str, at: float) -> None:
        known = self._streams.get(call)
        if known is None:
            known = self._streams[call] = _Stream(at, agent, parent)
        self._seq += 1
        known.seq = self._seq
        if known.size <= MAX_RUN_BYTES // 8:
            known.pieces.append(text)
            known.size += len(text)
        if self.watchers:
            self._deltas.take(call, Entry(self._seq, at, "delta", call, agent, parent, ""), text)

    def _streamed(self, call: str, stream: _Stream) -> Entry:
        if len(stream.pieces) > 1:
            stream.pieces = ["".join(stream.pieces)]
        data = json.dumps({"text": stream.pieces[0]})
        return Entry(stream.seq, stream.at, "delta", call, stream.agent, stream.parent, data)

    def _fitting(self, call: str, text: str) -> str:
        before = self._printed.get(call, 0)
        if before > PRINTED:
            return ""
        self._printed[call] = before + len(text) + 100  # many short ones take room too
        room = max(PRINTED - before, 0)
        return text if len(text) <= room else text[:room] + "\n… the rest is not kept"

    def add(
        self,
        kind: str,
        call: str = "",
        agent: str = "",
        parent: str = "",
        *,
        data: str = "{}",
        at: float | None = None,
    ) -> None:
        """Keep an event whose data is JSON, and tell it to those who watch."""
        self._seq += 1
        at = time.monotonic() - self._start if at is None else at
        entry = Entry(self._seq, at, kind, call, agent, parent, data)
        self._keep(entry)
        self._tell(entry)

    def _keep(self, entry: Entry) -> None:
        entries = self._entries
        entries.append(entry)
        self.size += entry.size()
        self._parts += entry.parts()
        while len(entries) > 1 and (
            len(entries) > MAX_RUN_EVENTS or self.size > MAX_RUN_BYTES or self._parts > MAX_RUN_PARTS
        ):
            oldest = entries.popleft()
            self.size -= oldest.size()
            self._parts -= oldest.parts()
            self.missed += 1

    def _tell(self, entry: Entry) -> None:
        self._deltas.flush()
        self._tell_watchers(entry)

    def _tell_joined(self, entry: Entry, text: str, count: int) -> None:
        entry.data = json.dumps({"text": text})
        self._tell_watchers(entry)

    def _tell_watchers(self, entry: Entry) -> None:
        for session in tuple(self.watchers):
            session.telling.watched(self, entry)

    # ---- in the journal, once nothing more happens in it

    def to_journal(self) -> tuple[str, str]:
        """Return it as two texts of JSON: what is told of it, and its last events."""
        entries: deque[Entry] = deque()
        size, missed = 0, self.missed + len(self._entries)
        for entry in reversed(self._entries):
            size += entry.size()
            if size > MAX_KEPT_BYTES and entries:
                break
            entries.appendleft(entry)
            missed -= 1
        events = f"[{', '.join(entry.text() for entry in entries)}]"
        return json.dumps(self.about() | {"missed": missed}), events

    @classmethod
    def from_journal(cls, run_id: str, about: Mapping[str, Any], events: Iterable[Any]) -> RecordedRun:
        """Return a run as `to_journal` told of it.

        Raises:
            LookupError, TypeError, ValueError: it is not what that writes.
        """
        run = cls(run_id, int(about["number"]), None)
        for name in ("title", "prompt", "workspace", "state", "outcome", "note"):
            setattr(run, name, str(about[name]))
        run.messages, run.missed, run.alone = (
            int(about["messages"]),
            int(about["missed"]),
            bool(about["alone"]),
        )
        run._started, run.kept = float(about["started"]), True
        run._end = run._start + float(about["elapsed"])
        for told in events:
            kind, call, agent, parent = (str(told[name]) for name in ("kind", "call", "agent", "parent"))
            run._seq, at = int(told["seq"]), float(told["at"])
            run._keep(Entry(run._seq, at, kind, call, agent, parent, json.dumps(told["data"])))
        return run

    # ---- reading

    def entries(self) -> Iterator[Entry]:
        """Yield what is kept, in its order; first how much is not, if anything."""
        self._deltas.flush()  # what is told from here on is none of it
        if self.missed:
            yield Entry(0, 0.0, "missed", "", "", "", json.dumps({"count": self.missed}))
        streams = [self._streamed(call, stream) for call, stream in self._streams.items()]
        yield from sorted([*self._entries, *streams], key=lambda entry: entry.seq)


def written(kind: str, data: Mapping[str, Any]) -> str | None:
    """Return the data of an event as JSON, an error in it as a dictionary; None where it cannot travel."""
    tree = dict(data)
    error = tree.get("error")
    if isinstance(error, BaseException):
        told = encode_error(error)
        tree["error"] = {
            "type": told.type,
            "message": told.message,
            "traceback": told.traceback,
            "hint": told.hint,
            "builtin": told.builtin,
        }
    try:
        return to_json(tree)
    except NbAgentsError as unfit:
        log.warning("an event of kind %s cannot be kept: %s", kind, unfit)
        return "{}" if kind in ("done", "failed", "queued") else None
    except Exception as odd:  # noqa: BLE001  # a message class of the agent's own may do anything
        log.warning("an event of kind %s cannot be kept: %r", kind, odd)
        return "{}"
