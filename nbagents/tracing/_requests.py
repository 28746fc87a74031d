"""`request_span`: the span of one request that this process answers over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ._tracing import current

__all__ = ["Answered", "request_span"]

Answered = Callable[[int, str], object]
"""Takes the status, and the route."""


@contextmanager
def request_span(method: str, path: str, scheme: str, traceparent: str) -> Iterator[Answered | None]:
    """Have what happens inside belong to the span of a request; yield what is to be told of its answer.

    It goes on with the trace of a client that sends a ``traceparent``. None where nothing is traced.
    """
    tracer = current()
    if tracer is None:
        yield None
        return
    from opentelemetry.trace import SpanKind, StatusCode

    from ._place import enter, leave, parent_of
    from ._spans import ended_with

    about = {"http.request.method": method, "url.path": path, "url.scheme": scheme}
    span = tracer.start_span(method, parent_of(traceparent), SpanKind.SERVER, about)
    place = enter(span)

    def answered(status: int, route: str) -> None:
        span.set_attribute("http.response.status_code", status)
        if route:
            span.set_attribute("http.route", route)
            span.update_name(f"{method} {route}")
        if status >= 500:
            span.set_attribute("error.type", str(status))
            span.set_status(StatusCode.ERROR)

    try:
        yield answered
    except BaseException as error:
        ended_with(span, error)
        raise
    finally:
        span.end()
        leave(place)
