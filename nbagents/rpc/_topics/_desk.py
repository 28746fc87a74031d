"""`Desk`: where one session hands in its typed messages, and gets those that are for it."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ...exceptions import NbAgentsError, OverloadedError, ProtocolError
from .._faults import encode_error
from .._printable import printable
from .._proto import agent_pb2 as pb

if TYPE_CHECKING:
    from ._host import TopicHost

__all__ = ["MOST_GIVEN", "Asked", "Desk", "Outlet", "Topic", "label_of"]

MOST_EVENTS = 4096
"""Messages of one topic that a worker has and has not handled; the publishers of more wait."""
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


Topic = tuple[str, str]
"""The type and the source of one topic."""


@dataclass(slots=True, eq=False)
class Waiting:
    """A message to a topic that waits for slow workers."""

    frame: pb.Frame
    order: int
    """Tells which of a session's messages came first."""
    came: float
    size: int
    """Its bytes, as it came."""


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
    topic: Topic | None = None
    """The topic that it is of; None for a direct message."""
    more: Callable[[int], object] | None = None
    """Tells whoever has it how many bytes of its stream were read."""

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
        self.waiting: dict[Topic, deque[Waiting]] = {}
        """Its messages to topics that wait for slow workers, by their topics, each in their order."""
        self.waits = asyncio.Event()
        """Set when there is one more."""
        self._orders = itertools.count()
        self._waiting_count = self._waiting_bytes = 0
        self.draining: asyncio.Task[None] | None = None
        self.events: dict[Topic, int] = {}
        """How many of those that it was given are of which topic."""
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
        elif kind == "more":
            asked = self.asked.get(frame.more.id)
            if asked is not None and asked.more is not None:
                asked.more(frame.more.bytes)
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
        if self._waiting_count >= MOST_WAITING or self._waiting_bytes >= MOST_WAITING_BYTES:
            text = f"{self._waiting_count:,} messages of this worker wait for slow ones already"
            raise OverloadedError(text, hint="publish more slowly")
        topic, size = (frame.post.topic.type, frame.post.topic.source), frame.ByteSize()
        one = Waiting(frame, next(self._orders), time.monotonic(), size)
        self.waiting.setdefault(topic, deque()).append(one)
        self._waiting_count += 1
        self._waiting_bytes += size
        self.waits.set()

    def served(self, topic: Topic, one: Waiting) -> None:
        """A message waits no more."""
        queue = self.waiting[topic]
        queue.remove(one)
        if not queue:
            del self.waiting[topic]
        self._waiting_count -= 1
        self._waiting_bytes -= one.size

    def held(self) -> Counter[str]:
        """Return how many of its messages wait, by the types of their topics."""
        held: Counter[str] = Counter()
        for (kind, _), queue in self.waiting.items():
            held[kind] += len(queue)
        return held

    def _drop(self, number: int) -> None:
        """Let a message wait no more that its publisher has given up."""
        for topic, queue in self.waiting.items():
            for one in queue:
                if one.frame.post.id == number:
                    self.served(topic, one)
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
        if asked.topic is not None:
            self.events[asked.topic] -= 1
            if not self.events[asked.topic]:
                del self.events[asked.topic]
        elif asked.origin is not None:
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
        if asked.topic is not None:
            self.events[asked.topic] = self.events.get(asked.topic, 0) + 1
        self.writer.put(frame)

    def withdraw(self, number: int, why: str) -> None:
        """Tell the session that nobody waits for what it was given."""
        if number in self.given:
            self.writer.put(pb.Frame(withdraw=pb.Withdraw(id=number, why=why)))

    def more(self, number: int, size: int) -> None:
        """Tell the session that so many bytes of what it streams were read."""
        if number in self.given:
            self.writer.put(pb.Frame(more=pb.More(id=number, bytes=size)))

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

    def full(self, topic: Topic) -> bool:
        """Has it so much that it does not handle that no more of a topic should be given to it?"""
        return self.events.get(topic, 0) >= MOST_EVENTS or len(self.given) >= MOST_GIVEN or self.writer.full

    async def room(self) -> None:
        """Wait until it has handled a message, or read so much that it may be given more."""
        if self.writer.full:
            await self.writer.room()
        elif not self.closed:
            self._room.clear()
            await self._room.wait()

    def close(self) -> None:
        """The session is over."""
        self.closed = True
        self._room.set()
        self.waiting.clear()
        if self.draining is not None:
            self.draining.cancel()
