"""Spans of one process: what nests in what, how failures are told, nothing unless asked for."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace as api
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from nbagents import AgentBase, Msg, Toolkit, call_options, trace
from nbagents._process import child_environment
from nbagents.exceptions import CallTimeoutError, ModelError, UsageError
from nbagents.models import load_model

from .conftest import Collector


class Spans:
    """What has ended, by name."""

    def __init__(self, provider: TracerProvider) -> None:
        self.provider = provider
        self.memory = InMemorySpanExporter()
        provider.add_span_processor(SimpleSpanProcessor(self.memory))

    @property
    def tracer(self) -> api.Tracer:
        return self.provider.get_tracer("test")

    def all(self) -> tuple[ReadableSpan, ...]:
        return self.memory.get_finished_spans()

    def named(self, name: str) -> ReadableSpan:
        (found,) = [span for span in self.all() if span.name == name]
        return found

    def parent(self, name: str) -> str:
        """The name of the span that one of that name is in, "" of an outermost one."""
        above = self.named(name).parent
        names = {span.context.span_id: span.name for span in self.all() if span.context is not None}
        return names[above.span_id] if above is not None else ""


@pytest.fixture
def spans() -> Iterator[Spans]:
    found = Spans(TracerProvider())
    with trace(tracer_provider=found.provider):
        yield found


def model_at(collector: Collector, name: str = "m") -> Any:
    return load_model(
        {
            "config_name": name,
            "model_type": "openai_chat",
            "model_name": name,
            "base_url": f"{collector.url}/v1",
            "api_key": "k",
            "stream": False,
            "max_retries": 0,
        }
    )


class Asks(AgentBase):
    """Asks another agent, and its model, in a coroutine."""

    def __init__(self, name: str, other: AgentBase | None = None, model: Any = None) -> None:
        super().__init__(name)
        self.other, self.asked = other, model

    async def reply(self, x: Any = None) -> Msg:
        if self.other is not None:
            await self.other(x)
        if self.asked is not None:
            await self.asked([{"role": "user", "content": "sky?"}])
        return Msg(self.name, "done", "assistant")


class Blocks(Asks):
    """Does the same on a thread."""

    def reply(self, x: Any = None) -> Msg:  # type: ignore[override]
        if self.other is not None:
            self.other(x).result(20)
        if self.asked is not None:
            assert self.asked([{"role": "user", "content": "sky?"}]).text
        return Msg(self.name, "done", "assistant")


class Fails(AgentBase):
    async def reply(self, x: Any = None) -> Msg:
        raise LookupError("canary: what was said")


def test_calls_nest_in_whoever_makes_them_on_the_loop_and_on_threads(
    spans: Spans, collector: Collector
) -> None:
    inner = Asks("inner", model=model_at(collector))
    outer = Blocks("outer", Asks("middle", inner))
    with spans.tracer.start_as_current_span("cell"):
        outer().result(20)
    assert spans.parent("invoke_agent outer") == "cell"
    assert spans.parent("invoke_agent middle") == "invoke_agent outer"
    assert spans.parent("invoke_agent inner") == "invoke_agent middle"
    assert spans.parent("chat m") == "invoke_agent inner"
    assert len({span.context.trace_id for span in spans.all() if span.context}) == 1
    assert not [span for span in spans.all() if "sky?" in span.to_json() or "grey" in span.to_json()]


def test_agents_that_run_at_the_same_time_do_not_nest_in_each_other(
    spans: Spans, collector: Collector
) -> None:
    model = model_at(collector)
    agents = [Asks("a", model=model), Blocks("b", model=model)]

    async def both() -> None:
        with spans.tracer.start_as_current_span("cell"):
            await asyncio.gather(*(agent() for agent in agents))

    asyncio.run(both())
    assert (spans.parent("invoke_agent a"), spans.parent("invoke_agent b")) == ("cell", "cell")
    above = {span.parent.span_id for span in spans.all() if span.name == "chat m" and span.parent}
    assert above == {spans.named(f"invoke_agent {name}").context.span_id for name in "ab"}  # type: ignore[union-attr]


def test_what_an_agent_does_after_a_model_and_a_tool_is_not_inside_of_them(
    spans: Spans, collector: Collector
) -> None:
    model, toolkit = model_at(collector), Toolkit()
    tracer = spans.tracer

    def look(at: str) -> str:
        with tracer.start_as_current_span("in the tool"):
            return at

    toolkit.register_tool_function(look)

    class Steps(AgentBase):
        async def reply(self, x: Any = None) -> Msg:
            await model([{"role": "user", "content": "sky?"}])
            call = {"type": "tool_use", "id": "1", "name": "look", "input": {"at": "sky"}}
            async for _ in await toolkit.call_tool_function(call):
                pass
            with tracer.start_as_current_span("afterwards"):
                return Msg(self.name, "done", "assistant")

    Steps("steps")().result(20)
    for name in ("chat m", "execute_tool look", "afterwards"):
        assert spans.parent(name) == "invoke_agent steps"
    assert spans.parent("in the tool") == "execute_tool look"


@pytest.mark.parametrize("late", [False, True])
def test_a_failure_tells_its_kind_and_not_its_text(spans: Spans, late: bool) -> None:
    if late:
        with call_options(timeout=1e-6), pytest.raises(CallTimeoutError):
            Asks("poet")().result(20)
        found, kind = spans.named("invoke_agent poet"), "CallTimeoutError"
    else:
        with pytest.raises(LookupError):
            Fails("poet")().result(20)
        found, kind = spans.named("invoke_agent poet"), "LookupError"
    assert found.status.status_code is api.StatusCode.ERROR
    assert dict(found.attributes or {})["error.type"] == kind
    assert "canary" not in found.to_json()


def test_a_model_that_fails_is_a_span_that_failed(spans: Spans, collector: Collector) -> None:
    with pytest.raises(ModelError):
        model_at(collector, "broken")([{"role": "user", "content": "sky?"}]).result(20)
    found = spans.named("chat broken")
    assert found.status.status_code is api.StatusCode.ERROR
    assert dict(found.attributes or {})["error.type"].endswith("Error")
    assert "canary" not in found.to_json()


def test_no_span_is_made_when_it_is_over(collector: Collector) -> None:
    found = Spans(TracerProvider())
    trace(tracer_provider=found.provider).stop()
    Asks("poet", model=model_at(collector))().result(20)
    assert found.all() == ()
    assert "traceparent" not in collector.asked[-1]


def test_where_spans_go_must_be_said() -> None:
    with pytest.raises(UsageError, match="nothing says where spans go"):
        trace()
    with pytest.raises(UsageError, match="the address of a collector"):
        trace("collector:4318")


PROVIDER_OF_ONES_OWN = """
import sys, nbagents
from nbagents import AgentBase, Msg
assert not any(name.startswith("opentelemetry") for name in sys.modules)

class Poet(AgentBase):
    async def reply(self, x=None):
        return Msg(self.name, "so", "assistant")

Poet("first")().result(20)
assert not any(name.startswith("opentelemetry") for name in sys.modules)
assert "nbagents.tracing" not in sys.modules
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
Poet("second")().result(20)
provider = TracerProvider()
exporter = ConsoleSpanExporter(formatter=lambda span: span.name + "\\n")
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
Poet("third")().result(20)
"""


def test_nothing_is_loaded_before_a_provider_is_set_and_then_it_is_found() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROVIDER_OF_ONES_OWN], capture_output=True, text=True, timeout=50
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split("\n")[:1] == ["invoke_agent third"]


def test_keys_of_a_collector_reach_no_child_by_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer canary")
    assert not [name for name in child_environment() if name.startswith("OTEL_")]


def test_a_server_exports_as_the_environment_says_and_its_code_does_not_see_how(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=canary")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "mine")
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    from telling_agents import Tells

    told = Tells("tells").to_dist()
    assert told().result(20).content == "[]"
    told.stop()
    seen = collector.wait(lambda spans: any(span.name == "invoke_agent tells" for span in spans))
    assert {span.service for span in seen} == {"mine"}
    assert {headers["x-key"] for headers in collector.headers} == {"canary"}
