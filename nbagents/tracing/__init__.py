"""OpenTelemetry: what agents, models, tools, servers and apps do, as the spans of one trace.

It listens to `nbagents.events`, and turns them into spans by the conventions for generative AI. Without a
tracer provider nothing of it is loaded. Knows no agents, no wire and no HTTP: a call is what its events tell.
"""

from typing import TYPE_CHECKING

from .._lazy import lazy

if TYPE_CHECKING:
    from ._messages import MessageSpans
    from ._provider import settings
    from ._requests import request_span
    from ._tracing import Tracing, begin_in_server, flush, look, trace

__all__ = ["MessageSpans", "Tracing", "begin_in_server", "flush", "look", "request_span", "settings", "trace"]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "_messages": "MessageSpans",
        "_provider": "settings",
        "_requests": "request_span",
        "_tracing": "Tracing begin_in_server flush look trace",
    },
)
