"""A collector that takes spans over HTTP, and a model beside it that tells which trace it was asked in."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at": "sky"}'}}


@dataclass(frozen=True)
class Seen:
    """One span that came."""

    name: str
    kind: int
    trace: str
    id: str
    parent: str
    service: str
    pid: int
    failed: bool
    about: dict[str, Any] = field(hash=False)


class Collector:
    """Where it is, what came, and with which headers; ``asked`` are the headers that the model got."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.spans: list[Seen] = []
        self.headers: list[dict[str, str]] = []
        self.asked: list[dict[str, str]] = []

    def take(self, headers: dict[str, str], data: bytes) -> None:
        self.headers.append(headers)
        asked = ExportTraceServiceRequest.FromString(data)
        for one in asked.resource_spans:
            about = {item.key: _value(item.value) for item in one.resource.attributes}
            for scope in one.scope_spans:
                self.spans += [
                    Seen(
                        span.name,
                        span.kind,
                        span.trace_id.hex(),
                        span.span_id.hex(),
                        span.parent_span_id.hex(),
                        str(about["service.name"]),
                        int(about["process.pid"]),
                        span.status.code == 2,
                        {item.key: _value(item.value) for item in span.attributes},
                    )
                    for span in scope.spans
                ]

    def wait(self, enough: Callable[[list[Seen]], object], seconds: float = 30) -> list[Seen]:
        deadline = time.monotonic() + seconds
        while not enough(self.spans):
            assert time.monotonic() < deadline, [span.name for span in self.spans]
            time.sleep(0.02)
        return list(self.spans)

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Call a tool once, where there is one, and then say something."""
        done = any(message["role"] == "tool" for message in asked["messages"])
        calls = bool(asked.get("tools")) and not done
        message: dict[str, Any] = {"role": "assistant", "content": None if calls else "It is grey."}
        if calls:
            message["tool_calls"] = [CALL]
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}
        return {"id": "1", "object": "chat.completion", "model": "m", "choices": [choice], "usage": USAGE}


@pytest.fixture
def collector() -> Iterator[Collector]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, reply = 200, b""
            if self.path == "/v1/traces":
                made.take(headers, gzip.decompress(data) if "content-encoding" in headers else data)
            else:
                made.asked.append(headers)
                asked = json.loads(data)
                if asked["model"] == "broken":
                    status = 400
                    reply = json.dumps({"error": {"message": "no, sk-canary-0123456789"}}).encode()
                else:
                    reply = json.dumps(made.answer(asked)).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Collector(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


def _value(value: Any) -> Any:
    return getattr(value, value.WhichOneof("value"))
