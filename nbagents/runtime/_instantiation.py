"""`AgentInstantiationContext`: tells a factory for which agent it is called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from ..exceptions import UsageError
from ..topics import AgentId

if TYPE_CHECKING:
    from ._protocol import AgentRuntime

__all__ = ["AgentInstantiationContext"]

_making: ContextVar[tuple[AgentRuntime, AgentId] | None] = ContextVar("nbagents_making", default=None)


class AgentInstantiationContext:
    """Which agent is being made: for factories, and the ``__init__`` that they call. Never instantiated."""

    def __init__(self) -> None:
        raise UsageError("AgentInstantiationContext is not instantiated: call its class methods")

    @classmethod
    @contextmanager
    def populate_context(cls, ctx: tuple[AgentRuntime, AgentId]) -> Iterator[None]:
        """Let agents that are made inside of this block have that runtime and id."""
        token = _making.set(ctx)
        try:
            yield
        finally:
            _making.reset(token)

    @classmethod
    def leave(cls) -> None:
        """Say that what runs here is a handler, though a factory may have sent the message."""
        if _making.get() is not None:
            _making.set(None)

    @classmethod
    def current_runtime(cls) -> AgentRuntime:
        """Return the runtime that the agent is made for.

        Raises:
            UsageError: no factory runs here.
        """
        return cls._current()[0]

    @classmethod
    def current_agent_id(cls) -> AgentId:
        """Return the id of the agent that is being made.

        Raises:
            UsageError: no factory runs here.
        """
        return cls._current()[1]

    @classmethod
    def is_in_factory_call(cls) -> bool:
        """Is an agent being made here?"""
        return _making.get() is not None

    @classmethod
    def _current(cls) -> tuple[AgentRuntime, AgentId]:
        made = _making.get()
        if made is None:
            raise UsageError(
                "no agent is being made here: AgentInstantiationContext is for what factories call"
            )
        return made
