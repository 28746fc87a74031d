"""`trace`: begin to trace, in this process and in the servers that it starts."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .. import events
from .._version import __version__
from ..exceptions import UsageError
from ._provider import HEADERS, NAME, TRACES, make_provider, missing, settings, tell_servers

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

__all__ = ["Tracing", "begin_in_server", "current", "flush", "look", "trace"]

log = logging.getLogger(__name__)
FLUSH = 2.0
"""Seconds in which a server that ends may send its last spans."""

_lock = threading.RLock()
_now: Tracing | None = None
_left_alone: Any = None
"""The provider that was set in this process when tracing was stopped: it is no reason to begin again."""
_set_by_us: Any = None
"""The provider that we have set in this process: it can be set once. It is shut down when tracing stops."""
_set_goes_on = False


class Tracing:
    """Spans are made while it is there. ``stop`` ends it; ``with`` too. Any thread."""

    def __init__(self, provider: Any, said: Mapping[str, str], *, ours: bool = False) -> None:
        from ._spans import Spans

        self.provider = provider
        self.tracer: Tracer = provider.get_tracer("nbagents", __version__)
        self._said, self._ours = dict(said), ours
        self._spans = Spans(self.tracer)
        self._end = events.subscribe(self._spans.hear, near=True)

    def flush(self, seconds: float = 10.0) -> bool:
        """Send what has ended; has all been sent in time?"""
        flush = getattr(self.provider, "force_flush", None)
        return True if flush is None else bool(flush(int(seconds * 1000)))

    def stop(self) -> None:
        """Make no more spans, here and in servers that are started from now on; open ones end now.

        What has ended is sent, for at most two seconds. A provider of your own goes on. Twice is fine.
        """
        global _now, _left_alone, _set_goes_on
        with _lock:
            if _now is not self:
                return
            _now, _left_alone = None, _set_already()
            tell_servers({})
            over = [_set_by_us] if _set_goes_on else []
            _set_goes_on = False
        self._finish()
        if self._ours and self.provider is not _set_by_us:
            over.append(self.provider)
        for provider in over:
            _shut_down(provider)

    def _finish(self) -> None:
        self._end()
        self._spans.close()

    def __enter__(self) -> Tracing:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()


def trace(
    endpoint: str | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    service_name: str | None = None,
    tracer_provider: Any = None,
) -> Tracing:
    """Trace with OpenTelemetry what agents do from now on, here and in servers that are started from now on.

    ``endpoint`` is where a collector takes OTLP over HTTP, such as ``http://127.0.0.1:4318``; ``headers`` go
    along, for its keys. Without one it is as the ``OTEL_*`` variables say, or goes where a tracer provider
    that is set already sends it; ``tracer_provider`` is one of your own. Servers export by themselves, as
    ``endpoint`` or the variables say: a provider of your own cannot go there.

    Messages are not in the spans, unless ``OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT`` is true.

    Raises:
        UsageError: OpenTelemetry is not installed, or nothing says where spans go.
    """
    global _set_by_us, _set_goes_on
    said: dict[str, str] = {}
    if endpoint is not None:
        said[TRACES] = _address(endpoint)
    if headers:
        from urllib.parse import quote

        said[HEADERS] = ",".join(f"{quote(name)}={quote(value)}" for name, value in headers.items())
    if service_name:
        said[NAME] = service_name
    if headers and endpoint is None:
        raise UsageError("headers= are for an endpoint=", hint="trace('http://127.0.0.1:4318', headers=...)")
    try:
        provider = tracer_provider or (None if endpoint else _usable())
    except ImportError as error:
        raise missing(error) from None
    if provider is not None:
        return _begin(provider, said)
    if not (found := settings(said)):
        raise UsageError(
            "nothing says where spans go",
            hint="trace('http://127.0.0.1:4318'); or set OTEL_EXPORTER_OTLP_ENDPOINT, or a provider",
        )
    provider = make_provider(found, "nbagents")
    from opentelemetry import trace as api

    if _set_already() is None:
        api.set_tracer_provider(provider)  # so that spans of the user's own belong to it too
        _set_by_us, _set_goes_on = provider, True
    return _begin(provider, said, ours=True)


def _begin(provider: Any, said: Mapping[str, str], *, ours: bool = False) -> Tracing:
    """Begin, in the place of what has been begun before."""
    global _now
    with _lock:
        before = _now
        if before is not None and before.provider is provider:  # it goes on
            ours, said = before._ours, {**(before._said if before._ours else {}), **said}
        tell_servers(said)
        _now = begun = Tracing(provider, said, ours=ours)
    if before is not None:
        before._finish()
        if before._ours and before.provider not in (provider, _set_by_us):
            _shut_down(before.provider)
    return begun


def _shut_down(provider: Any) -> None:
    """Send what has ended, and no more. An exporter may wait long for a collector that is gone: we do not."""
    thread = threading.Thread(target=provider.shutdown, daemon=True)
    thread.start()
    thread.join(FLUSH)


def look() -> None:
    """Begin to trace if a tracer provider has been set in this process, as many programs do at their start.

    Cheap; to be asked where something begins, and only where OpenTelemetry is loaded.
    """
    if _now is not None or (provider := _usable()) is None or provider is _left_alone:
        return
    with _lock:
        if _now is None:
            _begin(provider, {})


def current() -> Tracer | None:
    """Return the tracer, where there is tracing."""
    known = _now
    return None if known is None else known.tracer


def begin_in_server(said: Mapping[str, str]) -> None:
    """Begin to trace in an agent server as its owner has said, else its environment. Never raises."""
    tell_servers(said)
    found = settings()
    if not found:
        return
    try:
        _begin(make_provider(found, "nbagents-server"), said, ours=True)
    except UsageError as error:
        log.warning("this server does not trace: %s; %s", error, error.hint)


def flush() -> None:
    """Send what has ended, for at most two seconds: an exporter of its own may take longer."""
    known = _now
    if known is not None:
        thread = threading.Thread(target=known.flush, args=(FLUSH,), daemon=True)
        thread.start()
        thread.join(FLUSH)


def _set_already() -> Any:
    """Return the provider that is set in this process; None where there is none that would do anything."""
    if "opentelemetry.trace" not in sys.modules:
        return None
    from opentelemetry.trace import NoOpTracerProvider, ProxyTracerProvider, get_tracer_provider

    provider = get_tracer_provider()
    return None if isinstance(provider, ProxyTracerProvider | NoOpTracerProvider) else provider


def _usable() -> Any:
    """Return the provider that is set in this process, unless it is one of ours that has been shut down."""
    provider = _set_already()
    if provider is None or provider is not _set_by_us:
        return provider
    return None if _now is None else _now.provider


def _address(endpoint: str) -> str:
    from urllib.parse import urlsplit

    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(
            f"the address of a collector is such as http://127.0.0.1:4318, not {endpoint[:100]!r}"
        )
    return endpoint if parts.path.strip("/") else f"{endpoint.rstrip('/')}/v1/traces"
