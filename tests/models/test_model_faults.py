"""A model's endpoint that answers with each fault there is: what comes of it, over real HTTP."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from nbagents import events
from nbagents.agents import DialogAgent
from nbagents.exceptions import (
    ModelAuthError,
    ModelError,
    ModelRateLimitError,
    ModelResponseError,
    ModelUnavailableError,
    ResponseParsingError,
    SchemaMismatchError,
)
from nbagents.message import Msg
from nbagents.models import OpenAIChatWrapper

HELLO = [{"role": "user", "content": "rain"}]
SCHEMA = {"type": "object", "properties": {"good": {"type": "boolean"}}, "required": ["good"]}
TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}


def said(content: Any, finish: str = "stop", **more: Any) -> bytes:
    message = {"role": "assistant", "content": content, **more}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return json.dumps({"id": "c", "choices": [choice], "usage": {"prompt_tokens": 3}}).encode()


def streamed(*pieces: str) -> bytes:
    choices = [{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]
    return b"".join(f"data: {json.dumps(one)}\n\n".encode() for one in choices)


class Fault:
    """One way to answer: a status, a body, headers; ``then`` cuts the connection or keeps it silent."""

    def __init__(self, body: bytes = b"", status: int = 200, then: str = "", **headers: str) -> None:
        self.body, self.status, self.then = body, status, then
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    @classmethod
    def refusal(cls, status: int, message: str = "no", **headers: str) -> Fault:
        return cls(json.dumps({"error": {"message": message}}).encode(), status, **headers)


class Server:
    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.times: list[float] = []
        self.over = threading.Event()
        self.base_url = ""

    def model(self, *faults: Fault, **more: Any) -> OpenAIChatWrapper:
        self.faults = list(faults)
        given = {"stream": False, "timeout": 0.4, "api_key": "sk-0123456789abcdef9f2c", "max_retries": 1}
        return OpenAIChatWrapper("mine", "hello", base_url=self.base_url, **given | more)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    ours = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            ours.times.append(time.monotonic())
            fault = ours.faults.pop(0) if len(ours.faults) > 1 else ours.faults[0]
            if fault.then == "hang up":
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(fault.status)
            kind = "text/event-stream" if fault.body.startswith(b"data:") else "application/json"
            length = {} if fault.then else {"content-length": str(len(fault.body))}
            for name, value in ({"content-type": kind} | length | fault.headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(fault.body)
            self.wfile.flush()
            if fault.then == "stall":
                ours.over.wait(20)
            self.close_connection = True

        def log_message(self, *args: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    ours.base_url = f"http://127.0.0.1:{http.server_port}/v1"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield ours
    ours.over.set()
    http.shutdown()
    http.server_close()
    thread.join(10)


FAULTS: dict[str, tuple[Fault, dict[str, Any], type[ModelError], str]] = {
    "a wrong key": (Fault.refusal(401), {}, ModelAuthError, "key sk-…9f2c was rejected"),
    "a key without rights": (Fault.refusal(403), {}, ModelAuthError, "may not use hello"),
    "a wrong model": (Fault.refusal(404, "no such model"), {}, ModelResponseError, "there is no hello"),
    "a wrong address": (Fault(b"<html>", 404), {}, ModelResponseError, "or the address is wrong"),
    "an unknown shape": (
        Fault.refusal(400, "response_format is not supported"),
        {"structured_model": SCHEMA},
        ModelResponseError,
        "refused the request: response_format",
    ),
    "too long a talk": (
        Fault.refusal(400, "maximum context length is 4096 tokens"),
        {},
        ModelResponseError,
        "maximum context length",
    ),
    "too many requests": (
        Fault.refusal(429, retry_after_ms="1"),
        {},
        ModelRateLimitError,
        "too many requests",
    ),
    "a broken server": (Fault.refusal(500, retry_after_ms="1"), {}, ModelUnavailableError, "500 from"),
    "a gateway": (Fault(b"<html>", 502, retry_after_ms="1"), {}, ModelUnavailableError, "502 from"),
    "no answer at all": (Fault(then="hang up"), {}, ModelUnavailableError, "closed the connection"),
    "silence": (Fault(then="stall"), {}, ModelUnavailableError, r"said nothing for 0\.4 s"),
    "silence half-way": (
        Fault(streamed("Grey "), then="stall"),
        {"stream": True},
        ModelUnavailableError,
        r"said nothing for 0\.4 s after 5 characters",
    ),
    "a cut": (
        Fault(streamed("Grey "), then="cut"),
        {"stream": True},
        ModelResponseError,
        "after 5 characters",
    ),
    "no JSON": (Fault(b"{"), {}, ModelResponseError, "gave no usable answer"),
    "other JSON": (Fault(b'{"text": "x"}'), {}, ModelResponseError, "it has no choices"),
    "an empty answer": (Fault(said("")), {}, ModelResponseError, "gave an empty answer"),
    "no choices": (Fault(b'{"choices": []}'), {}, ModelResponseError, "broke off"),
    "an answer cut short": (Fault(said("", "length")), {}, ModelResponseError, "used up all the tokens"),
    "arguments that are none": (
        Fault(said(None, tool_calls=[{"id": "1", "function": {"name": "add", "arguments": "{"}}])),
        {"tools": [TOOL]},
        ResponseParsingError,
        "arguments that are no JSON object",
    ),
    "another shape": (
        Fault(said('{"good": 5}')),
        {"structured_model": SCHEMA},
        SchemaMismatchError,
        "does not fit answer: good",
    ),
}


@pytest.mark.parametrize("name", list(FAULTS))
def test_each_fault_is_an_error_that_says_what_to_type(server: Server, name: str):
    fault, asked, kind, says = FAULTS[name]
    model = server.model(fault)
    with pytest.raises(kind, match=says) as caught:
        model(HELLO, **asked).result(20)
    assert type(caught.value) is kind
    assert caught.value.hint
    assert "0123456789abcdef" not in str(caught.value) + str(caught.value.hint)


@pytest.mark.parametrize("name", ["a wrong key", "silence half-way", "an empty answer", "no answer at all"])
def test_an_agent_tells_the_same_and_goes_on(server: Server, name: str):
    fault, asked, kind, _ = FAULTS[name]
    model = server.model(fault, stream=bool(asked))
    poet = DialogAgent("poet", "You are a poet.", model)
    with pytest.raises(kind, match=r"^poet: "):
        poet(Msg("user", "rain")).result(20)
    server.faults = [Fault(said("Beads."))]
    assert poet(Msg("user", "rain")).content == "Beads."


def test_who_knows_no_streams_is_understood(server: Server):
    response = server.model(Fault(said("Beads.")), stream=True)(HELLO)
    assert list(response.stream) == [(False, "Beads."), (True, "Beads.")]


def test_who_asks_to_wait_is_waited_for_and_asked_by_one_layer_only(server: Server):
    server.times.clear()
    busy = Fault.refusal(429, retry_after="1")
    assert server.model(busy, Fault(said("Beads.")))(HELLO).text == "Beads."
    first, second = server.times
    assert 1 <= second - first < 5
    server.times.clear()
    with pytest.raises(ModelRateLimitError):
        server.model(Fault.refusal(429, retry_after_ms="1"), max_retries=2)(HELLO, max_retries=3).result(20)
    assert len(server.times) == 3  # once, and two more times: what reads answers adds none


def test_what_half_an_answer_took_is_counted(server: Server):
    seen: list[Any] = []
    unsubscribe: Callable[[], None] = events.subscribe(
        lambda event: seen.append(event.data) if event.kind == "usage" else None
    )
    try:
        response = server.model(FAULTS["a cut"][0])(HELLO, stream=True)
        with pytest.raises(ModelResponseError) as caught:
            response.result(20)
    finally:
        unsubscribe()
    assert caught.value.partial == response.partial == "Grey "  # type: ignore[attr-defined]
    assert [(data["estimated"], data["total_tokens"]) for data in seen] == [(True, 3)]
