"""`Residents`: the agents that live in one runtime, their factories, and how a message gets to one.

Shared by the runtime of one process and the worker of many. Lives on one event loop and has no locks
but those that order who enters; knows no queue, no topics and no wire.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from types import AsyncGeneratorType
from typing import TYPE_CHECKING, Any

from .. import _ports
from ..exceptions import AgentNotFoundError, DeadlockError, NbAgentsError, UndeliverableException, UsageError
from ..topics import AgentId, AgentType, MessageContext, handling
from ._agent import Agent
from ._instantiation import AgentInstantiationContext
from ._turns import Turns, leave_turns

if TYPE_CHECKING:
    from ._protocol import AgentRuntime, Factory

__all__ = ["OnChunk", "Residents"]

log = logging.getLogger(__name__)

MAKING = 120.0
"""Seconds that a factory may take."""
CLOSING = 10.0
"""Seconds that an agent may take to close."""

OnChunk = Callable[[Any], Awaitable[None]]
"""Takes a value that a streaming handler has yielded; while it is awaited the handler waits."""


class _Resident:
    __slots__ = ("agent", "busy", "last", "stays", "turns")

    def __init__(self, agent: Agent, turns: Turns | None, stays: bool) -> None:
        self.agent, self.turns, self.stays = agent, turns, stays
        self.busy = 0
        self.last = time.monotonic()


_made_here: ContextVar[tuple[tuple[Residents, AgentId], ...]] = ContextVar("nbagents_made_here", default=())
"""The agents whose factories wait for what runs here."""


class Residents:
    """Factories by type, agents by id. On the runtime's loop only, but for `types` and `add_factory`."""

    def __init__(self, runtime: AgentRuntime, *, tracer_provider: Any = None) -> None:
        self._runtime = runtime
        self.spans = _ports.message_spans(tracer_provider)
        """Those of the messages that are sent and handled here."""
        self._factories: dict[str, tuple[Factory, type[Any] | None]] = {}
        self._classes: dict[str, type[Any]] = {}  # of types that have instances instead of a factory
        self._agents: dict[AgentId, _Resident] = {}
        self._doors: dict[AgentId, _Door] = {}
        self._parked: dict[AgentId, Mapping[str, Any]] = {}

    # ---- who may live here

    @property
    def types(self) -> frozenset[str]:
        """The types of agents that live here, or can be made."""
        return frozenset(self._factories) | frozenset(self._classes)

    @property
    def ids(self) -> tuple[AgentId, ...]:
        """The agents that have been made and are still here."""
        return tuple(self._agents)

    def add_factory(
        self, type: str | AgentType, factory: Factory, expected_class: type[Any] | None = None
    ) -> AgentType:
        """Let agents of this type be made by this factory, each at its first message, one at a time.

        The factory takes no arguments, or the runtime and the id. It is called on the loop: one that takes
        its time is ``async def``.

        Raises:
            UsageError: the type is taken, or is none.
        """
        kind = type if isinstance(type, AgentType) else AgentType(type)
        AgentId(kind, "default")  # it must be fit for ids
        if kind.type in self._factories or kind.type in self._classes:
            raise UsageError(
                f"Agent with type {kind.type} already exists: register each type once in a runtime, "
                "or under another name"
            )
        self._factories[kind.type] = (factory, expected_class)
        return kind

    async def add_instance(self, agent: Agent, id: AgentId) -> AgentId:
        """Let this very object be the agent of that id, for as long as the runtime lives.

        Raises:
            UsageError: the id is taken, its type has a factory or is of another class, or the agent is bound
                to another id or runtime.
        """
        if id in self._agents or id in self._doors:
            raise UsageError(f"Agent with id {id} already exists")
        if id.type in self._factories:
            raise UsageError(f"agents of type {id.type} are made by a factory: give instances another type")
        kind = type(agent)
        if self._classes.get(id.type, kind) is not kind:
            raise UsageError(
                f"agents of type {id.type} are of class {self._classes[id.type].__name__}, "
                f"not {kind.__name__}"
            )
        await agent.bind_id_and_runtime(id=id, runtime=self._runtime)
        self._classes[id.type] = kind
        self._agents[id] = _Resident(agent, _turns(agent), stays=True)
        return id

    # ---- messages

    async def get(self, id: AgentId) -> Agent:
        """Return an agent, made by its factory if it is not there yet, once however many ask.

        Raises:
            UndeliverableException: nobody makes agents of this type here, or the factory has failed; its
                own error is the cause.
        """
        resident = await self._enter(id)
        resident.last = time.monotonic()  # whoever asks for it wants something of it
        return resident.agent

    async def handle(
        self, message: Any, recipient: AgentId, ctx: MessageContext, *, on_chunk: OnChunk | None = None
    ) -> Any:
        """Have an agent handle a message and return its reply; cancel the task to stop it.

        Calls that are begun in one order begin in that order, also while the agent is still being made.
        Of a handler that streams, each value is given to ``on_chunk``, and the last is the reply. Where there
        is a tracer, it runs in a span.

        Raises:
            UndeliverableException: there is no such agent, or it could not be made.
            Exception: what its handler raises.
        """
        resident = self._agents.get(recipient)
        if not ctx.is_rpc:  # nobody waits for it, in whatever turn or factory it was published
            leave_turns()
            if _made_here.get():
                _made_here.set(())
        if resident is None or (self._doors and recipient in self._doors):
            resident = await self._enter(recipient)
        AgentInstantiationContext.leave()
        resident.busy += 1
        before = handling.set(recipient)
        try:
            if self.spans.on:
                about = _about(recipient, ctx)
                with self.spans.span("process", recipient.type, sends=False, about=about):
                    return await _ask_in_turn(resident, message, recipient, ctx, on_chunk)
            if resident.turns is None:
                reply = await resident.agent.on_message(message, ctx)
                return reply if type(reply) is not AsyncGeneratorType else await _last(reply, on_chunk)
            return await _ask_in_turn(resident, message, recipient, ctx, on_chunk)
        finally:
            handling.reset(before)
            resident.busy -= 1
            resident.last = time.monotonic()

    async def _enter(self, id: AgentId) -> _Resident:
        """Return who lives there, in the order of asking."""
        resident = self._agents.get(id)
        if resident is not None and id not in self._doors:
            return resident
        async with self._door(id):
            resident = self._agents.get(id)
            if resident is None:
                resident = self._agents[id] = await self._make(id)
            return resident

    def _door(self, id: AgentId) -> _Door:
        door = self._doors.get(id)
        if door is None:
            door = self._doors[id] = _Door(self._doors, id)
        elif (self, id) in _made_here.get():
            raise DeadlockError(f"the factory of {id} waits for {id} itself, which it is to make")
        return door

    async def _make(self, id: AgentId) -> _Resident:
        if id.type not in self._factories:
            if id.type in self._classes:
                raise UndeliverableException(
                    f"there is no agent {id}: those of type {id.type} are registered one by one"
                )
            known = ", ".join(sorted(self.types)) or "none"
            raise UndeliverableException(f"there is no agent {id}: no type {id.type} is registered ({known})")
        factory, expected = self._factories[id.type]
        try:
            async with asyncio.timeout(MAKING) as limit:
                agent = await self._call(factory, id)
                if expected is not None and not isinstance(agent, expected):
                    raise _another(id.type, expected, type(agent))
                await agent.bind_id_and_runtime(id=id, runtime=self._runtime)
                if id in self._parked:
                    await agent.load_state(self._parked[id])
                    del self._parked[id]
        except Exception as error:
            why = f"its factory took longer than {MAKING:g} s" if limit.expired() else _named(error)
            hint = getattr(error, "hint", None)
            raise UndeliverableException(f"the agent {id} could not be made: {why}", hint=hint) from error
        return _Resident(agent, _turns(agent), stays=False)

    async def _call(self, factory: Factory, id: AgentId) -> Agent:
        before = _made_here.set((*_made_here.get(), (self, id)))
        try:
            with AgentInstantiationContext.populate_context((self._runtime, id)):
                made = factory(self._runtime, id) if _takes_two(factory) else factory()
                agent = await made if inspect.isawaitable(made) else made
        finally:
            _made_here.reset(before)
        if not isinstance(agent, Agent):
            raise UsageError(f"the factory of {id.type} made a {type(agent).__name__}, which is no agent")
        return agent

    # ---- what they have become

    async def save_state(self) -> dict[str, Any]:
        """Return what all agents have become that were ever used, by their ids."""
        state = {str(id): dict(kept) for id, kept in self._parked.items()}
        for id, resident in [*self._agents.items()]:
            state[str(id)] = dict(await resident.agent.save_state())
        return state

    async def load_state(self, state: Mapping[str, Any]) -> None:
        """Make the agents whose types are known here, and let them become what they were.

        Raises:
            UsageError: a key is no agent's id.
        """
        for id, kept in [(AgentId.from_str(key), kept) for key, kept in state.items()]:
            if id in self._agents or id.type in self._factories:
                self._parked.pop(id, None)
                await (await self.get(id)).load_state(kept)

    async def release_idle(self, seconds: float) -> list[AgentId]:
        """Let go of agents that have handled nothing for so long; return who they were.

        What each has become is kept, and given to the one that its factory makes at the next message.
        An agent whose state cannot be saved stays. Instances that were registered stay.
        """
        released = []
        for id, resident in [*self._agents.items()]:
            since = time.monotonic() - resident.last
            if resident.stays or resident.busy or since < seconds or id in self._doors:
                continue
            async with self._door(id):
                if resident.busy or self._agents.get(id) is not resident:
                    continue
                try:
                    kept = await resident.agent.save_state()
                except Exception:
                    log.exception("an idle agent stays, since it could not save its state [%s]", id)
                    continue
                if kept:
                    self._parked[id] = kept
                del self._agents[id]
                released.append(id)
                await _close(resident.agent, id)
        return released

    async def close(self) -> None:
        """Close all agents at once, and forget those that factories made. Their errors are logged."""
        agents = [*self._agents.items()]
        self._agents = {id: resident for id, resident in agents if resident.stays}
        self._parked.clear()
        await asyncio.gather(*(_close(resident.agent, id) for id, resident in agents))

    def find(self, id: AgentId) -> Agent:
        """Return an agent that is here now, without making it.

        Raises:
            AgentNotFoundError: it is not here.
        """
        if id not in self._agents:
            raise AgentNotFoundError(f"there is no agent {id} here, or not yet")
        return self._agents[id].agent


class _Door:
    """Lets those who want one agent in by one, in their order, until nobody waits any more."""

    __slots__ = ("_doors", "_id", "_lock", "_wanted")

    def __init__(self, doors: dict[AgentId, _Door], id: AgentId) -> None:
        self._doors, self._id = doors, id
        self._lock, self._wanted = asyncio.Lock(), 0

    async def __aenter__(self) -> None:
        self._wanted += 1
        try:
            await self._lock.acquire()
        except BaseException:
            self._leave()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._lock.release()
        self._leave()

    def _leave(self) -> None:
        self._wanted -= 1
        if not self._wanted:
            del self._doors[self._id]


async def _ask(agent: Agent, message: Any, ctx: MessageContext, on_chunk: OnChunk | None) -> Any:
    reply = await agent.on_message(message, ctx)
    return reply if type(reply) is not AsyncGeneratorType else await _last(reply, on_chunk)


async def _last(chunks: AsyncGeneratorType[Any, Any], on_chunk: OnChunk | None) -> Any:
    last = None
    try:
        async for last in chunks:
            if on_chunk is not None:
                await on_chunk(last)
    finally:
        await chunks.aclose()
    return last


async def _ask_in_turn(
    resident: _Resident, message: Any, recipient: AgentId, ctx: MessageContext, on_chunk: OnChunk | None
) -> Any:
    if resident.turns is None:
        return await _ask(resident.agent, message, ctx, on_chunk)
    async with resident.turns.turn(recipient, ctx.is_rpc):
        return await _ask(resident.agent, message, ctx, on_chunk)


def _about(recipient: AgentId, ctx: MessageContext) -> dict[str, str]:
    told = {"nbagents.recipient": str(recipient), "messaging.message.id": ctx.message_id}
    if ctx.sender is not None:
        told["nbagents.sender"] = str(ctx.sender)
    if ctx.topic_id is not None:
        told["nbagents.topic"] = str(ctx.topic_id)
    return told


async def _close(agent: Agent, id: AgentId) -> None:
    try:
        async with asyncio.timeout(CLOSING):
            await agent.close()
    except Exception:
        log.exception("an agent failed to close [%s]", id)


def _turns(agent: Agent) -> Turns | None:
    at_once = getattr(agent, "concurrency", None)
    return None if at_once is None else Turns(at_once)


def _takes_two(factory: Factory) -> bool:
    try:
        parameters = inspect.signature(factory).parameters.values()
    except (TypeError, ValueError):
        return False
    return (
        sum(each.default is each.empty and each.kind is each.POSITIONAL_OR_KEYWORD for each in parameters)
        == 2
    )


def _another(kind: str, expected: type[Any], made: type[Any]) -> UsageError:
    """Say that a factory made something else than was registered."""
    text = f"the factory of {kind} is to make a {expected.__name__}, and made a {made.__name__}"
    if (made.__module__, made.__qualname__) != (expected.__module__, expected.__qualname__):
        return UsageError(text)
    return UsageError(
        f"{text} of another definition",
        hint="the class was defined again after the type was registered: stop this runtime, and make and "
        "register it again",
    )


def _named(error: Exception) -> str:
    return str(error) if isinstance(error, NbAgentsError) else f"{type(error).__name__}: {error}"
