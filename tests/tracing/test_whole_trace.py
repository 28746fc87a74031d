"""One trace from the client of an app to the model that an agent in a server asks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Collector, Seen

TRACE, ASKER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SERVER, CLIENT, INTERNAL = 2, 3, 1


def traced(collector: Collector, *more: str) -> list[Seen]:
    program = Path(__file__).with_name("whole_trace.py")
    command = [sys.executable, str(program), collector.url, f"00-{TRACE}-{ASKER}-01", *more]
    ran = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=50,
        env={**os.environ, "COLLECTOR_KEY": "canary-of-the-collector"},
    )
    assert ran.stdout.strip().endswith("completed"), ran.stderr
    return collector.wait(lambda spans: any(span.kind == SERVER and "/_reply" in span.name for span in spans))


@pytest.mark.long
def test_http_agents_models_tools_and_the_wire_are_one_trace(collector: Collector) -> None:
    spans = traced(collector)
    assert {span.trace for span in spans} == {TRACE}
    by_id = {span.id: span for span in spans}

    def way(span: Seen) -> list[str]:
        names = [span.name]
        while span.parent != ASKER:
            span = by_id[span.parent]
            names.append(span.name)
        return names

    http = ["POST /process"]
    near = ["invoke_agent near", *http]
    wire = ["nbagents.v1.AgentServer/_reply"]
    far = ["invoke_agent far", *wire, *wire, *http]
    assert sorted(map(way, spans)) == sorted(
        [
            http,
            near,
            ["chat m", *near],
            [*wire, *http],
            [*wire, *wire, *http],
            far,
            ["chat m", *far],
            ["execute_tool look", *far],
            ["chat m", *far],
        ]
    )
    # Both processes told of what went on in them.
    assert len({span.pid for span in spans}) == 2
    services = {span.name: span.service for span in spans if span.name.startswith("invoke")}
    assert services == {"invoke_agent near": "nbagents", "invoke_agent far": "nbagents-server"}
    # What each model was asked in is the span of that very request.
    chats = {span.id for span in spans if span.name == "chat m"}
    told = {headers["traceparent"] for headers in collector.asked}
    assert told == {f"00-{TRACE}-{span}-01" for span in chats}


@pytest.mark.long
def test_spans_are_described_by_the_conventions_and_hold_no_messages(collector: Collector) -> None:
    spans = traced(collector)
    one = {span.name: span for span in spans}
    chat, tool, agent, http = (
        one[name] for name in ("chat m", "execute_tool look", "invoke_agent far", "POST /process")
    )
    assert chat.kind == CLIENT
    assert chat.about["gen_ai.operation.name"] == "chat"
    assert chat.about["gen_ai.request.model"] == "m"
    assert chat.about["gen_ai.provider.name"] == "openai"
    assert (chat.about["gen_ai.usage.input_tokens"], chat.about["gen_ai.usage.output_tokens"]) == (7, 3)
    assert tool.kind == INTERNAL
    assert tool.about["gen_ai.operation.name"] == "execute_tool"
    assert (tool.about["gen_ai.tool.name"], tool.about["gen_ai.agent.name"]) == ("look", "far")
    assert agent.about["gen_ai.operation.name"] == "invoke_agent"
    assert agent.about["gen_ai.agent.name"] == "far"
    assert http.kind == SERVER
    assert http.about["http.response.status_code"] == 200
    assert (http.about["http.route"], http.about["http.request.method"]) == ("/process", "POST")
    everything = str(spans)
    assert "grey" not in everything
    assert "How is the sky" not in everything
    assert "canary" not in everything
    # The collector got its key from both, and nobody else did.
    assert {headers["x-key"] for headers in collector.headers} == {"canary-of-the-collector"}
    assert not [headers for headers in collector.asked if "canary" in str(headers)]


@pytest.mark.long
def test_messages_are_there_where_they_are_asked_for(collector: Collector) -> None:
    one = {span.name: span for span in traced(collector, "with-content")}
    assert "How is the sky?" in one["invoke_agent far"].about["gen_ai.input.messages"]
    assert "It is grey." in one["invoke_agent far"].about["gen_ai.output.messages"]
    assert "sky: grey" in one["execute_tool look"].about["gen_ai.tool.call.result"]
    assert "You look." in one["chat m"].about["gen_ai.input.messages"]
    assert "It is grey." in one["chat m"].about["gen_ai.output.messages"]
