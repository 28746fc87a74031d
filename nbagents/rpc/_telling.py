"""`Telling`: what happens in calls, told to one client as it happens, unless it reads too slowly."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from ..agents import Call, scheduler
from ..events import Event
from ..exceptions import NbAgentsError
from ._codec import encode
from ._deltas import Deltas
from ._faults import encode_error
from ._frames import FrameWriter
from ._limits import MAX_UNREAD
from ._proto import agent_pb2 as pb

if TYPE_CHECKING:
    from ._recorded import Entry, RecordedRun

__all__ = ["Telling"]

log = logging.getLogger(__name__)
SHOWN = frozenset({"printed", "spoke", "question", "answered"})
"""The events that the caller itself shows, or acts upon; others are for those who listen."""
ENDS = frozenset({"queued", "done", "failed"})
ASKED = frozenset({"question", "answered"})
ALWAYS = ENDS | ASKED | {"note", "ended"}
"""What a client that watches a run is told however slowly it reads."""


class Telling:
    """Tells one client of its own calls, of ``calls`` all that happens, and of the runs that it watches.

    On the loop only, but for `hear`.
    """

    def __init__(self, writer: FrameWriter, calls: set[str]) -> None:
        self._writer, self._calls = writer, calls
        self._deltas: Deltas[Event] = Deltas(self._tell_joined)
        self.unheard = 0
        """Events that it was not told of since it was last told that it missed some."""
        self.closed = False

    def close(self) -> None:
        """The client is gone: tell it nothing more."""
        self.closed = True
        self._deltas.close()

    def hear(self, event: Event) -> None:
        """Take an event of a call of this client or below it, on any thread."""
        if not self.closed and (self._calls or event.kind in SHOWN):
            scheduler().post(self._tell, event)

    def _tell(self, event: Event) -> None:
        if event.kind == "delta":
            self._deltas.take(event.call, event, str(event.data.get("text", "")))
            return
        self._deltas.flush()
        self._tell_of(event)

    def _tell_joined(self, event: Event, text: str, count: int) -> None:
        self._tell_of(event if count == 1 else replace(event, data={"text": text}), count)

    def _tell_of(self, event: Event, count: int = 1) -> None:
        if self.closed:
            return
        root = event.source
        while root.parent is not None:
            root = root.parent
        if root.id not in self._calls and event.kind not in SHOWN:
            return
        if root is event.source and event.kind in ENDS:
            return  # the client knows: it made the call, and gets its end as an update
        most = MAX_UNREAD // 2 if self.unheard else MAX_UNREAD  # so that a gap is one, before its mark
        slow = self._writer.backlog > most
        if self._writer.full or (slow and event.kind not in ENDS | ASKED):
            self.unheard += count  # whoever reads that slowly still gets each message whole
            return
        if self.unheard and not slow:
            self._tell_missed(root)
        self._put(event, root)

    def ended(self, call: Call) -> None:
        """Say what has streamed, and what was missed, of a call of this client before its end is told."""
        self._deltas.flush()
        if self.unheard and not self.closed:
            self._tell_missed(call)

    def _tell_missed(self, root: Call) -> None:
        missed, self.unheard = self.unheard, 0
        self._put(Event("missed", root.id, root.agent_name, root.run, data={"count": missed}), root)

    def _put(self, event: Event, root: Call) -> None:
        frame = pb.Event(
            kind=event.kind,
            call=event.call,
            agent=event.agent,
            run=event.run,
            parent=event.parent,
            root=root.id,
        )
        data = dict(event.data)
        error = data.pop("error", None)
        if isinstance(error, BaseException):
            frame.error.CopyFrom(encode_error(error))
        try:
            frame.data.CopyFrom(encode(data))
        except NbAgentsError as unfit:
            log.warning("an event of kind %s cannot travel and was left out: %s", event.kind, unfit)
            return
        self._writer.put(pb.Frame(event=frame), urgent=event.kind in ASKED)

    def watched(self, run: RecordedRun, entry: Entry) -> None:
        """Tell what has happened in a run that this client watches."""
        if self.closed:
            return
        slow = self._writer.backlog > MAX_UNREAD
        if self._writer.full or (slow and entry.kind not in ALWAYS):
            return  # the message, when it comes, has it all
        frame = pb.Event(kind=entry.kind, run=run.id, data=pb.Payload(data=entry.text().encode()))
        self._writer.put(pb.Frame(event=frame), urgent=False)
