"""`MessageSpans`: the spans of typed messages, where they are sent and where they are handled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from .._version import __version__
from ._tracing import current

__all__ = ["MessageSpans"]


class MessageSpans:
    """Makes spans by a runtime's own tracer provider, else as this process traces; else it loads nothing.

    They are named by what happens and the type of whom it concerns: ``send clerk``, ``publish news``,
    ``process clerk``. What was said is not in them.
    """

    def __init__(self, provider: Any = None) -> None:
        self._own = None if provider is None else provider.get_tracer("nbagents", __version__)

    @property
    def on(self) -> bool:
        """Are spans made now?"""
        return self._own is not None or current() is not None

    @contextmanager
    def span(self, what: str, whom: str, *, sends: bool, about: Mapping[str, str]) -> Iterator[None]:
        """Be inside of the span of a message; what the running code does belongs to it, elsewhere too."""
        tracer = self._own or current()
        if tracer is None:
            yield
            return
        from opentelemetry.trace import SpanKind

        from ._place import enter, leave, parent_of
        from ._spans import ended_with

        told = {
            "messaging.system": "nbagents",
            "messaging.operation.name": what,
            "messaging.destination.name": whom,
            **about,
        }
        kind = SpanKind.PRODUCER if sends else SpanKind.CONSUMER
        span = tracer.start_span(f"{what} {whom}", parent_of(), kind, told)
        place = enter(span)
        try:
            yield
        except BaseException as error:
            ended_with(span, error)
            raise
        finally:
            span.end()
            leave(place)

    def arrive(self, traceparent: str) -> None:
        """Have what runs here from now on belong to a span of another process, or to none, as that says."""
        if self.on:
            from ._place import arrive

            arrive(traceparent)
