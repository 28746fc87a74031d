"""`Attachment`: this process's way into one agent server.

All calls, observes and requests of this process to that server share its one stream, in order. Whatever
ends the stream, every call and request that has no answer yet ends with an error that names the server:
nothing waits for ever.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .. import context, events
from ..agents import Call, peek, scheduler, told_elsewhere
from ..exceptions import (
    AgentNotFoundError,
    AgentServerNotAliveError,
    InternalError,
    NbAgentsError,
    ProtocolError,
    RemoteAgentError,
)
from ._codec import decode, encode_arguments
from ._envelope import envelope
from ._faults import decode_error
from ._forks import check_fork, is_cut_off
from ._lending import ALLOWANCE, Lending
from ._link import Together
from ._lost import for_call, same
from ._many import ManyCalls
from ._own_runs import OwnRuns
from ._proto import agent_pb2 as pb
from ._references import ArgumentFailedError, References
from ._relays import Relays
from ._requests import Requests
from ._shape import unknown_kind
from ._strays import Strays
from ._stream import Stream
from ._taping import TAPE, Taping
from ._wanted import Wanted

if TYPE_CHECKING:
    from ._tls import Trust

__all__ = ["Attachment"]

log = logging.getLogger(__name__)


class Attachment:
    """The calls and requests of this process to the server at one address.

    Made on any thread; but for `is_open` and the attributes it is used on the background loop only.
    """

    def __init__(
        self,
        address: str,
        token: str,
        *,
        trust: Trust | None = None,
        on_end: Callable[[Attachment], object] = lambda _: None,
        expects: str = "",
    ) -> None:
        self.trust = trust
        self.server_address, self.token, self._on_end, self._expects = address, token, on_end, expects
        self.error: NbAgentsError | None = None
        """Why it has ended, once it has."""
        self._calls: dict[str, Call] = {}
        self._references = References(self)
        self.many = ManyCalls(self, self._references)
        self._heard: tuple[Any, pb.Payload] | None = None
        self.wanted = Wanted(self)
        self.strays = Strays()
        self._requests = Requests(self)
        self.runs = OwnRuns()
        self.relays = Relays(self)
        self.lending, self.taping = Lending(self, self._call_of), Taping(self)
        self._leaving = False
        self._opened: Stream | None = None

    @property
    def _stream(self) -> Stream:
        if self._opened is None:  # not in __init__, which may run outside the loop
            self._opened = Stream(
                self.server_address,
                self.token,
                trust=self.trust,
                handle=self._handle,
                ended=self._end,
                in_flight=lambda: len(self._calls) + len(self._requests) + len(self.many),
                expects=self._expects,
                parts=2,  # while one is answered over there the other is asked here
            )
        return self._opened

    @property
    def server_id(self) -> str:
        """The server's id; "" before it has greeted."""
        return self._opened.server_id if self._opened is not None else ""

    @property
    def epoch(self) -> str:
        """The name of the server's start; "" before it has greeted."""
        return self._opened.epoch if self._opened is not None else ""

    # ---- its life

    async def open(self) -> None:
        """Connect, once; later callers wait for the same connection.

        Raises:
            AuthenticationError, VersionMismatchError, AgentServerNotAliveError: it cannot be used.
        """
        self.check()
        await asyncio.shield(self._stream.start())

    def is_open(self) -> bool:
        """Can calls be sent? They can while it connects. Any thread."""
        return self.error is None and not is_cut_off()

    async def close(self) -> None:
        """Leave the server. Calls that have no answer end with an error; they go on over there."""
        self._leaving = True
        await self._stream.close()

    def check(self) -> None:
        """Raise what it has ended with, if it has."""
        check_fork()
        if self.error is not None:
            raise same(self.error)

    def _end(self, error: NbAgentsError) -> None:
        self.error = error
        # Also where the server lives and only the session is over: it knows by the key what it has done.
        again = isinstance(error, AgentServerNotAliveError) and not self._leaving
        calls, self._calls = list(self._calls.values()), {}
        unwritten = self._opened.unwritten() if again and self._opened is not None else []
        unknown = {frame.call.call for frame in unwritten}
        for call in calls:
            if again and call.remote is not None and call.remote.lost(call, begun=call.id not in unknown):
                continue
            scheduler().settle(call, None, for_call(error, call))
        self.many.end(error, unknown)
        self._requests.end(error)
        self.runs.lost(error)
        self.relays.lost(error)
        self.lending.end()
        self.taping.end()
        self.wanted.end(error)
        self._on_end(self)

    # ---- calls

    def tell_of(self, run: str) -> None:
        """Tell the server what holds for a run, before anything of it: its limits, and its tape."""
        self.lending.tell(run)
        self.taping.tell(run)

    def send(self, call: Call, agent_id: str, kind: str, others: Sequence[str] = ()) -> None:
        """Send a call: at once, with references for what has not arrived. Never raises or waits."""
        failure: BaseException | None = None
        try:
            self.check()
            frame = self._frame(call, agent_id, kind, others)
        except ArgumentFailedError as argument:
            failure = argument.error if call.kind == "call" else None  # a hub goes on without the message
        except NbAgentsError as error:
            failure = error
        except Exception as error:  # noqa: BLE001  # what cannot be sent fails this call alone
            failure = InternalError(f"the call of {call.label()} cannot be sent: {error}")
        else:
            if call.run:
                self.tell_of(call.run)
            self._calls[call.id] = call
            self.put(frame)
            return
        scheduler().settle(call, None, failure)

    def send_all(self, call: Call, remotes: Sequence[Any]) -> None:
        """Send one observe to several agents of this server, as one frame. Never raises or waits."""
        if call.key:
            call.remote = Together(remotes)
        first, *others = (remote.agent_id for remote in remotes)
        self.send(call, first, "", others)

    def _frame(self, call: Call, agent_id: str, kind: str, others: Sequence[str]) -> pb.Frame:
        frame = envelope(call, agent_id, kind, others)
        try:
            self._put_arguments(call, frame.call.arguments)
        except ArgumentFailedError as failed:
            if isinstance(failed.promise, Call) and call.kind == "call":
                failed.promise.read = True  # it is carried on by this call
            raise
        except NbAgentsError as error:
            raise type(error)(f"the call of {call.label()}: {error}") from None
        return frame

    def _put_arguments(self, call: Call, into: pb.Payload) -> None:
        """Put in the arguments as they travel; one message to a thousand listeners is written once."""
        if call.kind != "observe":
            encode_arguments(call.args, call.kwargs, self._references.refer, into)
            return
        (message,) = call.args
        if self._heard is None:
            call.scheduler.loop.call_soon(self._forget_heard)  # it may change as soon as other code runs
        if self._heard is None or self._heard[0] is not message:
            self._heard = message, encode_arguments(call.args, {}, self._references.refer)
        into.CopyFrom(self._heard[1])

    def _forget_heard(self) -> None:
        self._heard = None

    def cancel(self, call: Call) -> None:
        """Tell the server that nobody wants this call any more; nothing if it was not sent from here."""
        if self._calls.pop(call.id, None) is not None and self.error is None:
            self.strays.expect()
            self._stream.put(
                pb.Frame(cancel=pb.Cancel(call=call.id, why=getattr(call.error, "why", "cancelled")))
            )

    @property
    def is_local(self) -> bool:
        """Does the server run on this machine? False before it has greeted."""
        return self._opened is not None and self._opened.is_local

    def has_call(self, call_id: str) -> bool:
        """Is a call of that id on its way to this server?"""
        return call_id in self._calls

    def put(self, frame: pb.Frame) -> None:
        """Send a frame; the first one opens the stream."""
        stream = self._opened or self._stream
        stream.start()
        stream.put(frame)

    def _call_of(self, run: str) -> Call | None:
        """Return a call of a run that was made here and is on its way there."""
        known = (call for call in self._calls.values() if call.run == run and call.context is not None)
        return next(known, None) or self.many.of_run(run)

    # ---- requests

    async def request(self, method: str, **fields: Any) -> pb.GeneralResponse:
        """Ask for one of the methods; return its answer.

        Raises:
            NbAgentsError: whatever the server refused it with, or why it cannot be reached.
        """
        body = self._requests.body(method, fields)
        await self.open()
        self.check()
        return await self._requests.send(method, body)

    def ask(self, method: str, **fields: Any) -> asyncio.Future[pb.GeneralResponse]:
        """Ask as `request` does, in line with the calls: what is sent before and after keeps its place.

        Never raises or waits; nobody need wait for the future. On the loop only.
        """
        try:
            self.check()
            self._stream.start()
            return self._requests.sent(method, self._requests.body(method, fields))
        except NbAgentsError as error:
            return self._requests.refused(error)

    async def chase(self, call_id: str, trail: list[dict[str, Any]], round_: str) -> dict[str, Any] | None:
        """Ask the server which ring of waiting calls a call closes, if one.

        Raises:
            NbAgentsError: it cannot be asked.
        """
        question = json.dumps({"call": call_id, "trail": trail, "round": round_})
        found: dict[str, Any] | None = json.loads((await self.request("waits", value=question)).message)
        return found

    # ---- what comes back

    def _handle(self, frame: pb.Frame) -> None:
        kind = frame.WhichOneof("kind")
        if kind == "update":
            self._update(frame.update)
        elif kind == "event":
            self._event(frame.event)
        elif kind == "response":
            self._requests.answered(frame.response, self._stream.who())
        elif kind == "cancel":
            self.runs.stopped(frame.cancel)
        elif kind is not None or unknown_kind(frame):
            raise ProtocolError(f"the agent server {self._stream.who()} sent a {kind or 'nameless'!r} frame")

    def _update(self, update: pb.Update) -> None:
        if update.call in self.wanted:
            self.strays.expect()
            self.wanted.update(update)
        call = self._calls.pop(update.call, None)
        if call is None:
            if not self.many.update(update):  # it was cancelled here meanwhile
                self.strays.note("replies", self._stream.who())
            return
        clock = call.scheduler
        if update.WhichOneof("outcome") == "done":
            try:
                value = decode(update.done)
            except NbAgentsError as error:
                clock.settle(call, None, error)
            else:
                clock.settle(call, value)
        else:
            clock.settle(call, None, self._failure(call, update.error))

    def _failure(self, call: Call, error: pb.Error) -> BaseException:
        for promise in call.needs:
            known = promise.error
            if known is not None and _type_name(known) == error.type:
                return known  # the very error of its argument, which names the agent that raised it
        found = decode_error(error, call.label())
        if isinstance(found, AgentNotFoundError):
            return AgentNotFoundError(
                f"{call.agent_name} does not live in the agent server {self._stream.who()}: "
                "it was deleted, or the server began anew",
                hint="run the cell that defines it again",
            )
        return found

    def _event(self, event: pb.Event) -> None:
        if not event.root:
            if event.kind == TAPE:
                self.taping.happened(event)
            else:
                (self.lending if event.kind == ALLOWANCE else self.runs).happened(event)
            return
        if event.kind == "answered":
            self.relays.answered(_fields(event, self._stream.who()))
        root = self._calls.get(event.root) or self.many.whole(event.root)
        if root is None:
            return  # of a call that was cancelled here, or of none of ours
        data = _fields(event, self._stream.who())
        if event.HasField("error"):
            data["error"] = decode_error(event.error, event.agent)
        told = events.Event(event.kind, event.call, event.agent, root.run, event.parent, data, source=root)
        if root.context is None:
            told_elsewhere(told)
            events.publish(told, far=True)
            if event.kind == "question":
                self.relays.unheard(data)
        else:
            root.context.copy().run(_tell, told)
            if event.kind == "question":
                self.relays.asked(root, data)


def _fields(event: pb.Event, who: str) -> dict[str, Any]:
    data = decode(event.data)
    if not isinstance(data, dict):
        raise ProtocolError(f"the agent server {who} told an event without its fields")
    return data


def _tell(event: events.Event) -> None:
    """Tell of an event as the calling cell would; without a card, what was said is printed there."""
    told_elsewhere(event)
    events.publish(event, far=True)
    if getattr(event.source, "origin", None) is not None:
        return  # it was asked for by a client of this server, who has just been told
    if context.card.get() or event.kind not in ("printed", "spoke"):
        return
    proxy = getattr(event.source, "agent", None)
    if event.kind == "spoke" and proxy is not None and peek(proxy, "__dict__").get("_silent"):
        return
    try:
        if event.kind == "printed":
            print(event.data["text"], end="")  # noqa: T201  # it was printed over there
        else:
            print(event.data["message"].formatted_str())  # noqa: T201
    except Exception:  # a closed or narrow output is no reason to end the stream
        log.debug("what %s said could not be printed", event.agent, exc_info=True)


def _type_name(error: BaseException) -> str:
    return error.type_name if isinstance(error, RemoteAgentError) else type(error).__name__
