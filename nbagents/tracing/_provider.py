"""Tracer providers, made as the standard ``OTEL_*`` variables say; and these variables, for servers.

An agent server does not inherit them, since some hold secrets: they come through the pipe, with its options.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..exceptions import UsageError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

__all__ = [
    "HEADERS",
    "NAME",
    "TRACES",
    "is_configured",
    "make_provider",
    "missing",
    "settings",
    "shows_messages",
    "tell_servers",
]

TRACES = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
HEADERS = "OTEL_EXPORTER_OTLP_TRACES_HEADERS"
NAME = "OTEL_SERVICE_NAME"
_CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_SAID = ("OTEL_EXPORTER_OTLP_ENDPOINT", TRACES, "OTEL_TRACES_EXPORTER")
"""Variables of which one says that spans are wanted."""
_HINT = "pip install 'jupyter-nbagents[otel]'"

_told: dict[str, str] = {}
"""What was said here beside the environment, or by whoever started this server."""


def settings(said: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables that a server of this process traces by; none where it does not.

    ``said`` is what would be said beside the environment; left out, it is what is said now. They may hold
    secrets.
    """
    beside = _told if said is None else said
    found = {name: value for name, value in os.environ.items() if name.startswith("OTEL_")} | dict(beside)
    return found if is_configured(found) else {}


def tell_servers(said: Mapping[str, str]) -> None:
    """Have servers that are started from now on trace by these variables too, and by none said before."""
    global _told
    _told = dict(said)  # not merged: the key of one collector is not for the next


def is_configured(said: Mapping[str, str]) -> bool:
    """Do these variables say where spans go?"""
    off = said.get("OTEL_SDK_DISABLED", "").lower() == "true" or said.get("OTEL_TRACES_EXPORTER") == "none"
    return not off and any(said.get(name) for name in _SAID)


def shows_messages() -> bool:
    """Are messages to be in spans?"""
    said = os.environ.get(_CONTENT) or _told.get(_CONTENT) or ""
    return said.strip().lower() in ("true", "1", "span_only", "span_and_event")


def missing(error: ImportError) -> UsageError:
    """Return the error of a process in which OpenTelemetry is not installed."""
    return UsageError(f"traces need the package {error.name}", hint=_HINT)


def make_provider(said: Mapping[str, str], service: str) -> TracerProvider:
    """Make a provider that exports as these variables say; ``service`` names it where they do not.

    Raises:
        UsageError: a package is missing, or the exporter is one that nobody knows.
    """
    with _environment(said):
        try:
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

            about: dict[str, Any] = {"process.pid": os.getpid()}
            if not os.environ.get(NAME):
                about["service.name"] = service
            provider = TracerProvider(resource=Resource.create(about), shutdown_on_exit=True)
            for kind in (said.get("OTEL_TRACES_EXPORTER") or "otlp").split(","):
                exporter = _exporter(kind.strip(), said)
                if exporter is not None:
                    processor = SimpleSpanProcessor if kind.strip() == "console" else BatchSpanProcessor
                    provider.add_span_processor(processor(exporter))
        except ImportError as error:
            raise missing(error) from None
    return provider


def _exporter(kind: str, said: Mapping[str, str]) -> SpanExporter | None:
    """Return an exporter of a kind; a fixed table, since the name comes from outside."""
    if kind == "none":
        return None
    if kind == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        # Not on the standard output, which may be a pipe that means something.
        return ConsoleSpanExporter(out=sys.stderr, formatter=lambda span: f"{span.to_json(indent=None)}\n")
    if kind != "otlp":
        raise UsageError(f"OTEL_TRACES_EXPORTER is otlp, console or none, not {kind[:40]!r}")
    protocol = said.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or said.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    if protocol not in (None, "", "http/protobuf"):
        raise UsageError(
            f"spans are exported as http/protobuf, not as {protocol[:40]!r}",
            hint="leave OTEL_EXPORTER_OTLP_PROTOCOL out, and give the port for HTTP, 4318; or make a"
            " tracer provider of your own",
        )
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter()


_making = threading.Lock()


@contextlib.contextmanager
def _environment(said: Mapping[str, str]) -> Iterator[None]:
    """Let the SDK read these variables, and nobody else: taken away again, they reach no child."""
    with _making:
        before = {name: os.environ.get(name) for name in said}
        os.environ.update(said)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
