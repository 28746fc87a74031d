"""`Messages`: what one worker sends, publishes and asks, as values go in and come out."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from typing import Any

from ... import context, events, recording
from ..._ids import next_call_id
from ...exceptions import UsageError
from ...runtime import DEFAULT_TIMEOUT, turns_here
from ...tools import Policy
from ...tools._policy import standing_policy
from ...topics import AgentId, CancellationToken, TopicId, check_key
from ...tracing import MessageSpans
from .._proto import agent_pb2 as pb
from ._host_link import HostLink
from ._seen import seen
from ._sending import Sending
from ._values import Values

__all__ = ["Messages"]

PUBLISH_SECONDS = 60.0
"""How long a message to a topic may wait for its host; that refuses it sooner if it has no room."""


class Messages:
    """The messages that leave one worker; see `GrpcWorkerAgentRuntime`.

    They are written, and their outcomes read, where they are sent: on any loop, but for what streams.
    """

    def __init__(self, link: HostLink, sending: Sending, values: Values, spans: MessageSpans) -> None:
        self._link, self._sending, self._values, self._spans = link, sending, values, spans

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
        _check(recipient, AgentId)
        frame = self._frame(message, sender, message_id, agent=recipient)
        line, sending = self._link.line, self._sending
        if self._spans.on:
            with self._traced("send", recipient.type, frame.post):
                value = await sending.come(sending.begin(line, frame, recipient, token, timeout))
        else:
            value = await sending.come(sending.begin(line, frame, recipient, token, timeout))
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
        _check(recipient, AgentId)
        frame, came = self._frame(message, sender, message_id, agent=recipient), False
        work = self._sending.stream(self._link.line, frame, recipient, token=token, seconds=timeout)
        if self._spans.on:
            with self._traced("send", recipient.type, frame.post):
                pass  # whoever reads the stream is not inside of it
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
        _check(topic, TopicId)
        frame = self._frame(message, sender, message_id, topic=topic)
        line, sending = self._link.line, self._sending
        if self._spans.on:
            with self._traced("publish", topic.type, frame.post):
                await sending.come(sending.begin(line, frame, topic, token, PUBLISH_SECONDS))
        else:
            await sending.come(sending.begin(line, frame, topic, token, PUBLISH_SECONDS))

    async def ask(self, agent: AgentId, method: str, body: Any = None) -> Any:
        """Ask for something of the agent itself: "metadata", "save_state", "load_state"."""
        frame = self._frame(body, None, None, agent=agent, method=method)
        sent = self._sending.begin(self._link.line, frame, agent, None, DEFAULT_TIMEOUT)
        return self._values.decode(await self._sending.come(sent))

    @contextmanager
    def _traced(self, what: str, whom: str, post: pb.Post) -> Iterator[None]:
        """Be inside of the span of a message, to which its handler's belong."""
        about = {"messaging.message.id": post.message_id}
        if post.HasField("sender"):
            about["nbagents.sender"] = f"{post.sender.type}/{post.sender.key}"
        with self._spans.span(what, whom, sends=True, about=about):
            post.metadata["traceparent"] = context.traceparent.get()
            yield

    def _frame(
        self,
        message: Any,
        sender: AgentId | None,
        message_id: str | None,
        *,
        agent: AgentId | None = None,
        topic: TopicId | None = None,
        method: str = "",
    ) -> pb.Frame:
        recording.only_recorded("a typed message to another process")
        if message_id is not None:
            check_key(message_id, "a message_id")
        frame = pb.Frame()  # written in place: a message that is put into another one is copied
        post = frame.post
        self._values.encode(message, post.body)
        post.message_id = message_id or next_call_id()
        if method:
            post.method = method
        if agent is not None:
            to = post.agent
            to.type, to.key = agent.type, agent.key
            for hold in turns_here():
                post.holding.add(type=hold.agent.type, key=hold.agent.key)
                post.turns.append(hold.name)
        elif topic is not None:
            about = post.topic
            about.type, about.source = topic.type, topic.source
        if sender is not None:
            by = post.sender
            by.type, by.key = sender.type, sender.key
        if run := context.run.get():
            post.run = run
        said, standing = context.approve.get(), standing_policy()
        if said is not None or standing.rules:
            post.approve.rules.update(Policy.strictest(Policy.of(said), standing).rules)
        if run and not post.approve.rules:
            post.approve.SetInParent()  # nothing was said, and that is known
        if span := context.traceparent.get():
            post.metadata["traceparent"] = span
        if not method and events.active():
            seen("sent", post, str(sender or ""))
        return frame


def _check(to: object, kind: type[Any]) -> None:
    if not isinstance(to, kind):
        raise UsageError(f"a message goes to {kind.__name__}(...), not to {to!r:.60}")
