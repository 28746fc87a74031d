"""`ResidentRuntime`: the half of a runtime that has to do with its own agents, not with messages."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar, cast

from .._loop import background
from ..exceptions import AgentNotFoundError, UsageError
from ..topics import (
    AgentId,
    AgentMetadata,
    AgentType,
    MessageSerializer,
    SerializationRegistry,
    Subscription,
    SubscriptionBook,
)
from ._agent import Agent
from ._protocol import AgentRuntime, Factory
from ._residents import Residents

__all__ = ["ResidentRuntime"]

T = TypeVar("T")


class ResidentRuntime:
    """Agents, subscriptions and serializers of one runtime. Its methods may be awaited on any loop."""

    def __init__(self, *, tracer_provider: Any = None, idle_seconds: float | None = None) -> None:
        if idle_seconds is not None and not idle_seconds > 0:
            raise UsageError(f"idle_seconds is more than 0, not {idle_seconds!r:.60}")
        self._idle_seconds = idle_seconds
        self._releasing: asyncio.Task[None] | None = None
        self._background = background()
        self._residents = Residents(cast("AgentRuntime", self), tracer_provider=tracer_provider)
        self._book = SubscriptionBook()
        self._serializers = SerializationRegistry()
        self._lock = threading.Lock()

    # ---- agents

    async def register_factory(
        self,
        type: str | AgentType,
        agent_factory: Factory,
        *,
        expected_class: type[Any] | None = None,
    ) -> AgentType:
        """Let agents of this type be made by this factory; see `AgentRuntime.register_factory`."""
        with self._lock:
            return self._residents.add_factory(type, agent_factory, expected_class)

    async def register_agent_instance(self, agent_instance: Agent, agent_id: AgentId) -> AgentId:
        """Let this very object be the agent of that id; see `AgentRuntime.register_agent_instance`."""
        return await self._there(self._residents.add_instance(agent_instance, agent_id))

    async def try_get_underlying_agent_instance(self, id: AgentId, type: type[T] = Agent) -> T:  # type: ignore[assignment]
        """Return the agent's own object, made if need be.

        It lives on the background loop: ask it things, and leave its changes to messages.

        Raises:
            AgentNotFoundError: nobody makes agents of this type here.
            TypeError: it is of another class.
        """
        if id.type not in self._residents.types:
            raise AgentNotFoundError(f"there is no agent {id}: no type {id.type} is registered")
        agent = await self._there(self._residents.get(id))
        if not isinstance(agent, type):
            raise TypeError(
                f"Agent with name {id} is not of type {type.__name__}: it is a {agent.__class__.__name__}"
            )
        return agent

    async def get(
        self, id_or_type: AgentId | AgentType | str, /, key: str = "default", *, lazy: bool = True
    ) -> AgentId:
        """Return an agent's id; unless ``lazy``, make the agent; see `AgentRuntime.get`."""
        id = id_or_type if isinstance(id_or_type, AgentId) else AgentId(id_or_type, key)
        if not lazy:
            await self._there(self._residents.get(id))
        return id

    async def save_state(self) -> Mapping[str, Any]:
        """Return what all agents have become that were ever used, by their ids; no subscriptions."""
        return await self._there(self._residents.save_state())

    async def load_state(self, state: Mapping[str, Any]) -> None:
        """Let agents become what `save_state` returned; those of unknown types are left out."""
        await self._there(self._residents.load_state(state))

    async def agent_metadata(self, agent: AgentId) -> AgentMetadata:
        """Return what an agent tells of itself, made if need be."""
        return (await self._there(self._residents.get(agent))).metadata

    async def agent_save_state(self, agent: AgentId) -> Mapping[str, Any]:
        """Return what one agent has become, made if need be."""

        async def save() -> Mapping[str, Any]:
            return await (await self._residents.get(agent)).save_state()

        return await self._there(save())

    async def agent_load_state(self, agent: AgentId, state: Mapping[str, Any]) -> None:
        """Let one agent become what it was."""

        async def load() -> None:
            await (await self._residents.get(agent)).load_state(state)

        await self._there(load())

    # ---- agents that have nothing to do; on the background loop

    def _begin_releasing(self) -> None:
        """Let go of agents that are idle for too long, if that was asked for, until `_end_releasing`."""
        if self._idle_seconds is not None and self._releasing is None:
            self._releasing = asyncio.get_running_loop().create_task(self._release(self._idle_seconds))

    async def _release(self, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds / 2)
            await self._residents.release_idle(seconds)

    def _end_releasing(self) -> None:
        if self._releasing is not None:
            self._releasing.cancel()
            self._releasing = None

    # ---- subscriptions, serializers

    async def add_subscription(self, subscription: Subscription) -> None:
        """Let messages of its topics go to its agents from now on; see `AgentRuntime.add_subscription`."""
        self._book.add(subscription)

    async def remove_subscription(self, id: str) -> None:
        """Take a subscription out; see `AgentRuntime.remove_subscription`."""
        self._book.remove(id)

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        """Who subscribes to what, in the order of subscribing."""
        return self._book.subscriptions

    def add_message_serializer(
        self, serializer: MessageSerializer[Any] | Sequence[MessageSerializer[Any]]
    ) -> None:
        """Let values of these types be sent; see `AgentRuntime.add_message_serializer`.

        Nothing is turned into bytes here. But two types of one name are refused here too.
        """
        with self._lock:
            self._serializers.add_serializer(serializer)

    # ---- the bridge

    async def _there(self, work: Coroutine[Any, Any, T]) -> T:
        """Await work on the background loop, from whichever loop runs here."""
        if self._background.here():
            return await work
        if self._background is not background():
            work.close()
            raise UsageError(
                "a runtime of the parent process cannot be used in a fork of it; make one in the child"
            )
        return await self._background.cross(work)
