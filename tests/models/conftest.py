"""A scripted endpoint that speaks OpenAI's protocol over real HTTP; the model's name picks the script."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}


def chunk(delta: dict[str, Any], finish: str | None = None, usage: Any = None, choices: Any = True) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    data = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "scripted", "usage": usage}
    return f"data: {json.dumps(data | {'choices': [choice] if choices else []})}\n\n"


class Endpoint:
    """What the tests see of it: where it is, what it was sent, and when a client went away."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], dict[str, Any]]] = []
        self.left = threading.Event()
        self.answers: list[dict[str, Any]] = []  # messages that are given one after the other
        self.base_url = ""

    @property
    def body(self) -> dict[str, Any]:
        return self.requests[-1][1]

    @property
    def headers(self) -> dict[str, str]:
        return self.requests[-1][0]

    async def models(self, request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": "first"}, {"id": "second"}]})

    async def chat(self, request: Request) -> Response:
        body = await request.json()
        self.requests.append((dict(request.headers), body))
        key, script = request.headers.get("authorization", ""), body["model"]
        if script.isdigit():
            error = {"message": f"no, {key}", "code": "insufficient_quota" if script == "429" else None}
            return JSONResponse({"error": error}, int(script), headers={"retry-after-ms": "1"})
        if script == "busy" and len(self.requests) == 1:
            return JSONResponse({"error": {"message": "later"}}, 429, headers={"retry-after-ms": "20"})
        if script == "no-json":
            return Response("<html>gateway</html>", media_type="text/html")
        if self.answers:
            return self.given(self.answers.pop(0), stream=body.get("stream"))
        if not body.get("stream"):
            message = {"role": "assistant", "content": "Grey beads on the glass"}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            whole = {"id": "c1", "object": "chat.completion", "model": script, "choices": [choice]}
            return JSONResponse(whole | {"usage": USAGE}, headers={"set-cookie": "who=me"})
        return StreamingResponse(self.pieces(script, key), media_type="text/event-stream")

    def given(self, message: dict[str, Any], *, stream: bool) -> Response:
        finish = message.pop("finish", "stop")
        if not stream:
            choice = {"index": 0, "message": {"role": "assistant"} | message, "finish_reason": finish}
            return JSONResponse({"id": "c1", "model": "scripted", "choices": [choice], "usage": USAGE})
        deltas: list[dict[str, Any]] = [{"role": "assistant"}]
        for key, value in message.items():
            whole = value if isinstance(value, list) else [value[:3], value[3:]]
            deltas += [{key: [one] if isinstance(value, list) else one} for one in whole]
        events = [*map(chunk, deltas), chunk({}, finish), chunk({}, usage=USAGE, choices=False)]
        return Response("".join([*events, "data: [DONE]\n\n"]), media_type="text/event-stream")

    async def pieces(self, script: str, key: str) -> AsyncIterator[str]:
        yield chunk({"role": "assistant", "content": ""})
        for word in ("Grey ", "beads ", "on the glass"):
            yield chunk({"content": word})
            if script == "cut":
                raise ConnectionResetError
            if script == "error-event":
                yield f"data: {json.dumps({'error': {'message': f'overloaded, {key}'}})}\n\n"
            if script == "bad-event":
                yield f"data: not json {key}\n\n"
            if script == "stall":
                try:
                    await asyncio.Event().wait()
                finally:
                    self.left.set()
        if script == "unfinished":
            return
        yield chunk({}, "stop")
        if script != "uncounted":
            yield chunk({}, usage=USAGE, choices=False)
        yield "data: [DONE]\n\n"


class Server:
    """One server for all tests; each test gets an address of its own below it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.endpoints: dict[str, Endpoint] = {}

    def fresh(self) -> Endpoint:
        endpoint = Endpoint()
        self.endpoints[str(len(self.endpoints))] = endpoint
        endpoint.base_url = f"http://127.0.0.1:{self.port}/{len(self.endpoints) - 1}/v1"
        return endpoint

    async def chat(self, request: Request) -> Response:
        return await self.endpoints[request.path_params["test"]].chat(request)

    async def models(self, request: Request) -> Response:
        return await self.endpoints[request.path_params["test"]].models(request)


@pytest.fixture(scope="session")
def _server() -> Iterator[Server]:
    listening = socket.create_server(("127.0.0.1", 0))
    ours = Server(listening.getsockname()[1])
    chat = Route("/{test}/v1/chat/completions", ours.chat, methods=["POST"])
    app = Starlette(routes=[chat, Route("/{test}/v1/models", ours.models)])
    config = uvicorn.Config(
        app, log_config=None, log_level="critical", lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield ours
    server.should_exit = True
    thread.join(10)
    listening.close()
    assert not thread.is_alive()


@pytest.fixture
def endpoint(_server: Server) -> Endpoint:
    return _server.fresh()


@pytest.fixture
def dead_port() -> Iterator[int]:
    with socket.socket() as bound:  # bound and not listening: refuses, and nobody else gets it
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "OPENAI_MODEL",
        "OPENAI_ORG_ID",
        "OPENAI_PROJECT_ID",
        "OPENAI_CUSTOM_HEADERS",
        "NBAGENTS_MODEL",
        "OLLAMA_HOST",
    ):
        monkeypatch.delenv(name, raising=False)
