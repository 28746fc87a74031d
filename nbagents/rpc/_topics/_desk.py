"""`Desk`: where one session hands in its typed messages, and gets those that are for it."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter, deque
from collections.abc import Callable
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

    def put(self, frame: pb.Frame) -> object:
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
    topic: Topic
    number: int
    """The one that its publisher gave it."""
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
    kind: str
    key: str
    """Of the agent that it is for; or the type and the source of its topic."""
    target: Desk | None = None
    """The worker that has it; None for an agent of the host itself."""
    given: int = 0
    """The number that it has in the target's session."""
    stream: bool = False
    topic: Topic | None = None
    """The topic that it is of; None for a direct message."""
    end: Callable[[str], object] | None = None
    """Tells an agent of the host that nobody waits any more."""

    @property
    def label(self) -> str:
        """Whom it is for, for error texts."""
        return label_of(f"{self.kind}/{self.key}")

    def withdraw(self, why: str) -> None:
        """Tell whoever has it that nobody waits any more."""
        if self.target is not None:
            self.target.withdraw(self.given, why)
        elif self.end is not None:
            self.end(why)


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
        self.ahead: dict[str, set[str]] = {}
        """By the sources of topics, the types of the agents that those are for, maybe some more."""
        self.waits = asyncio.Event()
        """Set when there is one more, or who gets them has changed."""
        self._orders = itertools.count()
        self._by_number: dict[int, Waiting] = {}
        self._waiting_bytes = 0
        self.draining: asyncio.Task[None] | None = None
        self.events: dict[Topic, int] = {}
        """How many of those that it was given are of which topic."""
        self.pid = 0
        """The process of this machine whose session it is; 0 if that is not known."""
        self.closed = False
        self._wanting_room: list[asyncio.Future[None]] = []

    def __len__(self) -> int:
        return len(self.asked) + len(self.given)

    def topics(self) -> Counter[str]:
        """Return how many topics' messages it has been given and has not handled, by the topics' types."""
        given: Counter[str] = Counter()
        for (kind, _), count in self.events.items():
            given[kind] += count
        return given

    # ---- what comes

    def handle(self, kind: str, frame: pb.Frame) -> None:
        """Take a frame of the session.

        Raises:
            ProtocolError: it is malformed, or answers what was not asked.
        """
        if kind == "post":
            post, number = frame.post, frame.post.id
            if not number or number in self.asked or number in self._by_number or post.recipients:
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
            if asked is not None and asked.stream and asked.target is not None:
                asked.target.more(asked.given, frame.more.bytes)
        else:
            asked = self.asked.get(frame.withdraw.id)
            if asked is None:  # it waits, or their ways have crossed
                self._drop(frame.withdraw.id)
            else:
                asked.withdraw(frame.withdraw.why[:200])

    def wait(self, frame: pb.Frame) -> None:
        """Let a message to a topic wait for slow workers.

        Raises:
            OverloadedError: too many wait already.
        """
        if len(self._by_number) >= MOST_WAITING or self._waiting_bytes >= MOST_WAITING_BYTES:
            text = f"{len(self._by_number):,} messages of this worker wait for slow ones already"
            raise OverloadedError(text, hint="publish more slowly")
        post, size = frame.post, frame.ByteSize()
        topic, number = (post.topic.type, post.topic.source), post.id
        one = Waiting(frame, topic, number, next(self._orders), time.monotonic(), size)
        self.waiting.setdefault(topic, deque()).append(one)
        self._by_number[number] = one
        self._waiting_bytes += size
        self.waits.set()

    def served(self, one: Waiting) -> None:
        """A message waits no more."""
        queue = self.waiting[one.topic]
        queue.remove(one)
        if not queue:
            del self.waiting[one.topic]
        del self._by_number[one.number]
        self._waiting_bytes -= one.size

    def held(self) -> Counter[str]:
        """Return how many of its messages wait, by the types of their topics."""
        held: Counter[str] = Counter()
        for (kind, _), queue in self.waiting.items():
            held[kind] += len(queue)
        return held

    def _drop(self, number: int) -> None:
        """Let a message wait no more that its publisher has given up."""
        one = self._by_number.get(number)
        if one is not None:
            self.served(one)
            self.accept(number)

    def _outcome(self, frame: pb.Frame) -> None:
        outcome, number = frame.outcome, frame.outcome.id
        asked = self.given.get(number)
        if asked is None:
            raise ProtocolError(f"message {number} was answered, which this session has not been given")
        if outcome.HasField("chunk"):
            self._chunk(asked, frame)
            return
        del self.given[number]
        if self._wanting_room:
            self.freed()
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

    def room(self) -> asyncio.Future[None]:
        """Return what is done when it has handled a message, or read so much that it may be given more.

        It counts from this very call, not from when it is awaited.
        """
        if self.writer.full:
            return asyncio.ensure_future(self.writer.room())
        room: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._wanting_room.append(room)
        room.add_done_callback(self._got_room)
        return room

    def _got_room(self, room: asyncio.Future[None]) -> None:
        if room in self._wanting_room:  # nobody waits for it any more
            self._wanting_room.remove(room)

    def freed(self) -> None:
        """It may be given more, or serves less: whoever waits for its room looks again."""
        rooms, self._wanting_room = self._wanting_room, []
        for room in rooms:
            if not room.done():
                room.set_result(None)

    def close(self) -> None:
        """The session is over."""
        self.closed = True
        self.freed()
        self.waiting.clear()
        self._by_number.clear()
        if self.draining is not None:
            self.draining.cancel()
