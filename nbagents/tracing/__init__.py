"""OpenTelemetry: what agents, models, tools, servers and apps do, as the spans of one trace.

It listens to `nbagents.events`, and turns them into spans by the conventions for generative AI. Without a
tracer provider nothing of it is loaded. Knows no agents, no wire and no HTTP: a call is what its events tell.
"""

from ._messages import MessageSpans
from ._provider import settings
from ._requests import request_span
from ._tracing import Tracing, begin_in_server, flush, look, trace

__all__ = ["MessageSpans", "Tracing", "begin_in_server", "flush", "look", "request_span", "settings", "trace"]
