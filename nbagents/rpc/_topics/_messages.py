"""`Messages`: what one worker sends, publishes and asks, as values go in and come out."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from ... import context, events, recording
from ..._ids import next_call_id
from ...runtime import DEFAULT_TIMEOUT, turns_here
from ...tools import Policy
from ...tools._policy import standing_policy
from ...topics import AgentId, CancellationToken, TopicId
from .._proto import agent_pb2 as pb
from ._host_link import HostLink
from ._seen import seen
from ._sending import Sending
from ._tracing import Tracing
from ._values import Values

__all__ = ["Messages"]

PUBLISH_SECONDS = 60.0
"""How long a message to a topic may wait for its host; that refuses it sooner if it has no room."""


class Messages:
    """The messages that leave one worker. On the background loop only; see `GrpcWorkerAgentRuntime`."""

    def __init__(self, link: HostLink, sending: Sending, values: Values, tracing: Tracing) -> None:
        self._link, self._sending, self._values, self._tracing = link, sending, values, tracing

    async def send(
        self,
        message: Any,
        recipient: AgentId,
        sender: AgentId | None,
        token: CancellationToken | None,
        message_id: str | None,
        timeout: float | None,  # noqa: ASYNC109  # how long is the caller's to say
    ) -> Any:
        """Send a message to an agent and return its reply."""
        post = self._post(message, sender, message_id, agent=recipient)
        with self._tracing.span("send", recipient, post):
            value = await self._sending.send(
                self._link.line(), post, str(recipient), token=token, seconds=timeout
            )
        return self._values.decode(value)

    async def stream(
        self,
        message: Any,
        recipient: AgentId,
        sender: AgentId | None,
        token: CancellationToken | None,
        message_id: str | None,
        timeout: float | None,  # noqa: ASYNC109  # how long is the caller's to say
    ) -> AsyncGenerator[Any, None]:
        """Send a message to an agent and yield what its handler yields, or its reply."""
        post, came = self._post(message, sender, message_id, agent=recipient), False
        work = self._sending.stream(self._link.line(), post, str(recipient), token=token, seconds=timeout)
        async with aclosing(work):
            async for value, over in work:
                if not over or not came:  # the outcome of a handler that streams is its last value
                    yield self._values.decode(value)
                came = True

    async def publish(
        self,
        message: Any,
        topic: TopicId,
        sender: AgentId | None,
        token: CancellationToken | None,
        message_id: str | None,
    ) -> None:
        """Publish a message; return when the host has taken it."""
        post = self._post(message, sender, message_id, topic=topic)
        with self._tracing.span("publish", topic, post):
            await self._sending.send(
                self._link.line(), post, f"topic {topic}", token=token, seconds=PUBLISH_SECONDS
            )

    async def ask(self, agent: AgentId, method: str, body: Any = None) -> Any:
        """Ask for something of the agent itself: "metadata", "save_state", "load_state"."""
        post = self._post(body, None, None, agent=agent, method=method)
        line = self._link.line()
        return self._values.decode(
            await self._sending.send(line, post, str(agent), token=None, seconds=DEFAULT_TIMEOUT)
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
        recording.only_recorded("a typed message to another process")
        post = pb.Post(
            body=self._values.encode(message), message_id=message_id or next_call_id(), method=method
        )
        if agent is not None:
            post.agent.type, post.agent.key = agent.type, agent.key
            for holder in turns_here():
                post.holding.add(type=holder.type, key=holder.key)
        elif topic is not None:
            post.topic.type, post.topic.source = topic.type, topic.source
        if sender is not None:
            post.sender.type, post.sender.key = sender.type, sender.key
        post.run = run = context.run.get()
        if rules := Policy.strictest(Policy.of(context.approve.get()), standing_policy()).rules:
            post.approve.rules.update(rules)
        elif run:
            post.approve.SetInParent()  # nothing was said, and that is known
        if span := context.traceparent.get():
            post.metadata["traceparent"] = span
        if not method and events.active():
            seen("sent", post, str(sender or ""))
        return post
