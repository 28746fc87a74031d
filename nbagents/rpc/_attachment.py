"""`Attachment`: this process's one stream to one agent server.

All calls, observes and requests of this process to that server share it, in order. Frames sent while
it is still connecting are kept. Whatever ends it, every call and request that has no answer yet ends
with an error that names the server: nothing waits for ever.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError, Message

from .. import context, events
from .._ids import PROCESS, new_id
from .._version import __version__
from ..agents import Call, promised, scheduler
from ..exceptions import (
    AgentServerNotAliveError,
    AuthenticationError,
    MessageTooLargeError,
    NbAgentsError,
    ProtocolError,
    VersionMismatchError,
)
from ..message import PlaceholderMessage
from ._codec import decode, decode_error, encode, encode_error
from ._frames import FrameWriter
from ._limits import CHANNEL_OPTIONS, MAX_MESSAGE, PROTOCOL
from ._proto import agent_pb2 as pb
from ._proto.agent_pb2_grpc import AgentServerStub

__all__ = ["Attachment"]

CONNECT_SECONDS = 10.0


class Attachment:
    """A stream to the server at one address. Made anywhere, used on the background loop only."""

    def __init__(self, address: str, token: str, *, on_end: Callable[[Attachment], object] = lambda _: None) -> None:
        self.server_address, self._token, self._on_end = address, token, on_end
        self.server_id, self.epoch, self.version = "", "", ""
        self.error: NbAgentsError | None = None
        self._calls: dict[str, Call] = {}
        self._requests: dict[int, asyncio.Future[bytes]] = {}
        self._request_ids = itertools.count(1)
        self._promised: set[str] = set()
        self._writer = FrameWriter(self._write, lambda: len(self._calls) + len(self._requests))
        self._stream: Any = None
        self._channel: Any = None
        self._tasks: list[asyncio.Task[None]] = []
        self._ready: asyncio.Future[None] | None = None

    # ---- its life

    async def open(self) -> None:
        """Connect, once; later callers wait for the same connection.

        Raises:
            AuthenticationError, VersionMismatchError, AgentServerNotAliveError: it cannot be used.
        """
        if self._ready is None:
            self._ready = asyncio.get_running_loop().create_future()
            self._tasks.append(asyncio.ensure_future(self._live()))
        await asyncio.shield(self._ready)

    def is_open(self) -> bool:
        """Can calls be sent?"""
        return self.error is None

    async def close(self) -> None:
        """Leave the server. Calls that have no answer end with an error; they go on over there."""
        self._end(AgentServerNotAliveError(f"the connection to the agent server {self.server_id} was closed"))
        for task in self._tasks:
            task.cancel()
        if self._channel is not None:
            await self._channel.close()

    async def _live(self) -> None:
        assert self._ready is not None
        error: NbAgentsError = AgentServerNotAliveError(f"the agent server {self._who()} has ended")
        writing: asyncio.Task[None] | None = None
        try:
            self._channel = grpc.aio.insecure_channel(self.server_address, options=CHANNEL_OPTIONS)
            metadata = (("authorization", f"Bearer {self._token}"),)
            self._stream = AgentServerStub(self._channel).Attach(metadata=metadata)
            await asyncio.wait_for(self._greet(), CONNECT_SECONDS)
            self._ready.set_result(None)
            writing = asyncio.ensure_future(self._writer.run())
            reading = asyncio.ensure_future(self._read())
            done, _ = await asyncio.wait([writing, reading], return_when=asyncio.FIRST_COMPLETED)
            reading.cancel()
            for task in done:
                task.result()
        except NbAgentsError as known:
            error = known
        except grpc.aio.AioRpcError as failure:
            error = self._explained(failure)
        except (TimeoutError, asyncio.InvalidStateError):
            error = AgentServerNotAliveError(f"the agent server at {self.server_address} does not answer")
        except DecodeError:
            error = ProtocolError(f"the agent server {self._who()} sent what is no batch of frames")
        finally:
            if writing is not None:
                writing.cancel()
            self._end(error)
            if self._channel is not None:
                await self._channel.close()

    async def _greet(self) -> None:
        hello = pb.Hello(session=f"{PROCESS}-{new_id()[:6]}", version=__version__, protocol=PROTOCOL)
        await self._write(pb.Batch(frames=[pb.Frame(hello=hello)]))
        batch = await self._stream.read()
        if batch is grpc.aio.EOF or not batch.frames or batch.frames[0].WhichOneof("kind") != "hello":
            # The status of the stream tells why; reading it raises nothing by itself.
            status = await self._stream.code()
            if status is not grpc.StatusCode.OK:
                raise self._explained_status(status, await self._stream.details() or "")
            raise ProtocolError(f"the agent server at {self.server_address} did not greet")
        greeting = batch.frames[0].hello
        self.server_id, self.epoch, self.version = greeting.server_id, greeting.epoch, greeting.version
        if greeting.version != __version__:
            raise VersionMismatchError(
                f"the agent server {self.server_id} is of nbagents {greeting.version}, this is {__version__}",
                hint="%agents server restart",
            )

    async def _write(self, batch: pb.Batch) -> None:
        await self._stream.write(batch)

    async def _read(self) -> None:
        while (batch := await self._stream.read()) is not grpc.aio.EOF:
            for frame in batch.frames:
                if frame.seq:
                    self._writer.seen = frame.seq
                self._handle(frame)
        status = await self._stream.code()
        if status is not grpc.StatusCode.OK:
            raise self._explained_status(status, await self._stream.details() or "")

    def _who(self) -> str:
        return self.server_id or f"at {self.server_address}"

    def _explained(self, failure: grpc.aio.AioRpcError) -> NbAgentsError:
        return self._explained_status(failure.code(), failure.details() or "")

    def _explained_status(self, status: grpc.StatusCode, details: str) -> NbAgentsError:
        if status is grpc.StatusCode.UNAUTHENTICATED:
            return AuthenticationError(f"the agent server {self._who()} refused the token: {details}")
        if status is grpc.StatusCode.RESOURCE_EXHAUSTED:
            return MessageTooLargeError(
                f"a message to or from the agent server {self._who()} exceeds {MAX_MESSAGE // 2**20} MiB"
            )
        if status is grpc.StatusCode.INVALID_ARGUMENT:
            return ProtocolError(f"the agent server {self._who()} refused a frame: {details}")
        return AgentServerNotAliveError(
            f"the agent server {self._who()} is gone: it has ended, or was killed",
            hint="run the cell again: a new server starts by itself",
        )

    def _end(self, error: NbAgentsError) -> None:
        if self.error is not None:
            return
        self.error = error
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(error)
            self._ready.exception()  # whoever waits gets it; nobody may be waiting
        calls, self._calls = list(self._calls.values()), {}
        for call in calls:
            scheduler().settle(call, None, _same(error))
        requests, self._requests = list(self._requests.values()), {}
        for request in requests:
            if not request.done():
                request.set_exception(_same(error))
        self._on_end(self)

    # ---- calls

    def send(self, call: Call, agent_id: str, kind: str) -> None:
        """Send a call: at once, with references for what has not arrived."""
        if self.error is not None:
            scheduler().settle(call, None, _same(self.error))
            return
        failed = self._failed_argument(call)
        if failed is not None:
            scheduler().settle(call, None, failed if call.kind == "call" else None)
            return
        try:
            arguments = encode([list(call.args), call.kwargs], self._reference)
        except NbAgentsError as error:
            scheduler().settle(call, None, error)
            return
        if arguments.ByteSize() > MAX_MESSAGE - 65536:
            size = arguments.ByteSize() / 2**20
            limit = f"a message to {call.label()} has {size:.0f} MiB; the limit is {MAX_MESSAGE // 2**20} MiB"
            scheduler().settle(call, None, MessageTooLargeError(limit))
            return
        self._calls[call.id] = call
        left = 0 if call.deadline is None else max(1, int((call.deadline - time.monotonic()) * 1000))
        frame = pb.Call(
            workspace=call.workspace,
            agent=pb.Agent(type=kind, key=agent_id),
            run=call.run,
            call=call.id,
            parent=call.parent_id,
            timeout_ms=left,
            chain=call.full_chain(),
            method=call.method,
            arguments=arguments,
            path=call.path,
            client=call.client,
        )
        self._writer.put(pb.Frame(call=frame))

    def cancel(self, call: Call) -> None:
        """Tell the server that nobody wants this call any more."""
        if self._calls.pop(call.id, None) is not None and self.error is None:
            self._writer.put(pb.Frame(cancel=pb.Cancel(call=call.id, why="cancelled")))

    def _failed_argument(self, call: Call) -> BaseException | None:
        for message in promised((call.args, call.kwargs)):
            promise = message._promise
            if promise.done and promise.error is not None:
                if isinstance(promise, Call) and call.kind == "call":
                    promise.read = True
                error: BaseException = promise.error
                return error
        return None

    def _reference(self, message: PlaceholderMessage) -> dict[str, Any]:
        """Refer to a message that has not arrived: the server makes it itself, or gets it from here later."""
        promise = message._promise
        if isinstance(promise, Call) and promise.id in self._calls:
            return {"__promise__": promise.id}
        call_id = getattr(promise, "id", None) or f"{PROCESS}-m{id(promise):x}"
        if call_id not in self._promised:
            self._promised.add(call_id)
            promise.add_done_callback(lambda: self._deliver(call_id, promise))
        return {"__promise__": call_id, "sent": True}

    def _deliver(self, call_id: str, promise: Any) -> None:
        self._promised.discard(call_id)
        if self.error is not None:
            return
        update = pb.Update(call=call_id)
        try:
            if promise.error is not None:
                raise promise.error
            update.done.CopyFrom(encode(promise.value))
        except BaseException as error:  # whatever it is, the one who waits over there must hear of it
            if isinstance(promise, Call):
                promise.read = True
            update.error.CopyFrom(encode_error(error))
        self._writer.put(pb.Frame(update=update))

    # ---- requests

    async def request(self, method: str, message: Message, answer: Any) -> Any:
        """Ask for one of the thirteen methods; return its answer, an instance of ``answer``."""
        await self.open()
        if self.error is not None:
            raise _same(self.error)
        number = next(self._request_ids)
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._requests[number] = future
        frame = pb.Request(id=number, method=method, body=message.SerializeToString())
        self._writer.put(pb.Frame(request=frame))
        try:
            return answer.FromString(await future)
        finally:
            self._requests.pop(number, None)

    # ---- what comes back

    def _handle(self, frame: pb.Frame) -> None:
        kind = frame.WhichOneof("kind")
        if kind == "update":
            self._update(frame.update)
        elif kind == "event":
            self._event(frame.event)
        elif kind == "response":
            self._response(frame.response)
        elif kind is not None:
            raise ProtocolError(f"the agent server {self._who()} sent a {kind!r} frame, unused in this version")

    def _update(self, update: pb.Update) -> None:
        call = self._calls.pop(update.call, None)
        if call is None:
            return  # cancelled here meanwhile
        if update.WhichOneof("outcome") == "done":
            try:
                scheduler().settle(call, decode(update.done))
            except NbAgentsError as error:
                scheduler().settle(call, None, error)
        else:
            scheduler().settle(call, None, decode_error(update.error, call.label()))

    def _response(self, response: pb.Response) -> None:
        future = self._requests.pop(response.id, None)
        if future is None or future.done():
            return
        if response.HasField("error"):
            future.set_exception(decode_error(response.error, "the agent server"))
        else:
            future.set_result(response.body)

    def _event(self, event: pb.Event) -> None:
        root = self._calls.get(event.root)
        data = decode(event.data)
        error = data.get("error")
        if isinstance(error, dict):
            data["error"] = decode_error(pb.Error(**error), event.agent)
        told = events.Event(event.kind, event.call, event.agent, event.run, event.parent, data)
        if root is None or root.context is None:
            events.publish(told)
        else:
            root.context.copy().run(self._tell, told)

    @staticmethod
    def _tell(event: events.Event) -> None:
        """Tell of an event in the context of the calling cell; without a card, what was said is printed there."""
        events.publish(event)
        if context.card.get():
            return
        if event.kind == "printed":
            print(event.data["text"], end="")  # noqa: T201  # it was printed over there
        elif event.kind == "spoke":
            print(event.data["message"].formatted_str())  # noqa: T201


def _same(error: NbAgentsError) -> NbAgentsError:
    """Return a fresh exception like this one: many calls fail by it, each with its own traceback."""
    fresh = type(error)(str(error), hint=error.hint)
    fresh.remote_traceback = error.remote_traceback
    return fresh
