"""`Session`: one attached client, seen from the server.

Handles its frames in order: calls go into the agents' mailboxes at once, requests become tasks, and
how each call ends, and what happens on the way, is sent back.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from ..agents import Call, scheduler
from ..events import Event
from ..exceptions import (
    AgentCallError,
    AgentServerNotAliveError,
    CallCancelledError,
    InternalError,
    MessageTooLargeError,
    NbAgentsError,
    ProtocolError,
    ResultExpiredError,
)
from ..message import PlaceholderMessage
from ._agents import AgentTable
from ._codec import decode, encode
from ._faults import decode_error, encode_error
from ._frames import FrameWriter
from ._limits import MAX_MESSAGE, MAX_PAYLOAD
from ._proto import agent_pb2 as pb
from ._results import Promised, Results

__all__ = ["Session", "admit_call", "internal_error"]

log = logging.getLogger(__name__)
SHOWN = frozenset({"printed", "spoke"})
"""The events that the caller's own output shows; others are for those who listen."""
ENDS = frozenset({"queued", "done", "failed"})
KINDS = {"_reply": "call", "_observe": "observe", "_hold": "hold"}


def admit_call(
    agents: AgentTable,
    method: str,
    agent_id: str,
    arguments: Any,
    *,
    call_id: str | None = None,
    client: str = "",
    path: tuple[int, ...] = (),
    origin: Any = None,
) -> Call:
    """Make the call object for a message from outside.

    Raises:
        AgentCallError: the method is none that may be called from outside, or the arguments are malformed.
        AgentNotFoundError: no such agent.
    """
    kind = KINDS.get(method)
    if kind is None:
        raise AgentCallError(f"Unsupported method {method[:60]!r}; an agent takes {', '.join(KINDS)}")
    if not (isinstance(arguments, list) and len(arguments) == 2 and isinstance(arguments[0], list)):
        raise AgentCallError("the arguments of a call are a list of args and a dictionary of kwargs")
    args, kwargs = arguments
    if not isinstance(kwargs, dict) or (kind != "call" and (len(args) > 1 or kwargs)):
        raise AgentCallError(f"the arguments of {method} are malformed")
    agent = agents.get(agent_id).agent
    call = Call(
        scheduler(),
        agent,
        agent.reply if kind == "call" else None,
        tuple(args) if args or kind != "observe" else (None,),
        kwargs,
        kind=kind,
        parent=None,
        path=path,
        client=client,
        method=method,
        call_id=call_id,
    )
    call.origin = origin
    return call


class Session:
    """The server's end of one Attach stream. On the loop only."""

    def __init__(
        self,
        name: str,
        agents: AgentTable,
        results: Results,
        write: Callable[[bytes], Awaitable[object]],
        request: Callable[[str, bytes], Awaitable[bytes]],
    ) -> None:
        self.name, self._agents, self._results, self._request = name, agents, results, request
        self._pending: set[str] = set()
        self._watched: set[str] = set()
        self._requests: set[asyncio.Task[None]] = set()
        self._promised: dict[str, Promised] = {}
        self._heard: tuple[bytes, Any] | None = None
        self.writer = FrameWriter(write, lambda: len(self._pending) + len(self._requests))
        self.closed = False

    def handle(self, frame: pb.Frame) -> None:
        """Handle one frame.

        Raises:
            ProtocolError: a frame of a kind that this version does not use, or a malformed one.
        """
        if frame.seq:
            self.writer.seen = frame.seq
        kind = frame.WhichOneof("kind")
        if kind == "call":
            self._call(frame.call)
        elif kind == "update":
            self._update(frame.update)
        elif kind == "cancel":
            self._cancel(frame.cancel)
        elif kind == "request":
            task = asyncio.ensure_future(self._answer(frame.request))
            self._requests.add(task)
            task.add_done_callback(self._requests.discard)
        elif kind is not None:
            raise ProtocolError(f"a client may not send {kind!r} frames in this version")

    def close(self) -> None:
        """The client is gone. Its calls go on; what it promised to send will never come."""
        self.closed = True
        promised, self._promised = self._promised, {}
        for promise in promised.values():
            promise.settle(None, AgentServerNotAliveError("the client that promised this message is gone"))
        for task in self._requests:
            task.cancel()

    # ---- calls

    def _call(self, frame: pb.Call) -> None:
        if not frame.call or self._results.find(frame.call) is not None:
            raise ProtocolError(f"the id of a call, {frame.call[:60]!r}, is missing or taken")
        self._pending.add(frame.call)
        try:
            call = admit_call(
                self._agents,
                frame.method,
                frame.agent.key,
                self._arguments(frame),
                call_id=frame.call,
                client=frame.client or self.name,
                path=tuple(frame.path),
                origin=self,
            )
        except NbAgentsError as error:
            self._send_update(frame.call, 0, pb.Update(error=encode_error(error)))
            return
        call.chain = tuple(frame.chain)
        call.parent_id = frame.parent
        if frame.watched:
            self._watched.add(call.id)
        self._results.add(call, self._ended)
        timeout = frame.timeout_ms / 1000 if frame.timeout_ms else None
        scheduler().admit(call, run=frame.run, workspace=frame.workspace, timeout=timeout)

    def _arguments(self, frame: pb.Call) -> Any:
        """Return the arguments; a message that many agents hear is one object, as it is at home."""
        if frame.method != "_observe" or frame.arguments.blobs:
            return decode(frame.arguments, self._reference)
        data = frame.arguments.data
        if self._heard is None or self._heard[0] != data:
            self._heard = data, decode(frame.arguments, self._reference)
        return self._heard[1]

    def _ended(self, call: Call, task_id: int) -> None:
        call.read = True  # the client reads it
        if self.closed:
            return
        error: BaseException | None = call.error
        update = pb.Update()
        if error is None:
            try:
                update.done.CopyFrom(encode(call.value if call.kind == "call" else None))
            except NbAgentsError as unfit:
                error = type(unfit)(f"the reply of {call.label()}: {unfit}")
            except Exception as odd:  # noqa: BLE001  # a message class of the agent's own may do anything
                error = InternalError(f"the reply of {call.label()} cannot travel: {odd!r}")
        if error is not None:
            update = pb.Update(error=encode_error(error))
        self._send_update(call.id, task_id, update)

    def _send_update(self, call_id: str, task_id: int, update: pb.Update) -> None:
        update.call, update.task_id = call_id, task_id
        self.writer.put(pb.Frame(update=update))
        self._pending.discard(call_id)
        self._watched.discard(call_id)

    def _reference(self, tree: dict[str, Any]) -> Any:
        """Return the message behind a reference: a call of this server, or one that the client will send."""
        call_id = tree.get("__promise__")
        if not isinstance(call_id, str):
            raise ProtocolError("a reference to a message has no id")
        call = self._results.find(call_id)
        if call is not None:
            return PlaceholderMessage.of(call)
        if not tree.get("sent"):
            promised = Promised(call_id)
            promised.settle(
                None, ResultExpiredError("a message passed on by reference is no longer kept here")
            )
            return PlaceholderMessage.of(promised)
        return PlaceholderMessage.of(self._promised.setdefault(call_id, Promised(call_id)))

    def _update(self, update: pb.Update) -> None:
        promised = self._promised.pop(update.call, None)
        if promised is None:
            return  # of a call that was refused
        if update.WhichOneof("outcome") == "done":
            try:
                promised.settle(decode(update.done))
            except ProtocolError as error:
                promised.settle(None, error)
        else:
            promised.settle(None, decode_error(update.error, "another agent"))

    def _cancel(self, cancel: pb.Cancel) -> None:
        call = self._results.find(cancel.call)
        if call is not None and call.origin is self:
            why = cancel.why[:200] or "cancelled"
            scheduler().end(call, CallCancelledError(f"the call of {call.label()} was {why}"))

    # ---- requests

    async def _answer(self, request: pb.Request) -> None:
        response = pb.Response(id=request.id)
        try:
            body = await self._request(request.method, request.body)
            if len(body) > MAX_PAYLOAD:
                raise MessageTooLargeError(
                    f"the answer of {request.method} has {len(body) / 2**20:.0f} MiB;"
                    f" the limit is {MAX_MESSAGE // 2**20} MiB"
                )
            response.body = body
        except NbAgentsError as error:
            response.error.CopyFrom(encode_error(error))
        except Exception as error:  # noqa: BLE001  # it is logged under a number
            response.error.CopyFrom(encode_error(internal_error(error)))
        if not self.closed:
            self.writer.put(pb.Frame(response=response))

    # ---- events

    def wants(self, event: Event) -> bool:
        """May this be something to tell? Cheap, and on any thread."""
        return not self.closed and (bool(self._watched) or event.kind in SHOWN)

    def tell(self, event: Event) -> None:
        """Send on what happened in a call of this client or below it."""
        if self.closed:
            return
        root = event.source
        while root.parent is not None:
            root = root.parent
        if root.id not in self._watched and event.kind not in SHOWN:
            return
        if root is event.source and event.kind in ENDS:
            return  # the client knows: it made the call, and gets its end as an update
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
        self.writer.put(pb.Frame(event=frame), urgent=False)


def internal_error(error: Exception) -> InternalError:
    """Log an error that nobody foresaw; return what a caller is told of it."""
    number = secrets.token_hex(4)
    log.error("error %s", number, exc_info=error)
    return InternalError(f"internal error {number}; the server's log tells more")
