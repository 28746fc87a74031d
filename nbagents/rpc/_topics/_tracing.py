"""`Tracing`: spans of what a worker sends and handles, which belong together across processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from .._limits import TRACEPARENT
from .._proto import agent_pb2 as pb

__all__ = ["Tracing", "traceparent_of"]

UNTRACED = nullcontext()


class Tracing:
    """Makes spans with a tracer provider of OpenTelemetry; without one it does nothing, and loads nothing."""

    def __init__(self, provider: Any = None) -> None:
        self._tracer = provider.get_tracer("nbagents") if provider is not None else None

    def span(self, what: str, whom: object, post: pb.Post) -> AbstractContextManager[None]:
        """Be inside of a span that the receiver's belongs to."""
        return UNTRACED if self._tracer is None else self._traced(self._tracer, what, whom, post)

    @contextmanager
    def _traced(self, tracer: Any, what: str, whom: object, post: pb.Post) -> Iterator[None]:
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        about = {"messaging.operation": what, "messaging.destination": str(whom)}
        with tracer.start_as_current_span(
            f"nbagents {what} {whom}", kind=SpanKind.PRODUCER, attributes=about
        ):
            carrier: dict[str, str] = {}
            TraceContextTextMapPropagator().inject(carrier)
            post.metadata.update(carrier)
            yield

    def enter(self, post: pb.Post) -> None:
        """Let the spans of this task belong to the sender's."""
        if self._tracer is not None and post.metadata:
            from opentelemetry.context import attach
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

            attach(TraceContextTextMapPropagator().extract(dict(post.metadata)))


def traceparent_of(post: pb.Post) -> str:
    """Return the span that a message was sent in; "" if none is told."""
    span = str(post.metadata.get("traceparent", ""))
    return span if len(span) == TRACEPARENT else ""
