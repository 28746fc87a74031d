"""`ManyCalls`: the same call to many agents of one server, as one frame, and the reply of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from .. import events
from .._ids import next_call_id
from ..agents import Call, scheduler
from ..exceptions import NbAgentsError, ProtocolError
from ._codec import decode
from ._envelope import envelope
from ._faults import decode_error
from ._link import AgentLink
from ._lost import for_call
from ._proto import agent_pb2 as pb
from ._references import ArgumentFailedError, References

if TYPE_CHECKING:
    from ._attachment import Attachment
    from ._results import Results

__all__ = ["ALL", "Many", "ManyCalls", "ManyLink", "Part", "meant"]

ALL = ".*"
"""What follows the id of a call to many where all of them are meant."""


class Many(Protocol):
    """Who waits for the replies of many agents, each known by a number."""

    def payload(self, references: References) -> pb.Payload:
        """Return the arguments as they travel."""

    def arrived(self, index: int, payload: pb.Payload) -> None:
        """The reply of that number is there."""

    def failed(self, index: int, error: BaseException) -> None:
        """There will be none."""

    def label(self, index: int) -> str:
        """Name the agent, for error texts."""


class Part(Call):
    """The part of a question to many that one frame carries to some agents of one server.

    ``keys`` are their ids, ``first`` is the number of the first of them. It is settled when the last reply is
    there, or with an error that holds for all that have none.
    """

    def __init__(self, whole: Call, link: ManyLink, keys: Sequence[str], first: int, many: Many | None):
        super().__init__(
            whole.scheduler,
            None,
            None,
            whole.args,
            {},
            kind=whole.kind,
            parent=whole,
            path=whole.path,
            client=whole.client,
            method="_observe" if many is None else "_reply",
            call_id=next_call_id(),
            needs=whole.needs if many is None else (),
            key=f"{whole.key} {first}" if whole.key else "",
        )
        self.keys, self.first, self.many, self.left = keys, first, many, len(keys)
        self.remote, self.agent_name = link, f"{len(keys)} agents"
        # The frame's parent is who asks, not the whole, which nobody else has heard of.
        self.parent_id, self.run, self.workspace = whole.parent_id, whole.run, whole.workspace
        self.deadline, self.approve, self.read = whole.deadline, whole.approve, True

    def id_of(self, number: int) -> str:
        """Return the id of the call to one of its agents, as the server makes it."""
        return f"{self.id}.{number}" if number else self.id


class ManyLink(AgentLink):
    """The way to many agents of one server; what is sent over it are parts."""

    def _pass(self, there: Attachment, call: Call) -> None:
        assert isinstance(call, Part)
        if call.many is None:
            there.send(call, call.keys[0], "", call.keys[1:])
        else:
            there.many.send(call)

    def cancel(self, call: Call) -> None:
        """Tell the server that nobody wants the replies any more."""
        if self._there is not None and isinstance(call, Part) and call.many is not None:
            self._there.many.cancel(call)
        else:
            super().cancel(call)

    async def chase(
        self, call_id: str, trail: list[dict[str, object]], round_: str
    ) -> dict[str, object] | None:
        """Ask the server which ring of waiting calls one of these closes, if one does."""
        return await super().chase(call_id + ALL, trail, round_)


class ManyCalls:
    """The calls of this kind that one attachment has under way. On the loop only."""

    def __init__(self, attachment: Attachment, references: References) -> None:
        self._attachment, self._references = attachment, references
        self._waiting: dict[str, tuple[Part, int]] = {}
        self._parts: dict[str, Part] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def whole(self, call_id: str) -> Call | None:
        """Return the question that a call of that id is part of, if it is one of these."""
        known = self._waiting.get(call_id)
        return known[0].parent if known is not None else None

    def of_run(self, run: str) -> Call | None:
        """Return a question of a run that was made here, if there is one."""
        return next((part.parent for part in self._parts.values() if part.run == run), None)

    def send(self, part: Part) -> None:
        """Call the agents of a part. Never raises or waits."""
        many = part.many
        assert many is not None
        try:
            self._attachment.check()
            frame = envelope(part, part.keys[0], "", part.keys[1:])
            frame.call.arguments.CopyFrom(many.payload(self._references))
        except ArgumentFailedError as argument:
            if isinstance(argument.promise, Call):
                argument.promise.read = True  # it is carried on by this question
            scheduler().settle(part, None, argument.error)
            return
        except NbAgentsError as error:
            scheduler().settle(part, None, error)
            return
        if part.run:
            self._attachment.tell_of(part.run)
        self._parts[part.id] = part
        told = events.wanted(part)
        for number in range(len(part.keys)):
            self._waiting[part.id_of(number)] = (part, number)
            if told:
                _tell(part, number, "queued", {"method": part.method, "waits_for": ()})
        self._attachment.put(frame)

    def cancel(self, part: Part) -> None:
        """Tell the server, in one frame, that nobody wants what a part still waits for."""
        if self._parts.pop(part.id, None) is None:
            return
        error = self._attachment.error
        for number in range(len(part.keys)):
            if self._waiting.pop(part.id_of(number), None) is not None and error is None:
                self._attachment.strays.expect()
        if error is None:
            self._attachment.put(pb.Frame(cancel=pb.Cancel(call=part.id + ALL, why="cancelled")))

    def update(self, update: pb.Update) -> bool:
        """A call has ended; False, and nothing happens, if it is none of these."""
        waiting = self._waiting.pop(update.call, None)
        if waiting is None:
            return False
        part, number = waiting
        many, index, told = part.many, part.first + number, events.wanted(part)
        assert many is not None
        if update.WhichOneof("outcome") == "done":
            many.arrived(index, update.done)
            if told:
                _tell_reply(part, number, update.done)
        else:
            error = decode_error(update.error, many.label(index))
            many.failed(index, error)
            if told:
                _tell(part, number, "failed", {"error": error})
        part.left -= 1
        if part.left == 0:
            del self._parts[part.id]
            scheduler().settle(part)
        return True

    def end(self, error: NbAgentsError, unread: set[str]) -> None:
        """There will be no more replies; ``unread`` are the calls that another server may take instead."""
        parts, self._parts, self._waiting = list(self._parts.values()), {}, {}
        for part in parts:
            remote = part.remote
            if not (part.id in unread and remote is not None and remote.lost(part, begun=False)):
                scheduler().settle(part, None, for_call(error, part))


def meant(call_id: str, results: Results) -> list[Call]:
    """Return the call of that id, if it is known; of an id and `ALL`, what is unfinished of that frame."""
    if not call_id.endswith(ALL):
        call = results.find(call_id)
        return [] if call is None else [call]
    first, live = call_id.removesuffix(ALL), scheduler().live
    found = [call for other, call in live.items() if other.startswith(f"{first}.")]
    return [live[first], *found] if first in live else found


def _tell(part: Part, number: int, kind: str, data: dict[str, object]) -> None:
    assert part.many is not None
    name = part.many.label(part.first + number)
    told = events.Event(kind, part.id_of(number), name, part.run, part.parent_id, data, source=part.parent)
    events.publish(told)


def _tell_reply(part: Part, number: int, payload: pb.Payload) -> None:
    try:
        message = decode(payload)
    except ProtocolError as error:
        _tell(part, number, "failed", {"error": error})
    else:
        _tell(part, number, "done", {"message": message})
