"""`Desk`: where one session hands in its typed messages, and gets those that are for it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ...exceptions import NbAgentsError, OverloadedError, ProtocolError
from .._faults import encode_error
from .._printable import printable
from .._proto import agent_pb2 as pb

if TYPE_CHECKING:
    from ._host import TopicHost

__all__ = ["MOST_GIVEN", "Asked", "Desk", "Outlet", "label_of"]

MOST_EVENTS = 4096
"""Topics' messages that a worker has and has not handled; the publishers of more wait."""
MOST_GIVEN = 65_536
"""Messages in all that a worker has and has not answered; more are refused."""
MOST_WAITING, MOST_WAITING_BYTES = 16_384, 64 * 2**20
"""Topics' messages of one session that wait for slow workers, and their bytes; more are refused."""


class Outlet(Protocol):
    """Where what is for a session goes."""

    def put(self, frame: pb.Frame) -> None:
        """Send a frame, in order."""

    @property
    def full(self) -> bool:
        """Does the session leave too much unread?"""

    async def room(self) -> None:
        """Wait until it has read more."""


@dataclass(slots=True, eq=False)
class Asked:
    """A message that was given to a worker or an agent, and has no outcome."""

    origin: Desk | None
    """Whoever waits for the outcome; None if nobody does, as for a topic's messages."""
    number: int
    """The number that it has in the origin's session."""
    whom: str
    """Whom it is for: an agent, or a topic's type."""
    stream: bool = False
    withdraw: Callable[[str], object] | None = None
    """Tells whoever has it that nobody waits any more."""

    @property
    def label(self) -> str:
        """Whom it is for, for error texts."""
        return label_of(self.whom)


def label_of(whom: str) -> str:
    """Return whom a message is for, for error texts."""
    return printable(whom, 120)


class Desk:
    """One session's place at a host. On the loop only."""

    def __init__(self, host: TopicHost, name: str, writer: Outlet) -> None:
        self._host, self.name, self.writer = host, name, writer
        self.asked: dict[int, Asked] = {}
        """Its own messages that have no outcome, by its own numbers."""
        self.given: dict[int, Asked] = {}
        """What it has been given and has not answered, by the host's numbers."""
        self.waiting: deque[tuple[pb.Frame, float]] = deque()
        """Its messages to topics that wait for slow workers, in their order, and when each has come."""
        self.waiting_bytes = 0
        self.draining: asyncio.Task[None] | None = None
        self.events = 0
        """How many of those that it was given are of topics."""
        self.pid = 0
        """The process of this machine whose session it is; 0 if that is not known."""
        self.closed = False
        self._room = asyncio.Event()

    def __len__(self) -> int:
        return len(self.asked) + len(self.given)

    def topics(self) -> Iterator[Asked]:
        """Return what of topics' messages it has been given and has not handled."""
        return (asked for asked in self.given.values() if asked.origin is None)

    # ---- what comes

    def handle(self, kind: str, frame: pb.Frame) -> None:
        """Take a frame of the session.

        Raises:
            ProtocolError: it is malformed, or answers what was not asked.
        """
        if kind == "post":
            post = frame.post
            if not post.id or post.id in self.asked or post.recipients:
                raise ProtocolError(
                    "a message's number is missing or taken, or it names its recipients itself"
                )
            where = post.WhichOneof("to")
            if where == "agent":
                self._host.send(self, frame)
            elif where == "topic":
                self._host.publish(self, frame)
            else:
                raise ProtocolError("a message is for an agent or a topic")
        elif kind == "outcome":
            self._outcome(frame)
        else:
            asked = self.asked.get(frame.withdraw.id)
            if asked is None:  # it waits, or their ways have crossed
                self._drop(frame.withdraw.id)
            elif asked.withdraw is not None:
                asked.withdraw(frame.withdraw.why[:200])

    def wait(self, frame: pb.Frame) -> None:
        """Let a message to a topic wait for slow workers.

        Raises:
            OverloadedError: too many wait already.
        """
        if len(self.waiting) >= MOST_WAITING or self.waiting_bytes >= MOST_WAITING_BYTES:
            text = f"{len(self.waiting):,} messages of this worker wait for slow ones already"
            raise OverloadedError(text, hint="publish more slowly")
        self.waiting.append((frame, time.monotonic()))
        self.waiting_bytes += frame.ByteSize()

    def served(self, frame: pb.Frame) -> None:
        """The message that has waited longest waits no more, if it is this one."""
        if self.waiting and self.waiting[0][0] is frame:
            self.waiting.popleft()
            self.waiting_bytes -= frame.ByteSize()

    def _drop(self, number: int) -> None:
        """Let a message wait no more that its publisher has given up."""
        for one in self.waiting:
            if one[0].post.id == number:
                self.waiting.remove(one)
                self.waiting_bytes -= one[0].ByteSize()
                self.accept(number)
                return

    def _outcome(self, frame: pb.Frame) -> None:
        outcome = frame.outcome
        asked = self.given.get(outcome.id)
        if asked is None:
            raise ProtocolError(f"message {outcome.id} was answered, which this session has not been given")
        if outcome.WhichOneof("outcome") == "chunk":
            self._chunk(asked, frame)
            return
        del self.given[outcome.id]
        self._room.set()
        if asked.origin is None:
            self.events -= 1
        else:
            asked.origin.answer(asked, frame)

    def _chunk(self, asked: Asked, frame: pb.Frame) -> None:
        origin = asked.origin
        if origin is None or not asked.stream or origin.asked.get(asked.number) is not asked:
            return  # nobody waits for it
        if origin.writer.full:
            self._host.slow(asked)
            return
        frame.outcome.id, frame.ack = asked.number, 0
        origin.writer.put(frame)

    # ---- what goes

    def give(self, number: int, asked: Asked, frame: pb.Frame) -> None:
        """Give the session a message under this number."""
        frame.post.id, frame.ack = number, 0  # which were those of whoever sent it
        self.given[number] = asked
        if asked.origin is None:
            self.events += 1
        self.writer.put(frame)

    def withdraw(self, number: int, why: str) -> None:
        """Tell the session that nobody waits for what it was given."""
        if number in self.given:
            self.writer.put(pb.Frame(withdraw=pb.Withdraw(id=number, why=why)))

    def answer(self, asked: Asked, frame: pb.Frame) -> None:
        """Tell the session how its message ended; nothing if it knows already."""
        if self.asked.get(asked.number) is asked:
            del self.asked[asked.number]
            frame.outcome.id, frame.ack = asked.number, 0
            self._put(frame)

    def refuse(self, number: int, error: NbAgentsError) -> None:
        """Tell the session that its message could not be given to anybody."""
        self._put(pb.Frame(outcome=pb.Outcome(id=number, error=encode_error(error))))

    def accept(self, number: int) -> None:
        """Tell the session that its message to a topic was taken."""
        frame = pb.Frame()
        frame.outcome.id = number
        frame.outcome.done.SetInParent()
        self._put(frame)

    def _put(self, frame: pb.Frame) -> None:
        if not self.closed:
            self.writer.put(frame)

    # ---- room

    @property
    def full(self) -> bool:
        """Has it so much that it does not handle that no more should be given to it?"""
        return self.events >= MOST_EVENTS or len(self.given) >= MOST_GIVEN or self.writer.full

    async def room(self) -> None:
        """Wait until it may be given more."""
        while self.full and not self.closed:
            if self.writer.full:
                await self.writer.room()
            else:
                self._room.clear()
                await self._room.wait()

    def close(self) -> None:
        """The session is over."""
        self.closed = True
        self._room.set()
        self.waiting.clear()
        if self.draining is not None:
            self.draining.cancel()
