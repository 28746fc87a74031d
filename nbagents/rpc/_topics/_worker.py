"""`GrpcWorkerAgentRuntime`: the agents of one process that other processes reach through a host."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncGenerator, Coroutine, Mapping, Sequence
from contextlib import aclosing, suppress
from typing import Any, TypeVar, cast

from ... import _loop
from ..._ids import new_id
from ...exceptions import (
    AgentNotFoundError,
    NbAgentsError,
    NotAccessibleError,
    ProtocolError,
    ServiceNotStartedError,
    UsageError,
)
from ...runtime import DEFAULT_TIMEOUT, Agent, Factory
from ...runtime._residents import Residents
from ...topics import (
    JSON_DATA_CONTENT_TYPE,
    PROTOBUF_DATA_CONTENT_TYPE,
    AgentId,
    AgentMetadata,
    AgentType,
    CancellationToken,
    MessageSerializer,
    Subscription,
    TopicId,
)
from .._proto import agent_pb2 as pb
from .._steers import read
from ._declared import Declared
from ._line import Line, Place
from ._sending import Sending
from ._signals import ENDING, signalled
from ._taking import Taking
from ._tracing import Tracing
from ._values import Values

__all__ = ["GrpcWorkerAgentRuntime"]

log = logging.getLogger(__name__)
T = TypeVar("T")
PUBLISH_SECONDS = 60.0
"""How long a message to a topic may wait for its host; that refuses it sooner if it has no room."""
LEAVE_SECONDS = 5.0
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds between two attempts to find the host again."""


class GrpcWorkerAgentRuntime:
    """A runtime whose agents reach those of other workers, and are reached by them, through a host.

    ``host_address`` is where a `GrpcWorkerAgentRuntimeHost`, or any agent server, listens: ``host:port``, or
    ``unix:/path``. Its token is found by the address if this user started it, else it is ``token`` or in
    the file that NBAGENTS_TOKEN_FILE names; a host on another machine proves itself by ``ca``, see
    `RpcAgentClient`. All methods may be awaited on any loop. Agents run on the background loop, so that
    those of a notebook answer while a cell is busy; what blocks belongs on a thread.

    A connection that breaks is made again, and nothing is lost or doubled. If the host ends, what was under
    way ends in an error, and the worker looks for a host at that address until it is stopped; a new one is
    told of its types and subscriptions.

    Agents of the host itself are reached too: `AgentId` with an agent's name, or its id, and its workspace
    as the key. ``tracer_provider`` makes spans of what is sent, published and handled, across processes.
    ``extra_grpc_config`` is taken and not used: messages may have 128 MiB without it.
    ``payload_serialization_format`` is preferred where a type can be written in more than one.
    ``shared`` names the types that other workers may serve too, if they say so as well: each agent then
    lives in one of them.
    """

    def __init__(
        self,
        host_address: str,
        tracer_provider: Any = None,
        extra_grpc_config: Sequence[tuple[str, Any]] | None = None,
        payload_serialization_format: str = JSON_DATA_CONTENT_TYPE,
        *,
        token: str | None = None,
        ca: str | None = None,
        insecure: bool = False,
        shared: Sequence[str] = (),
    ) -> None:
        if payload_serialization_format not in (JSON_DATA_CONTENT_TYPE, PROTOBUF_DATA_CONTENT_TYPE):
            raise UsageError(
                f"Unsupported payload serialization format: {payload_serialization_format!r:.60}; "
                f"it is {JSON_DATA_CONTENT_TYPE} or {PROTOBUF_DATA_CONTENT_TYPE}"
            )
        self._place = Place(host_address, token, ca, insecure)
        self._shared = frozenset(shared)
        self._values = Values(payload_serialization_format)
        self._residents = Residents(self)
        self._declared, self._sending = Declared(), Sending()
        self._tracing = Tracing(tracer_provider)
        self._taking = Taking(self._residents, self._values, self._tracing)
        self._line: Line | None = None
        self._running = False
        self._search: asyncio.Task[None] | None = None

    # ---- its life

    async def start(self) -> None:
        """Connect to the host; one that is just being started is waited for, five seconds.

        After `stop` it can be started again, with what was registered.

        Raises:
            UsageError: it runs already.
            AgentServerNotAliveError: no host answers there.
            AuthenticationError: no token is known for that host, or it was refused.
            AgentTypeTakenError: a type that was registered before is another worker's by now.
        """
        await _here(self._start())

    async def _start(self) -> None:
        if self._running:
            raise UsageError("Runtime is already running.")
        self._running = True
        try:
            line = await self._open()
            try:
                await self._declared.again(line)
            except BaseException:
                await line.close()
                raise
        except BaseException:
            self._running = False
            raise
        self._line = line

    async def stop(self) -> None:
        """Leave: take nothing more, let handlers end, 30 seconds at most, and tell how they ended.

        The types and subscriptions are free at once; what was published is with its recipients, those of
        this worker too. Agents keep what they are.

        Raises:
            ServiceNotStartedError: it does not run.
        """
        await _here(self._stop())

    async def _stop(self) -> None:
        if not self._running:
            raise ServiceNotStartedError("Runtime is not running.", hint="await runtime.start()")
        self._running = False
        if self._search is not None:
            self._search.cancel()
        line = self._line
        if line is not None and line.error is None:
            with suppress(NbAgentsError, TimeoutError):
                # Answered after all messages that were given to this worker.
                await asyncio.wait_for(line.ask("retire", "{}"), LEAVE_SECONDS)
            await self._taking.drained()
            await line.close()
        self._line = None

    async def stop_when_signal(self, signals: Sequence[signal.Signals] = ENDING) -> None:
        """Wait for one of the signals, then `stop`; raises as that does, and `UsageError` off the main thread."""
        self._connected()
        await signalled(signals)
        await self.stop()

    async def close(self) -> None:
        """Stop, if it runs, and close its agents."""
        if self._running:
            await self.stop()
        await _here(self._residents.close())

    def _connected(self) -> Line:
        """Return the line to the host; raises why there is none."""
        line = self._line
        if line is None:
            raise ServiceNotStartedError(
                "the worker does not run: it is not connected to its host", hint="await runtime.start()"
            )
        line.check()
        return line

    async def _open(self) -> Line:
        return await Line.to(
            self._place,
            handle=self._heard,
            ended=self._ended,
            in_flight=lambda: len(self._sending) + len(self._taking),
        )

    def _heard(self, line: Line, kind: str, frame: pb.Frame) -> None:
        if kind == "post":
            self._taking.post(line, frame.post)
        elif kind == "outcome":
            self._sending.outcome(line, frame.outcome)
        else:
            self._taking.withdrawn(line, frame.withdraw.id)

    def _ended(self, line: Line, error: NbAgentsError) -> None:
        self._sending.end(line, error)
        self._taking.ended(line)
        if self._running and line is self._line and self._search is None:
            log.warning("a worker lost its host, and looks for it: %s", error)
            self._search = asyncio.ensure_future(self._find_again())

    async def _find_again(self) -> None:
        """Look for a host at the same address until there is one."""
        pause = FIRST_PAUSE
        try:
            while self._running:
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                try:
                    line = await self._open()
                except NbAgentsError as error:
                    log.debug("the host is not there yet: %s", error)
                    continue
                try:
                    await self._declared.again(line)
                except NbAgentsError as error:
                    if line.error is not None:
                        continue
                    log.error("the host that a worker found again refused a part of it: %s", error)
                self._line = line
                log.warning("a worker found its host again: %s", line.who)
                return
        finally:
            self._search = None

    # ---- messages

    async def send_message(
        self,
        message: Any,
        recipient: AgentId,
        *,
        sender: AgentId | None = None,
        cancellation_token: CancellationToken | None = None,
        message_id: str | None = None,
        timeout: float | None = DEFAULT_TIMEOUT,
    ) -> Any:
        """Send a message to one agent, wherever it lives, and return its reply; see `AgentRuntime`.

        A deadline of the handler that sends this counts too. What the handler raised has its traceback in
        ``remote_traceback``, and is an instance of the same built-in class.

        Raises:
            UndeliverableException: nobody serves that type, or the agent could not be made.
            WorkerLostError: the worker that had the message is gone.
            ServerLostError: the host is.
            CallTimeoutError, CallCancelledError, CantHandleException, OverloadedError: as in one process.
            MessageTooLargeError, UsageError: the message cannot travel.
            Exception: what the handler has raised.
        """
        return await _here(self._send(message, recipient, sender, cancellation_token, message_id, timeout))

    async def _send(
        self,
        message: Any,
        recipient: AgentId,
        sender: AgentId | None,
        token: CancellationToken | None,
        message_id: str | None,
        timeout: float | None,
    ) -> Any:
        post = self._post(message, sender, message_id, agent=recipient)
        with self._tracing.span("send", recipient, post):
            value = await self._sending.send(
                self._connected(), post, str(recipient), token=token, timeout=timeout
            )
        return self._values.decode(value)

    async def stream_message(
        self,
        message: Any,
        recipient: AgentId,
        *,
        sender: AgentId | None = None,
        cancellation_token: CancellationToken | None = None,
        message_id: str | None = None,
        timeout: float | None = DEFAULT_TIMEOUT,
    ) -> AsyncGenerator[Any, None]:
        """Send a message and yield what its handler yields, as it comes; a plain handler's reply alone.

        Leaving the loop, or closing the generator, cancels the handler's token. Raises what `send_message`
        does.
        """
        work = self._stream(message, recipient, sender, cancellation_token, message_id, timeout)
        if _loop.background().here():
            async with aclosing(work):
                async for value in work:
                    yield value
            return
        end = object()
        try:
            while (value := await _here(anext(work, end))) is not end:  # type: ignore[arg-type]
                yield value
        finally:
            await _here(work.aclose())

    async def _stream(
        self,
        message: Any,
        recipient: AgentId,
        sender: AgentId | None,
        token: CancellationToken | None,
        message_id: str | None,
        timeout: float | None,
    ) -> AsyncGenerator[Any, None]:
        post, came = self._post(message, sender, message_id, agent=recipient), False
        work = self._sending.stream(self._connected(), post, str(recipient), token=token, timeout=timeout)
        async with aclosing(work):
            async for value, over in work:
                if not over or not came:  # the outcome of a handler that streams is its last value
                    yield self._values.decode(value)
                came = True

    async def publish_message(
        self,
        message: Any,
        topic_id: TopicId,
        *,
        sender: AgentId | None = None,
        cancellation_token: CancellationToken | None = None,
        message_id: str | None = None,
    ) -> None:
        """Take a message for all who subscribe to its topic, in all workers, but for the agent that sends it.

        Returns when the host has given it to those workers; what a handler raises is logged over there.

        Raises:
            OverloadedError: a worker that should get it has had no room for ten seconds; nobody has it then.
            ServerLostError: the host is gone.
            MessageTooLargeError, UsageError: the message cannot travel.
        """
        await _here(self._publish(message, topic_id, sender, cancellation_token, message_id))

    async def _publish(
        self,
        message: Any,
        topic: TopicId,
        sender: AgentId | None,
        token: CancellationToken | None,
        message_id: str | None,
    ) -> None:
        post = self._post(message, sender, message_id, topic=topic)
        with self._tracing.span("publish", topic, post):
            await self._sending.send(
                self._connected(), post, f"topic {topic}", token=token, timeout=PUBLISH_SECONDS
            )

    def _post(
        self,
        message: Any,
        sender: AgentId | None,
        message_id: str | None,
        *,
        agent: AgentId | None = None,
        topic: TopicId | None = None,
        method: str = "",
    ) -> pb.Post:
        post = pb.Post(body=self._values.encode(message), message_id=message_id or new_id(), method=method)
        if agent is not None:
            post.agent.type, post.agent.key = agent.type, agent.key
        elif topic is not None:
            post.topic.type, post.topic.source = topic.type, topic.source
        if sender is not None:
            post.sender.type, post.sender.key = sender.type, sender.key
        return post

    # ---- agents

    async def register_factory(
        self,
        type: str | AgentType,
        agent_factory: Factory,
        *,
        expected_class: type[Any] | None = None,
        shared: bool | None = None,
    ) -> AgentType:
        """Let agents of this type be made here by this factory, each at its first message.

        ``shared``, by default whether the runtime's ``shared`` names the type, lets other workers serve it too.

        Raises:
            UsageError: the type is taken in this worker, also if the host has refused it before.
            AgentTypeTakenError: another worker serves it.
            ServiceNotStartedError, ServerLostError: there is no host.
        """
        return await _here(self._register(type, agent_factory, expected_class, shared))

    async def _register(
        self, type: str | AgentType, factory: Factory, expected: Any, shared: bool | None
    ) -> AgentType:
        line = self._connected()
        kind = self._residents.add_factory(type, factory, expected)
        shared = kind.type in self._shared if shared is None else shared
        await self._declared.claim(line, kind.type, shared=shared)
        return kind

    async def register_agent_instance(self, agent_instance: Agent, agent_id: AgentId) -> AgentId:
        """Let this very object be the agent of that id; raises as `AgentRuntime` says, and as above."""
        return await _here(self._register_instance(agent_instance, agent_id))

    async def _register_instance(self, agent: Agent, agent_id: AgentId) -> AgentId:
        line = self._connected()
        await self._residents.add_instance(agent, agent_id)
        await self._declared.claim(line, agent_id.type, shared=agent_id.type in self._shared)
        return agent_id

    async def get(
        self, id_or_type: AgentId | AgentType | str, /, key: str = "default", *, lazy: bool = True
    ) -> AgentId:
        """Return an agent's id; unless ``lazy``, make the agent, wherever its type is served.

        Raises:
            UndeliverableException: it was to be made and could not.
        """
        found = id_or_type if isinstance(id_or_type, AgentId) else AgentId(id_or_type, key)
        if not lazy:
            await self.agent_metadata(found)
        return found

    async def try_get_underlying_agent_instance(
        self,
        id: AgentId,
        type: type[T] = cast("type[T]", Agent),  # noqa: B008  # a class
    ) -> T:
        """Return the agent's own object, made if need be.

        Raises:
            AgentNotFoundError: nobody serves its type.
            NotAccessibleError: it lives in another worker.
            TypeError: it is of another class.
        """
        if id.type not in self._residents.types:
            if id.type in (await self.topics())["types"]:
                raise NotAccessibleError(f"{id} lives in another worker: send it a message instead")
            raise AgentNotFoundError(f"there is no agent {id}: nobody serves its type")
        agent = await _here(self._residents.get(id))
        if not isinstance(agent, type):
            raise TypeError(f"{id} is a {agent.__class__.__name__}, not a {type.__name__}")
        return agent

    async def agent_metadata(self, agent: AgentId) -> AgentMetadata:
        """Return what an agent tells of itself, made if need be, wherever it lives."""
        return cast("AgentMetadata", await _here(self._ask(agent, "metadata")))

    async def agent_save_state(self, agent: AgentId) -> Mapping[str, Any]:
        """Return what one agent has become, wherever it lives."""
        return cast("Mapping[str, Any]", await _here(self._ask(agent, "save_state")))

    async def agent_load_state(self, agent: AgentId, state: Mapping[str, Any]) -> None:
        """Let one agent become what it was, wherever it lives."""
        await _here(self._ask(agent, "load_state", dict(state)))

    async def _ask(self, agent: AgentId, method: str, body: Any = None) -> Any:
        post = self._post(body, None, None, agent=agent, method=method)
        line = self._connected()
        return self._values.decode(
            await self._sending.send(line, post, str(agent), token=None, timeout=DEFAULT_TIMEOUT)
        )

    async def save_state(self) -> Mapping[str, Any]:
        """Return what all agents of this worker have become that were ever used, by their ids."""
        return await _here(self._residents.save_state())

    async def load_state(self, state: Mapping[str, Any]) -> None:
        """Let agents of this worker become what `save_state` returned; unknown types are left out."""
        await _here(self._residents.load_state(state))

    # ---- subscriptions

    async def add_subscription(self, subscription: Subscription) -> None:
        """Let messages of its topics go to its agents, whoever serves their type, as long as this worker runs.

        Raises:
            UsageError: there is one of this id, one that does the same, or its kind cannot be told to a host.
        """
        await _here(self._subscribe(subscription))

    async def _subscribe(self, subscription: Subscription) -> None:
        await self._declared.subscribe(self._connected(), subscription)

    async def remove_subscription(self, id: str) -> None:
        """Take a subscription of this worker's back.

        Raises:
            UsageError: it has none of this id.
        """
        await _here(self._unsubscribe(id))

    async def _unsubscribe(self, id: str) -> None:
        await self._declared.unsubscribe(self._connected(), id)

    def add_message_serializer(
        self, serializer: MessageSerializer[Any] | Sequence[MessageSerializer[Any]]
    ) -> None:
        """Let values of these types be sent and read. Any thread.

        Raises:
            UsageError: another class of that name is there.
        """
        self._values.add(serializer)

    async def topics(self) -> dict[str, Any]:
        """Return what the host knows: ``types``, ``subscriptions``, ``workers`` and ``counts``."""
        return await _here(self._topics())

    async def _topics(self) -> dict[str, Any]:
        found = read((await self._connected().ask("topics", "{}")).message, dict)
        if not isinstance(found.get("types"), dict):
            raise ProtocolError("the host told something else than its topics")
        return dict(found)


async def _here(work: Coroutine[Any, Any, T]) -> T:
    """Run a part of a runtime on the background loop, whichever loop waits for it."""
    background = _loop.background()
    if background.here():
        return await work
    return await background.arrive(background.spawn(work))
