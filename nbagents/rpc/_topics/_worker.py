"""`GrpcWorkerAgentRuntime`: the agents of one process that other processes reach through a host."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, TypeVar, cast
from weakref import WeakSet, ref

from ... import _ports
from ...exceptions import (
    AgentNotFoundError,
    AgentTypeTakenError,
    NotAccessibleError,
    ProtocolError,
    UsageError,
)
from ...runtime import DEFAULT_TIMEOUT, Agent, Factory, ResidentRuntime
from ...topics import (
    JSON_DATA_CONTENT_TYPE,
    PROTOBUF_DATA_CONTENT_TYPE,
    AgentId,
    AgentMetadata,
    AgentType,
    CancellationToken,
    Subscription,
    TopicId,
)
from .._steers import read
from ._crossing import cross
from ._declared import Declared
from ._host_link import HostLink
from ._line import Line, Place
from ._messages import Messages
from ._rerun import cell_here, is_left_behind
from ._sending import Sending
from ._signals import ENDING, signalled
from ._taking import Taking
from ._values import Values

__all__ = ["GrpcWorkerAgentRuntime"]

T = TypeVar("T")
log = logging.getLogger(__name__)

_workers: WeakSet[GrpcWorkerAgentRuntime] = WeakSet()
"""Those of this process. On the background loop only."""


class GrpcWorkerAgentRuntime(ResidentRuntime):
    """A runtime whose agents reach those of other workers, and are reached by them, through a host.

    ``host_address`` is where a `GrpcWorkerAgentRuntimeHost`, or any agent server, listens: ``host:port``, or
    ``unix:/path``. Its token is found by the address if this user started it, else it is ``token`` or in
    the file that NBAGENTS_TOKEN_FILE names; a host on another machine proves itself by ``ca``, see
    `RpcAgentClient`. All methods may be awaited on any loop. Agents run on the background loop, so that
    those of a notebook answer while a cell is busy; what blocks belongs on a thread.

    In a notebook the cell of a worker can be run again, also edited, but for the line that makes the worker:
    where the one before serves the same type, and nothing refers to it any more, it ends, and this one serves
    the type.

    A connection that breaks is made again, and nothing is lost or doubled. If the host ends, what was under
    way ends in an error, and the worker looks for a host at that address until it is stopped; a new one is
    told of its types and subscriptions.

    Agents of the host itself are reached too: `AgentId` with an agent's name, or its id, and its workspace
    as the key. ``tracer_provider`` makes spans of what is sent, published and handled, across processes;
    without one they are made where `nbagents.trace` makes those of agents.
    ``extra_grpc_config`` is taken and not used: messages may have 128 MiB without it.
    ``payload_serialization_format`` is preferred where a type can be written in more than one.
    ``shared`` names the types that other workers may serve too, if they say so as well: each agent then
    lives in one of them. ``idle_seconds`` releases agents that have had nothing to do for so long: each keeps
    its state, and is made again with it by its next message.
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
        idle_seconds: float | None = None,
    ) -> None:
        if payload_serialization_format not in (JSON_DATA_CONTENT_TYPE, PROTOBUF_DATA_CONTENT_TYPE):
            raise UsageError(
                f"Unsupported payload serialization format: {payload_serialization_format!r:.60}; "
                f"it is {JSON_DATA_CONTENT_TYPE} or {PROTOBUF_DATA_CONTENT_TYPE}"
            )
        super().__init__(tracer_provider=tracer_provider, idle_seconds=idle_seconds)
        self._shared, self._cell = frozenset(shared), cell_here()
        self._values = Values(self._serializers, self._lock, payload_serialization_format)
        self._declared, sending = Declared(self._book), Sending()
        taking = Taking(self._residents, self._values)
        place = Place(host_address, token, ca, insecure)
        self._link = HostLink(place, self._declared, sending, taking)
        self._host = place.address
        self._background.post(_workers.add, self)
        self._messages = Messages(self._link, sending, self._values, self._residents.spans)

    def __repr__(self) -> str:
        state = "runs" if self._link.running else "does not run"
        types = ", ".join(sorted(self._residents.types)) or "no types"
        return f"<GrpcWorkerAgentRuntime of {self._host} {state}: {types}>"

    # ---- its life

    @property
    def host_address(self) -> str:
        """Where its host is, as it was given."""
        return self._link.address

    @property
    def is_running(self) -> bool:
        """Was it started, and not stopped?"""
        return self._link.running

    async def start(self) -> None:
        """Connect to the host; one that is just being started is waited for, five seconds.

        After `stop` it can be started again, with what was registered.

        Raises:
            RuntimeStateError: it runs already.
            AgentServerNotAliveError: no host answers there.
            AuthenticationError: no token is known for that host, or it was refused.
            AgentTypeTakenError: a type that was registered before is another worker's by now.
        """
        await self._there(self._start())

    async def _start(self) -> None:
        _ports.traced()
        await self._link.start()
        self._begin_releasing()

    async def stop(self) -> None:
        """Leave: take nothing more, let handlers end, 30 seconds at most, and tell how they ended.

        The types and subscriptions are free at once; what was published is with its recipients, those of
        this worker too. Agents keep what they are.

        Raises:
            RuntimeStateError: it does not run.
        """
        await self._there(self._stop())

    async def _stop(self) -> None:
        await self._link.stop()
        if not self._link.running:  # nobody has started it again meanwhile
            self._end_releasing()

    async def stop_when_signal(self, signals: Sequence[signal.Signals] = ENDING) -> None:
        """Wait for one of the signals, then `stop`; raises as that does, or `UsageError` off main thread."""
        if not self._link.running:
            self._link.line()  # says so
        await signalled(signals)
        await self.stop()

    async def close(self) -> None:
        """Stop, if it runs, and close its agents."""
        if self._link.running:
            await self.stop()
        await self._there(self._residents.close())

    # ---- messages

    async def send_message(
        self,
        message: Any,
        recipient: AgentId,
        *,
        sender: AgentId | None = None,
        cancellation_token: CancellationToken | None = None,
        message_id: str | None = None,
        timeout: float | None = DEFAULT_TIMEOUT,  # noqa: ASYNC109  # the caller says how long
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
        return await self._messages.send(message, recipient, sender, cancellation_token, message_id, timeout)

    async def stream_message(
        self,
        message: Any,
        recipient: AgentId,
        *,
        sender: AgentId | None = None,
        cancellation_token: CancellationToken | None = None,
        message_id: str | None = None,
        timeout: float | None = DEFAULT_TIMEOUT,  # noqa: ASYNC109  # the caller says how long
    ) -> AsyncGenerator[Any, None]:
        """Send a message and yield what its handler yields, as it comes; a plain handler's reply alone.

        Leaving the loop, or closing the generator, cancels the handler's token. Raises what `send_message`
        does.
        """
        work = self._messages.stream(message, recipient, sender, cancellation_token, message_id, timeout)
        if self._background.here():
            async with aclosing(work):
                async for value in work:
                    yield value
            return
        end = object()

        async def step() -> Any:  # asyncio asks for a coroutine
            return await anext(work, end)

        try:
            while (value := await self._there(step())) is not end:
                yield value
        finally:
            await self._there(work.aclose())

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
        await self._messages.publish(message, topic_id, sender, cancellation_token, message_id)

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

        ``shared``, by default whether the runtime's ``shared`` names the type, lets others serve it too.

        Raises:
            UsageError: the type is taken in this worker, also if the host has refused it before.
            AgentTypeTakenError: another worker serves it. The type stays claimed in this worker all the same:
                to register it here once more is a `UsageError`, whoever serves it by then.
            RuntimeStateError, ServerLostError: there is no host.
        """
        kind = type if isinstance(type, AgentType) else AgentType(type)
        await cross(self._background, self._register(kind, agent_factory, expected_class, shared))
        return kind

    async def _register(self, kind: AgentType, factory: Factory, expected: Any, shared: bool | None) -> None:
        line = self._link.line()
        self._residents.add_factory(kind, factory, expected)
        await self._claim(line, kind.type, kind.type in self._shared if shared is None else shared)

    async def _claim(self, line: Line, agent_type: str, shared: bool) -> None:
        try:
            await self._declared.claim(line, agent_type, shared=shared)
        except AgentTypeTakenError:
            holder = self._before(agent_type)
            if holder is None:
                raise
            text = "%s is served by this worker now: the cell of the one before was run again, which ends"
            log.warning(text, agent_type)
            await asyncio.ensure_future(holder._link.hand_over())  # it asks for its task
            holder._end_releasing()
            await self._declared.claim(line, agent_type, shared=shared)

    def _before(self, agent_type: str) -> GrpcWorkerAgentRuntime | None:
        """Return the worker of this one's cell that was left behind, if it serves the type."""
        for known in [ref(one) for one in _workers]:  # a list of themselves would have them
            one = known()
            if one is not None and one._is_in_the_way(self, agent_type):
                return one
        return None

    def _is_in_the_way(self, newer: GrpcWorkerAgentRuntime, agent_type: str) -> bool:
        """Does it serve a type that a newer one wants, and can nobody stop it any more?"""
        there = self._link.running and self.host_address == newer.host_address
        if not there or agent_type not in self._declared.types:
            return False
        agents = map(self._residents.find, self._residents.ids)  # a comprehension would have this one
        own = self._residents, *agents, self._releasing and self._releasing.get_coro()
        return is_left_behind(self, self._cell, newer._cell, own)

    async def register_agent_instance(self, agent_instance: Agent, agent_id: AgentId) -> AgentId:
        """Let this very object be the agent of that id; raises as `AgentRuntime` says, and as above."""
        return await self._there(self._register_instance(agent_instance, agent_id))

    async def _register_instance(self, agent: Agent, agent_id: AgentId) -> AgentId:
        line = self._link.line()
        await self._residents.add_instance(agent, agent_id)
        await self._claim(line, agent_id.type, agent_id.type in self._shared)
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
        type: type[T] = Agent,  # type: ignore[assignment]  # as AutoGen has it
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
        agent = await self._there(self._residents.get(id))
        if not isinstance(agent, type):
            raise TypeError(f"{id} is a {agent.__class__.__name__}, not a {type.__name__}")
        return agent

    async def agent_metadata(self, agent: AgentId) -> AgentMetadata:
        """Return what an agent tells of itself, made if need be, wherever it lives."""
        return cast("AgentMetadata", await self._messages.ask(agent, "metadata"))

    async def agent_save_state(self, agent: AgentId) -> Mapping[str, Any]:
        """Return what one agent has become, wherever it lives."""
        return cast("Mapping[str, Any]", await self._messages.ask(agent, "save_state"))

    async def agent_load_state(self, agent: AgentId, state: Mapping[str, Any]) -> None:
        """Let one agent become what it was, wherever it lives."""
        await self._messages.ask(agent, "load_state", dict(state))

    # ---- subscriptions

    async def add_subscription(self, subscription: Subscription) -> None:
        """Let messages of its topics go to its agents, whoever serves them, as long as this worker runs.

        Raises:
            UsageError: there is one of this id, one that does the same, or its kind cannot be told to a host.
        """
        await cross(self._background, self._subscribe(subscription))

    async def _subscribe(self, subscription: Subscription) -> None:
        await self._declared.subscribe(self._link.line(), subscription)

    async def remove_subscription(self, id: str) -> None:
        """Take a subscription of this worker's back.

        Raises:
            UsageError: it has none of this id.
        """
        await self._there(self._unsubscribe(id))

    async def _unsubscribe(self, id: str) -> None:
        await self._declared.unsubscribe(self._link.line(), id)

    async def topics(self) -> dict[str, Any]:
        """Return what the host knows: ``types``, ``subscriptions``, ``workers`` and ``counts``."""
        return await self._there(self._topics())

    async def _topics(self) -> dict[str, Any]:
        found = read((await self._link.line().ask("topics", "{}")).message, dict)
        if not isinstance(found.get("types"), dict):
            raise ProtocolError("the host told something else than its topics")
        return dict(found)
