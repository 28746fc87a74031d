"""What is left of tracing when it has been stopped, or has begun anew: nothing of what was said before."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from nbagents import AgentBase, Msg, trace
from nbagents.exceptions import UsageError
from nbagents.tracing import settings

from .conftest import Collector


class Waits(AgentBase):
    """Waits until it may go on."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.began, self.go = threading.Event(), threading.Event()

    async def reply(self, x: Any = None) -> Msg:
        self.began.set()
        await asyncio.to_thread(self.go.wait, 20)
        return Msg(self.name, "so", "assistant")


def test_the_key_of_one_collector_is_not_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    own = TracerProvider()
    with trace("http://127.0.0.1:9", headers={"x-key": "canary"}, tracer_provider=own, service_name="first"):
        assert "canary" in str(settings())
        with pytest.raises(UsageError):
            trace("nowhere")
        with pytest.raises(UsageError):
            trace(headers={"x-key": "other"})
        assert "canary" in str(settings())  # what failed has changed nothing
        with trace("http://127.0.0.1:10", tracer_provider=own):
            assert settings() == {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:10/v1/traces"}
    assert settings() == {}


STOPPED = """
import sys, nbagents
from nbagents import AgentBase, Msg
from nbagents.tracing import look, settings
from nbagents.tracing._tracing import current
from opentelemetry import trace as api

class Poet(AgentBase):
    async def reply(self, x=None):
        return Msg(self.name, "so", "assistant")

first = nbagents.trace(sys.argv[1], headers={"x-key": "canary"})
Poet("first")().result(20)
first.stop()
first.stop()
look()
assert current() is None and settings() == {}, settings()
Poet("silent")().result(20)
api.get_tracer("own").start_span("own").end()
with nbagents.trace(sys.argv[1]) as second:
    first.stop()
    Poet("second")().result(20)
    nbagents.trace()
    Poet("third")().result(20)
    assert settings()
"""


def test_after_its_end_nothing_is_traced_nor_told_to_servers(collector: Collector) -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", STOPPED, collector.url],
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert ran.returncode == 0, ran.stderr
    assert {span.name for span in collector.spans} == {
        f"invoke_agent {n}" for n in ("first", "second", "third")
    }
    assert [headers.get("x-key") for headers in collector.headers].count("canary") == 1
    assert "shutdown" not in ran.stderr


def test_a_call_that_is_open_when_it_stops_has_its_span() -> None:
    memory, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    waits = Waits("waits")
    with trace(tracer_provider=provider):
        calling = threading.Thread(target=waits)  # outside of a notebook a call is waited for
        calling.start()
        assert waits.began.wait(20)
    assert [span.name for span in memory.get_finished_spans()] == ["invoke_agent waits"]
    waits.go.set()
    calling.join(20)
