"""`SingleThreadedAgentRuntime`: all agents in this process, on the background loop."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from typing import Any
from weakref import WeakValueDictionary

from .. import _ports
from .._ids import next_call_id
from ..exceptions import DeadlockError, RuntimeStateError, UsageError
from ..topics import (
    AgentId,
    CancellationToken,
    TopicId,
    handling,
)
from ._deliveries import Deliveries
from ._envelopes import Chunks, Direct, Published
from ._intervention import InterventionHandler, Interventions
from ._protocol import DEFAULT_TIMEOUT
from ._resident_runtime import ResidentRuntime

__all__ = ["SingleThreadedAgentRuntime", "open_runtimes"]

ROOM = 10_000
"""Messages that may be on their way before whoever sends one more has to wait."""
GRACE = 5.0
"""Seconds that running handlers are given when a runtime is stopped."""


_numbers = itertools.count()
_living: WeakValueDictionary[int, SingleThreadedAgentRuntime] = WeakValueDictionary()


def open_runtimes() -> list[SingleThreadedAgentRuntime]:
    """Return those of this process that are not closed, the oldest first."""
    return [runtime for _, runtime in sorted(_living.items()) if not runtime._deliveries.closed]


class SingleThreadedAgentRuntime(ResidentRuntime):
    """Brings messages to agents of this process.

    Handlers run on the background loop, one thread for all, so a busy cell does not hold them up, and a
    handler that blocks holds up all others. Methods may be awaited on any loop; what they do happens in the
    order of the calls. Messages are passed as they are, not copied.

    Messages that are published before `start` are delivered then. Once stopped it may be started again.

    Args:
        intervention_handlers: look at each message before it is delivered, each at what the one before it
            has made of it.
        tracer_provider: an OpenTelemetry provider: each handler runs in a span of it. Without one it does
            where `nbagents.trace` makes spans of agents.
        ignore_unhandled_exceptions: what handlers of published messages raise is only logged. Else the first
            such error is raised by the next `process_next`, `stop`, `stop_when`, `stop_when_idle` or `close`.
        room: how many messages may be on their way before whoever sends one more has to wait.
        idle_seconds: release agents that have had nothing to do for so long; each keeps its state, and is
            made again with it.

    >>> import asyncio
    >>> from nbagents.runtime import RoutedAgent, message_handler
    >>> from nbagents.topics import AgentId, MessageContext
    >>> class Greeter(RoutedAgent):
    ...     @message_handler
    ...     async def greet(self, message: str, ctx: MessageContext) -> str:
    ...         return f"Hello {message}"
    >>> async def main():
    ...     runtime = SingleThreadedAgentRuntime()
    ...     await Greeter.register(runtime, "greeter", lambda: Greeter("greets"))
    ...     runtime.start()
    ...     reply = await runtime.send_message("you", AgentId("greeter", "default"))
    ...     await runtime.stop_when_idle()
    ...     return reply
    >>> asyncio.run(main())
    'Hello you'
    """

    def __init__(
        self,
        *,
        intervention_handlers: Sequence[InterventionHandler] | None = None,
        tracer_provider: Any = None,
        ignore_unhandled_exceptions: bool = True,
        room: int = ROOM,
        idle_seconds: float | None = None,
    ) -> None:
        if room < 1:
            raise UsageError("room is at least 1")
        super().__init__(tracer_provider=tracer_provider, idle_seconds=idle_seconds)
        self._ignore = ignore_unhandled_exceptions
        self._started = False
        self._deliveries = Deliveries(self._residents, self._book, Interventions(intervention_handlers), room)
        _living[next(_numbers)] = self

    # ---- messages

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
        """Send a message to one agent and return its reply; see `AgentRuntime.send_message`.

        Where the runtime is not started within 5 seconds, and does not `process_next`, this fails.
        """
        return await self._there(
            self._send(message, recipient, sender, cancellation_token, message_id, timeout)
        )

    async def _send(
        self,
        message: Any,
        recipient: AgentId,
        sender: AgentId | None,
        token: CancellationToken | None,
        id: str | None,
        seconds: float | None,
        chunks: Chunks | None = None,
    ) -> Any:
        if not isinstance(recipient, AgentId):
            raise UsageError(f"a message is sent to an AgentId, not to {recipient!r:.60}")
        envelope = Direct(message, recipient, sender, token, id or next_call_id(), chunks)
        return await self._deliveries.send(envelope, seconds)

    async def stream_message(
        self,
        message: Any,
        recipient: AgentId,
        *,
        sender: AgentId | None = None,
        cancellation_token: CancellationToken | None = None,
        message_id: str | None = None,
        timeout: float | None = DEFAULT_TIMEOUT,  # noqa: ASYNC109  # the same
    ) -> AsyncGenerator[Any, None]:
        """Send a message and yield what its handler yields, as it comes; see `AgentRuntime`."""
        there = self._background
        box: list[tuple[Chunks, asyncio.Task[Any]]] = []

        async def begin() -> None:
            chunks = Chunks()
            work = self._send(message, recipient, sender, cancellation_token, message_id, timeout, chunks)
            task = asyncio.get_running_loop().create_task(work)
            task.add_done_callback(chunks.end)
            box.append((chunks, task))

        await self._there(begin())
        chunks, task = box[0]
        try:
            while values := await self._there(chunks.take()):
                for value in values:
                    yield value
            reply = await self._there(_result(task))
            if not chunks.any:
                yield reply
        finally:
            there.post(_end, task)

    async def publish_message(
        self,
        message: Any,
        topic_id: TopicId,
        *,
        sender: AgentId | None = None,
        cancellation_token: CancellationToken | None = None,
        message_id: str | None = None,
    ) -> None:
        """Take a message for all who subscribe to its topic; see `AgentRuntime.publish_message`."""
        if not isinstance(topic_id, TopicId):
            raise UsageError(f"a message is published to a TopicId, not to {topic_id!r:.60}")
        envelope = Published(
            message, topic_id, sender, cancellation_token or CancellationToken(), message_id or next_call_id()
        )
        await self._there(self._deliveries.publish(envelope))

    async def topics(self) -> dict[str, Any]:
        """Return who lives here, who subscribes to what, and how much has passed.

        ``types`` are the agent types, ``subscriptions`` the `Subscription` objects; ``topics`` has for each
        topic type how many messages it has had, how many agents they went to, and how many are under way.
        """
        return await self._there(self._topics())

    async def _topics(self) -> dict[str, Any]:
        counted, opened = self._deliveries.traffic.counts(), self._deliveries.open()
        return {
            "types": sorted(self._residents.types),
            "subscriptions": list(self.subscriptions),
            "topics": {
                name: (*counted.get(name, (0, 0)), opened[name])
                for name in dict.fromkeys([*counted, *opened])
            },
        }

    # ---- its life

    def start(self) -> None:
        """Deliver messages from now on, in the background. Needs no running loop.

        Raises:
            RuntimeStateError: it is started already.
        """
        with self._lock:
            if self._started:
                raise RuntimeStateError("Runtime is already started", hint="await runtime.stop()")
            self._started = True
        _ports.traced()
        self._background.post(self._start)

    def _start(self) -> None:
        self._deliveries.start()
        self._begin_releasing()

    @property
    def unprocessed_messages_count(self) -> int:
        """How many messages are queued; those whose handlers run do not count."""
        return self._deliveries.queued

    async def process_next(self) -> None:
        """Deliver one queued message, or wait a moment for one to come. For runtimes that are not started.

        Returns when its handlers have begun.

        Raises:
            RuntimeStateError: it is started, and does that by itself.
            Exception: see ``ignore_unhandled_exceptions``.
        """
        if self._started:
            raise RuntimeStateError("a runtime that is started processes its messages by itself")
        self._raise_failure()
        await self._there(self._deliveries.step())

    async def stop(self, grace: float = GRACE) -> None:
        """Stop delivering. What is queued is dropped, and its senders get an error.

        Handlers that run may end within ``grace`` seconds, then they are cancelled. Agents stay as they are.

        Raises:
            RuntimeStateError: it is not started.
            Exception: see ``ignore_unhandled_exceptions``.
        """
        self._check_started()
        await self._there(self._stop(grace))
        self._raise_failure()

    async def stop_when_idle(self) -> None:
        """Wait until no message is queued and no handler runs, then stop. Raises as `stop` does."""
        await self._stop_after(self._deliveries.idle())

    async def stop_when(self, condition: Callable[[], bool]) -> None:
        """Wait until ``condition()`` is true, then stop as `stop` does. It is called often, on the loop."""
        await self._stop_after(self._deliveries.until(condition))

    async def close(self) -> None:
        """Stop if it is started, close all agents, and refuse messages until it is started again.

        Agents that factories made are forgotten, with what they have become: save that before.
        """
        if self._started:
            await self._there(self._stop(GRACE))
        await self._there(self._close())
        self._raise_failure()

    async def _stop_after(self, wait: Coroutine[Any, Any, None]) -> None:
        try:
            self._check_started()
            if handling.get() is not None:
                raise DeadlockError(
                    "a handler cannot wait until its runtime has nothing to do: it is what there is to do",
                    hint="await self.runtime.stop()",
                )
        except BaseException:
            wait.close()
            raise
        await self._there(wait)
        await self._there(self._stop(GRACE))
        self._raise_failure()

    async def _stop(self, grace: float) -> None:
        if not self._started:  # somebody else was faster
            return
        self._end_releasing()
        await self._deliveries.stop(grace)
        with self._lock:
            self._started = False

    async def _close(self) -> None:
        self._deliveries.closed = True
        self._deliveries.refuse_all()
        await self._residents.close()

    def _check_started(self) -> None:
        if not self._started:
            raise RuntimeStateError("Runtime is not started", hint="runtime.start()")

    def _raise_failure(self) -> None:
        failure, self._deliveries.failure = self._deliveries.failure, None
        if failure is not None and not self._ignore:
            raise failure


async def _result(task: asyncio.Task[Any]) -> Any:
    return await task


def _end(task: asyncio.Task[Any]) -> None:
    task.cancel()
    if task.done() and not task.cancelled():
        task.exception()  # it was, or will not be, told: whoever streams has left
