"""`Session`: one attached client, seen from the server.

Handles its frames in order: calls go into the agents' mailboxes at once, requests become tasks, and
how each call ends, and what happens on the way, is sent back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from ..agents import Call, ended_because, scheduler, spread
from ..events import Event
from ..exceptions import (
    MessageTooLargeError,
    NbAgentsError,
    ProtocolError,
)
from ..message import Promise
from ._admission import admit_call, approve_of, checked_arguments, done_before, internal_error, outcome
from ._agents import AgentTable
from ._codec import decode
from ._exchange import admit_change
from ._faults import encode_error
from ._fetches import Fetches
from ._frames import FrameWriter
from ._keeper import NO_REPLY
from ._limits import LONGEST_ID, MAX_MESSAGE, MAX_PAYLOAD, TRACEPARENT
from ._many import meant
from ._methods import TOPICS
from ._origin import Origin
from ._promises import Promises
from ._proto import agent_pb2 as pb
from ._results import Promised, Results
from ._shape import unknown_kind
from ._steering import Steering
from ._telling import Telling
from ._topics._host import TopicHost
from ._workshop import EXCHANGE

__all__ = ["Session"]

log = logging.getLogger(__name__)
LARGE = frozenset(
    {"get_agent_memory", "get_agent_list", "update_placeholder"}
    | {"runs", "run_events", "questions", "sent_to_model", "log"}
)
"""Requests whose answers may be large, and that change nothing."""


class Session:
    """The server's end of one Attach stream. On the loop only."""

    def __init__(
        self,
        name: str,
        agents: AgentTable,
        results: Results,
        request: Callable[[str, bytes], Awaitable[bytes]],
        steering: Steering | None = None,
        topics: TopicHost | None = None,
    ) -> None:
        self.name, self._agents, self._results, self._request = name, agents, results, request
        self._steering = steering or Steering(results, agents)
        self.book = self._steering.book
        self._pending: set[str] = set()
        self._watched: set[str] = set()
        self._requests: set[asyncio.Task[None]] = set()
        self._promises = Promises(results)
        self._heard: tuple[bytes, Any] | None = None
        self.writer = FrameWriter(lambda: len(self._pending) + len(self._requests) + len(self._desk))
        self._topics = topics or TopicHost(agents, results, self.book)
        self._desk = self._topics.desk(name, self.writer)
        self.telling = Telling(self.writer, self._watched)
        self._origin = Origin(self, self._watched)
        self._fetches = Fetches(results, self._send_end, self._refuse)
        self.closed = self.leaving = False
        self.process: tuple[int, str] | None = None
        """The client's pid and when it started, where it is a process of this machine."""
        self.connection: object = None
        """What names the connection that it has now; None between two."""
        self.broken: object = None
        """What names the last break of a connection."""
        self.replaced: asyncio.Event = asyncio.Event()
        """Set when another connection takes the place of the one that it has."""

    def belongs(self, process: tuple[int, str] | None) -> None:
        """Know whose session it is."""
        self.process = process
        self._desk.pid = process[0] if process is not None else 0

    def handle(self, frame: pb.Frame) -> None:
        """Handle one frame.

        Raises:
            ProtocolError: a frame of a kind that this version does not use, or a malformed one.
        """
        kind = frame.WhichOneof("kind")
        if kind == "call":
            self._call(frame.call)
        elif kind == "update":
            self._promises.arrived(frame.update)
        elif kind == "cancel":
            self._cancel(frame.cancel)
        elif kind == "event":
            self.book.told(self, frame.event)
        elif kind == "request":
            if frame.request.method in TOPICS or self._steering.at_once(frame.request.method):
                self._answer_at_once(frame.request)
                return
            task = asyncio.ensure_future(self._answer(frame.request))
            self._requests.add(task)
            task.add_done_callback(self._requests.discard)
        elif kind in ("post", "outcome", "withdraw", "more"):
            self._desk.handle(kind, frame)
        elif kind == "fetch":
            (self._fetches.drop if frame.fetch.drop else self._fetches.want)(frame.fetch.call)
        elif kind is not None or unknown_kind(frame):
            raise ProtocolError(f"a client may not send {kind or 'nameless'!r} frames in this version")

    def reconnect(self) -> None:
        """A connection begins; what comes over an earlier one is not heard any more."""
        self.replaced.set()
        self.replaced = asyncio.Event()
        self.writer.disconnect()
        self.connection = object()

    def close(self) -> None:
        """The client is gone for good. Its calls go on; what it promised to send will never come."""
        self.closed = True
        self.telling.close()
        self._origin.leave()
        self._fetches.close()
        self.writer.discard()
        self._steering.left(self)
        self._topics.left(self._desk)
        self._heard = None
        self._promises.close()
        for task in self._requests:
            task.cancel()

    # ---- calls

    def _call(self, frame: pb.Call) -> None:
        if frame.idempotency_key and self._answered(frame):
            return
        first, method, others = frame.call, frame.method, frame.others
        if not 0 < len(first) <= LONGEST_ID or self._results.find(first) is not None:
            raise ProtocolError(
                f"the id of a call, {first[:60]!r}, is missing, taken, or longer than {LONGEST_ID} characters"
            )
        ids = [first]
        self._pending.add(first)
        if others and method != "_observe":
            ids += [f"{first}.{number}" for number in range(1, len(others) + 1)]
            self._pending.update(ids)
        try:
            if not frame.parent:
                self._results.check_open()
            if frame.run and method == "_reply" and (refusal := self.book.refusal(frame.run)):
                raise refusal
            arguments, needs = self._arguments(frame)
            if others and method == "_observe":
                self._spread(frame, arguments, needs)
                return
        except NbAgentsError as error:
            for call_id in ids:
                self._refuse(call_id, error)
            return
        keys = (frame.agent.key, *others) if others else (frame.agent.key,)
        for call_id, key in zip(ids, keys, strict=False):
            try:
                call = self._admitted(frame, key, call_id, arguments, needs)
            except NbAgentsError as error:
                self._refuse(call_id, error)
            else:
                self._start(call, frame)

    def _admitted(
        self, frame: pb.Call, key: str, call_id: str, arguments: Any, needs: tuple[Promise, ...]
    ) -> Call:
        approve = approve_of(frame)
        admit = admit_change if frame.method == EXCHANGE else admit_call
        call = admit(
            self._agents,
            frame.method,
            key,
            arguments,
            call_id=call_id,
            client=frame.client or self.name,
            path=tuple(frame.path),
            origin=self._origin,
            needs=needs,
        )
        call.approve = approve
        if frame.parent:
            call.chain, call.parent_id = tuple(frame.chain), frame.parent
        if frame.idempotency_key:
            call.key = frame.idempotency_key
        return call

    def _answered(self, frame: pb.Call) -> bool:
        """Answer a repeated call with how the attempt before ends, or has ended; False if there was none."""
        call = self._results.attempt(frame.idempotency_key)
        if call is not None:
            self._pending.add(frame.call)
            call.read = True
            call.on_done(lambda: self._send_end(call, frame.call))
            return True
        keeper = self._agents.keeper
        if keeper is None:
            return False
        try:
            value = keeper.kept_reply(frame.idempotency_key)
            if value is NO_REPLY:
                return False
        except NbAgentsError as error:  # whether it has been done is not known: it is not done again
            self._refuse(frame.call, error)
            return True
        self._results.add(done_before(frame, value, self.name), self._ended)
        return True

    def _start(self, call: Call, frame: pb.Call) -> None:
        if frame.watched:
            self._watched.add(call.id)
        for promise in call.needs:
            if isinstance(promise, Promised):
                promise.users += 1
        self._results.add(call, self._ended)
        timeout = frame.timeout_ms / 1000 if frame.timeout_ms else None
        span = frame.traceparent
        call.scheduler.admit(
            call,
            run=frame.run,
            workspace=frame.workspace,
            timeout=timeout,
            span=span if len(span) == TRACEPARENT else "",
        )

    def _spread(self, frame: pb.Call, arguments: Any, needs: tuple[Promise, ...]) -> None:
        """Let many agents observe one message; its end is told once, when all have."""
        _, args, _ = checked_arguments(frame.method, arguments)
        whole = Call(
            scheduler(),
            None,
            None,
            args,
            {},
            kind="observe",
            parent=None,
            path=tuple(frame.path),
            client=frame.client or self.name,
            call_id=frame.call,
            needs=needs,
        )
        whole.origin, whole.chain, whole.key = self._origin, tuple(frame.chain), frame.idempotency_key
        whole.approve = approve_of(frame)
        whole.agent_name = f"{len(frame.others) + 1} agents"
        missing: NbAgentsError | None = None
        there = []
        for key in (frame.agent.key, *frame.others):
            try:
                agent = self._agents.get(key).agent
            except NbAgentsError as error:
                missing = missing or error
            else:
                there.append(agent)
        self._results.add(whole, lambda call: self._ended(call, missing))
        spread(scheduler(), whole, there)

    def _arguments(self, frame: pb.Call) -> tuple[Any, tuple[Promise, ...]]:
        """Return the arguments, and what they wait for.

        A message that many agents hear is one object, as it is at home.
        """
        payload, promises = frame.arguments, self._promises
        heard = frame.method == "_observe" and not payload.blobs
        if heard and self._heard is not None and self._heard[0] == payload.data:
            return self._heard[1], ()
        promises.found.clear()
        arguments = decode(payload, promises.refer)
        if promises.found:
            return arguments, tuple(promises.found)
        if heard:
            self._heard = payload.data, arguments
        return arguments, ()

    def _ended(self, call: Call, missing: NbAgentsError | None = None) -> int:
        """Tell the client; return the reply's bytes, since it is kept, whether or not the client is there."""
        call.read = True  # the client reads it
        for promise in call.needs:
            if isinstance(promise, Promised):
                promise.unused()
        if call.id in self._watched:
            self.telling.ended(call)
        frame = outcome(call, missing)
        if not (self.closed or self.writer.full):
            return self._send_update(call.id, frame)
        size: int = frame.ByteSize()
        self._send_end(call, call.id, missing)
        return size

    def _send_end(self, call: Call, call_id: str = "", missing: NbAgentsError | None = None) -> None:
        """Tell how a call ended; a client that leaves much unread is told when it has read that."""
        if self.closed:
            return
        call_id, kept = call_id or call.id, call.id
        if not self.writer.full:
            self._send_update(call_id, outcome(call, missing))
            return

        def later() -> pb.Frame:
            found = self._results.find(kept)
            if found is not None:
                ended = outcome(found, missing)
            else:
                error = encode_error(self._results.expired(kept, "a reply"))
                ended = pb.Frame(update=pb.Update(error=error))
            ended.update.call = call_id
            return ended

        self.writer.put_later(later)
        self._over(call_id)

    def _refuse(self, call_id: str, error: NbAgentsError) -> None:
        self._send_update(call_id, pb.Frame(update=pb.Update(error=encode_error(error))))

    def _send_update(self, call_id: str, frame: pb.Frame) -> int:
        frame.update.call = call_id
        size = self.writer.put(frame)
        self._over(call_id)
        return size

    def _over(self, call_id: str) -> None:
        self._pending.discard(call_id)
        self._watched.discard(call_id)

    def _cancel(self, cancel: pb.Cancel) -> None:
        if not cancel.call:
            self.leaving = True  # the end of a connection alone does not tell
            return
        why = cancel.why[:200] or "cancelled"
        for call in meant(cancel.call, self._results):
            if call.origin is self._origin:
                scheduler().end(call, ended_because(call.label(), why))

    # ---- requests

    async def _answer(self, request: pb.Request) -> None:
        response = pb.Response(id=request.id)
        try:
            while True:
                await self.writer.room()
                if self._steering.knows(request.method):
                    body = await self._steering.answer(self, request.method, request.body)
                else:
                    body = await self._request(request.method, request.body)
                if not (self.writer.full and request.method in LARGE):
                    break  # else it waits as a request, not as its answer
            self._fill(response, request.method, body)
        except NbAgentsError as error:
            response.error.CopyFrom(encode_error(error))
        except Exception as error:  # noqa: BLE001  # it is logged under a number
            response.error.CopyFrom(encode_error(internal_error(error)))
        if not self.closed:
            self.writer.put(pb.Frame(response=response))

    def _answer_at_once(self, request: pb.Request) -> None:
        """Answer what the calls behind it must find done."""
        response = pb.Response(id=request.id)
        try:
            if request.method in TOPICS:
                body = self._topics.answered(self._desk, request.method, request.body)
            else:
                body = self._steering.answered(self, request.method, request.body)
            self._fill(response, request.method, body)
        except NbAgentsError as error:
            response.error.CopyFrom(encode_error(error))
        except Exception as error:  # noqa: BLE001  # as above
            response.error.CopyFrom(encode_error(internal_error(error)))
        if self.writer.full:
            self.writer.put_later(lambda: pb.Frame(response=response))
        else:
            self.writer.put(pb.Frame(response=response))

    def _fill(self, response: pb.Response, method: str, body: bytes) -> None:
        if len(body) > MAX_PAYLOAD:
            raise MessageTooLargeError(
                f"the answer of {method} has {len(body) / 2**20:.0f} MiB;"
                f" the limit is {MAX_MESSAGE // 2**20} MiB"
            )
        response.body = body

    # ---- events

    def hear(self, event: Event) -> None:
        """Take an event of a call of this client or below it, on any thread."""
        self.telling.hear(event)
