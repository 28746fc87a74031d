"""`AgentRuntime`: what agents and programs ask of a runtime, in one process or over many."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

from ..topics import (
    AgentId,
    AgentMetadata,
    AgentType,
    CancellationToken,
    MessageSerializer,
    Subscription,
    TopicId,
)
from ._agent import Agent

__all__ = ["DEFAULT_TIMEOUT", "AgentRuntime", "Factory"]

T = TypeVar("T")

DEFAULT_TIMEOUT = 300.0
"""Seconds after which a direct message without a reply ends in an error, where nobody says otherwise."""
Factory = Callable[..., Agent | Awaitable[Agent]]
"""Makes an agent: a function, or a coroutine function, without arguments."""


@runtime_checkable
class AgentRuntime(Protocol):
    """Brings messages to agents. Its methods may be awaited on any loop."""

    async def send_message(
        self,
        message: Any,
        recipient: AgentId,
        *,
        sender: AgentId | None = None,
        cancellation_token: CancellationToken | None = None,
        message_id: str | None = None,
        timeout: float | None = DEFAULT_TIMEOUT,  # noqa: ASYNC109  # how long is the caller's to say
    ) -> Any:
        """Send a message to one agent and return its reply, from a handler that streams the last value.

        Raises:
            UndeliverableException: there is no such agent, it could not be made, or the runtime has stopped.
            CantHandleException: the agent takes no such message.
            MessageDroppedException: an intervention handler has dropped it.
            CallTimeoutError: no reply within ``timeout`` seconds; None waits as long as it takes.
            CallCancelledError: the token was cancelled, or the runtime was stopped meanwhile.
            OverloadedError: there was no room for one more message in time.
            Exception: what the handler has raised.
        """
        ...

    def stream_message(
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

        Leaving the loop, or closing the generator, stops the handler. Raises what `send_message` does.
        """
        ...

    async def publish_message(
        self,
        message: Any,
        topic_id: TopicId,
        *,
        sender: AgentId | None = None,
        cancellation_token: CancellationToken | None = None,
        message_id: str | None = None,
    ) -> None:
        """Take a message for all who subscribe to its topic, but for the very agent that sends it.

        Returns when it is queued. What a handler raises is logged, and never comes back here.

        Raises:
            UndeliverableException: the runtime has been closed.
            OverloadedError: there was no room for one more message in time.
        """
        ...

    async def register_factory(
        self,
        type: str | AgentType,
        agent_factory: Factory,
        *,
        expected_class: type[Any] | None = None,
    ) -> AgentType:
        """Let agents of this type be made by this factory, each at its first message.

        Raises:
            UsageError: the type is taken.
        """
        ...

    async def register_agent_instance(self, agent_instance: Agent, agent_id: AgentId) -> AgentId:
        """Let this very object be the agent of that id.

        Raises:
            UsageError: the id is taken, its type has a factory or is of another class, or the agent is bound
                to another id or runtime.
        """
        ...

    async def try_get_underlying_agent_instance(self, id: AgentId, type: type[T] = ...) -> T:
        """Return the agent's own object, made if need be.

        Raises:
            AgentNotFoundError: nobody makes agents of this type here.
            NotAccessibleError: it lives in another process.
            TypeError: it is of another class.
        """
        ...

    async def get(
        self, id_or_type: AgentId | AgentType | str, /, key: str = "default", *, lazy: bool = True
    ) -> AgentId:
        """Return an agent's id; unless ``lazy``, make the agent.

        Raises:
            UndeliverableException: it was to be made and could not.
        """
        ...

    async def save_state(self) -> Mapping[str, Any]:
        """Return what all agents have become that were ever used, by their ids."""
        ...

    async def load_state(self, state: Mapping[str, Any]) -> None:
        """Let agents become what `save_state` returned; those of unknown types are left out."""
        ...

    async def agent_metadata(self, agent: AgentId) -> AgentMetadata:
        """Return what an agent tells of itself, made if need be."""
        ...

    async def agent_save_state(self, agent: AgentId) -> Mapping[str, Any]:
        """Return what one agent has become."""
        ...

    async def agent_load_state(self, agent: AgentId, state: Mapping[str, Any]) -> None:
        """Let one agent become what it was."""
        ...

    async def add_subscription(self, subscription: Subscription) -> None:
        """Let messages of its topics go to its agents from now on.

        Raises:
            UsageError: there is one of this id, or one that does the same.
        """
        ...

    async def remove_subscription(self, id: str) -> None:
        """Take a subscription out.

        Raises:
            UsageError: there is none of this id.
        """
        ...

    def add_message_serializer(
        self, serializer: MessageSerializer[Any] | Sequence[MessageSerializer[Any]]
    ) -> None:
        """Let values of these types be sent.

        Raises:
            UsageError: another class of that name is there.
        """
        ...
