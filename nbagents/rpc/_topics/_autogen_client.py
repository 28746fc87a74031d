"""`AutoGenClient`: one of AutoGen's own workers, as the host sees it: a session like any other."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import deque
from typing import TYPE_CHECKING, Any

from ...exceptions import (
    CallCancelledError,
    CallTimeoutError,
    MessageTooLargeError,
    NbAgentsError,
    NotAccessibleError,
)
from .._faults import encode_error
from .._limits import MAX_UNACKNOWLEDGED
from .._printable import printable
from .._proto import agent_pb2 as pb
from .._proto import autogen_pb2 as theirs
from ._autogen_shapes import error_text, event_of, payload_of, post_of_event, value_of

if TYPE_CHECKING:
    from ._host import TopicHost

__all__ = ["AutoGenClient"]

log = logging.getLogger(__name__)
REPLY_SECONDS = 300.0
"""How long one of these workers waits for a reply: it sets no deadline of its own."""
MAX_THEIRS = 4 * 1024 * 1024 - 1024
"""Bytes of a message that they read, by gRPC's own limit; a larger one would end their stream."""


class AutoGenClient:
    """Translates between a desk of the host and one channel. On the loop only."""

    def __init__(self, host: TopicHost, name: str) -> None:
        self._host = host
        self.desk = host.desk(name, self)
        self._numbers = itertools.count(1)
        self._requests: dict[int, tuple[str, asyncio.TimerHandle]] = {}
        """Its requests that have no response: their own ids, and the ends of their time."""
        self._direct: set[int] = set()
        """Direct messages that it was given and has not answered."""
        self._queued: deque[tuple[bytes, int]] = deque()
        self._backlog = 0
        self._more, self._less = asyncio.Event(), asyncio.Event()

    # ---- what goes to the worker; the desk puts it

    def put(self, frame: pb.Frame) -> None:
        """Queue what a frame of the host's means over there."""
        kind = frame.WhichOneof("kind")
        if kind == "post":
            self._post(frame.post)
        elif kind == "outcome":
            self._outcome(frame.outcome)
        elif kind == "withdraw" and frame.withdraw.id in self._direct:
            # Nothing can be withdrawn over there: what it answers will be passed over.
            self._refuse(frame.withdraw.id, CallCancelledError("nobody waited for the outcome any more"))

    @property
    def full(self) -> bool:
        """Does it leave too much unread?"""
        return self._backlog > MAX_UNACKNOWLEDGED

    async def room(self) -> None:
        """Wait until it has read more."""
        while self.full:
            self._less.clear()
            await self._less.wait()

    async def write(self, stream: Any) -> None:
        """Write what is queued, until cancelled. A topic's message is handled when it is written."""
        while True:
            while self._queued:
                data, event = self._queued.popleft()
                await stream.write(data)
                self._backlog -= len(data)
                self._less.set()
                if event:
                    self._answer(pb.Outcome(id=event, done=pb.Value()))
            self._more.clear()
            await self._more.wait()

    def _queue(self, message: theirs.Message, event: int = 0) -> None:
        data = message.SerializeToString()
        self._queued.append((data, event))
        self._backlog += len(data)
        self._more.set()

    def _post(self, post: pb.Post) -> None:
        number = post.id
        direct = post.WhichOneof("to") == "agent"
        if direct:
            self._direct.add(number)
        hindrance: NbAgentsError | None = None
        if len(post.body.data) > MAX_THEIRS:
            hindrance = MessageTooLargeError(
                f"a {printable(post.body.type, 60)} of {len(post.body.data) / 2**20:.1f} MiB is more than"
                f" {self.desk.name} reads, which is 4 MiB"
            )
        elif post.method:
            hindrance = NotAccessibleError(f"agents of AutoGen's own workers have no {post.method!r:.40}")
        if hindrance is not None:
            log.warning("%s", hindrance)
            # Not before the host knows that it was given.
            asyncio.get_running_loop().call_soon(self._refuse, number, hindrance)
        elif direct:
            request = theirs.RpcRequest(
                request_id=str(number), payload=payload_of(post.body), metadata=dict(post.metadata)
            )
            request.target.type, request.target.key = post.agent.type, post.agent.key
            if post.HasField("sender"):
                request.source.type, request.source.key = post.sender.type, post.sender.key
            self._queue(theirs.Message(request=request))
        else:
            self._queue(theirs.Message(event=event_of(post)), number)

    def _outcome(self, outcome: pb.Outcome) -> None:
        if outcome.WhichOneof("outcome") == "chunk":
            return
        waiting = self._requests.pop(outcome.id, None)
        if waiting is None:  # of what it has published, or too late
            if outcome.WhichOneof("outcome") == "error":
                log.warning("what %s published: %s", self.desk.name, error_text(outcome.error))
            return
        request_id, timer = waiting
        timer.cancel()
        response = theirs.RpcResponse(request_id=request_id)
        if outcome.WhichOneof("outcome") == "error":
            response.error = error_text(outcome.error)
        elif len(outcome.done.data) > MAX_THEIRS:
            response.error = "MessageTooLargeError: the reply is more than AutoGen's workers read, 4 MiB"
        else:
            response.payload.CopyFrom(payload_of(outcome.done))
        self._queue(theirs.Message(response=response))

    # ---- what comes from the worker

    def handle(self, message: theirs.Message) -> None:
        """Take a message of the worker's.

        Raises:
            ProtocolError: the host refuses its form.
        """
        kind = message.WhichOneof("message")
        if kind == "request":
            self._request(message.request)
        elif kind == "response":
            self._response(message.response)
        elif kind == "event":
            post = post_of_event(message.event)
            post.id = next(self._numbers)
            self.desk.handle("post", pb.Frame(post=post))

    def _request(self, request: theirs.RpcRequest) -> None:
        number = next(self._numbers)
        post = pb.Post(
            id=number,
            agent=pb.Agent(type=request.target.type, key=request.target.key),
            body=value_of(request.payload),
            message_id=request.request_id,
            timeout_ms=int(REPLY_SECONDS * 1000),
            metadata=dict(request.metadata),
        )
        if request.HasField("source"):
            post.sender.type, post.sender.key = request.source.type, request.source.key
        loop = asyncio.get_running_loop()
        self._requests[number] = request.request_id, loop.call_later(REPLY_SECONDS, self._late, number)
        self.desk.handle("post", pb.Frame(post=post))

    def _late(self, number: int) -> None:
        error = CallTimeoutError(f"there was no reply within {REPLY_SECONDS:.0f} s")
        self._outcome(pb.Outcome(id=number, error=encode_error(error)))
        self.desk.handle("withdraw", pb.Frame(withdraw=pb.Withdraw(id=number, why=str(error))))

    def _response(self, response: theirs.RpcResponse) -> None:
        number = int(response.request_id) if response.request_id.isdecimal() else 0
        if number not in self._direct:
            log.info("%s answered what nobody waits for", self.desk.name)
            return
        outcome = pb.Outcome(id=number)
        if response.error or not response.HasField("payload"):  # an error without a word is one all the same
            outcome.error.type, outcome.error.message = "Exception", response.error
        else:
            outcome.done.CopyFrom(value_of(response.payload))
        self._answer(outcome)

    def _refuse(self, number: int, error: NbAgentsError) -> None:
        self._answer(pb.Outcome(id=number, error=encode_error(error)))

    def _answer(self, outcome: pb.Outcome) -> None:
        self._direct.discard(outcome.id)
        if outcome.id in self.desk.given:
            self.desk.handle("outcome", pb.Frame(outcome=outcome))

    def close(self) -> None:
        """The worker is gone: whoever waits for it is told, and what it has asked for is withdrawn."""
        for _, timer in self._requests.values():
            timer.cancel()
        self._requests.clear()
        self._queued.clear()
        self._backlog = 0
        self._less.set()
        self._host.left(self.desk)
