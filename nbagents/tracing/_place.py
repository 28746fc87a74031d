"""Where in the trace the running code is: OpenTelemetry's context, and `context.traceparent` beside it."""

from __future__ import annotations

from dataclasses import dataclass

from opentelemetry import context as otel
from opentelemetry import trace as api
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from .. import context

__all__ = ["Place", "arrive", "enter", "leave", "parent_of", "traceparent_of"]

_w3c = TraceContextTextMapPropagator()


@dataclass(frozen=True, slots=True)
class Place:
    """A span that was entered, and what to go back to."""

    span: api.Span
    before: otel.Context
    traceparent: str


def parent_of(traceparent: str | None = None) -> otel.Context:
    """Return the context in which the running code is; a ``traceparent`` counts where no span is here."""
    here = otel.get_current()
    if api.get_current_span(here).get_span_context().is_valid:
        return here
    told = context.traceparent.get() if traceparent is None else traceparent
    return _w3c.extract({"traceparent": told}, here) if told else here


def traceparent_of(span: api.Span) -> str:
    """Return how the W3C writes a span."""
    said: dict[str, str] = {}
    _w3c.inject(said, api.set_span_in_context(span))
    return said.get("traceparent", "")


def enter(span: api.Span) -> Place:
    """Have what the running code does from now on happen inside a span."""
    before = Place(span, otel.get_current(), context.traceparent.get())
    otel.attach(api.set_span_in_context(span))
    context.traceparent.set(traceparent_of(span))
    return before


def arrive(traceparent: str) -> None:
    """Have what the running code does from now on belong to a span elsewhere, whatever its task began in."""
    said = {"traceparent": traceparent} if traceparent else {}
    otel.attach(_w3c.extract(said, otel.Context()))
    context.traceparent.set(traceparent)


def leave(place: Place) -> None:
    """Go back to where the running code was, if it still is inside of that span."""
    if api.get_current_span() is place.span:
        # Set, not reset: a generator may end in another context than it began in.
        otel.attach(place.before)
        context.traceparent.set(place.traceparent)
