"""The demo models over HTTP, on OpenAI's wire."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import OrderedDict
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from ._answer import Answer
from ._catalog import CATALOG, SPEED, model_named
from ._failure import Failure
from ._guard import Guard
from ._made import embeddings, pictures
from ._request import ChatRequest

__all__ = ["create_app"]

LARGEST_BODY = 8 * 2**20
MOST_REFUSALS = 1024
"""Refused conversations that are remembered until they come again."""


def create_app(key: str, *, speed: float = SPEED, stand_in: str | None = None) -> Starlette:
    """Return the ASGI application that serves the demo models.

    Args:
        key: What a client must send as its API key.
        speed: Simulated tokens per second; 0 for none.
        stand_in: The demo model that answers for every model that is not there; None refuses those.

    Returns:
        An application with ``POST`` of ``/v1/chat/completions``, ``/v1/embeddings`` and
        ``/v1/images/generations``, and ``GET /v1/models``; its ``state.speaking`` is the number of
        answers under way.
    """
    app = Starlette(
        routes=[
            Route("/v1/chat/completions", _chat, methods=["POST"]),
            Route("/v1/embeddings", _embeddings, methods=["POST"]),
            Route("/v1/images/generations", _pictures, methods=["POST"]),
            Route("/v1/models", _models, methods=["GET"]),
            Route("/v1/models/{name}", _model, methods=["GET"]),
        ],
        middleware=[Middleware(Guard, key)],
        exception_handlers={
            Failure: _failed,
            ClientDisconnect: _left,
            HTTPException: _refused,
            Exception: _crashed,
        },
    )
    app.state.speed = speed
    app.state.stand_in = stand_in
    app.state.speaking = 0
    app.state.refused = OrderedDict()
    return app


async def _chat(request: Request) -> Response:
    asked = ChatRequest.read(await _body(request), request.app.state.stand_in)
    if asked.model.flaky and not _comes_again(request, asked):
        raise Failure.rate_limited()
    answer = Answer.of(asked)
    if asked.stream:
        return StreamingResponse(
            _spoken(request, asked, answer),
            media_type="text/event-stream",
            headers={"cache-control": "no-cache"},
        )
    speed = asked.model.tokens_per_second(request.app.state.speed)
    pause = asked.model.first + (answer.tokens / speed if speed else 0.0)
    if pause and await _gone_within(request, pause):
        return Response(status_code=499)
    return JSONResponse(answer.whole())


async def _spoken(request: Request, asked: ChatRequest, answer: Answer) -> AsyncIterator[str]:
    state, usage = request.app.state, asked.include_usage
    speed = asked.model.tokens_per_second(state.speed)
    loop = asyncio.get_running_loop()
    state.speaking += 1
    try:
        due = loop.time() + asked.model.first
        for index, (delta, tokens) in enumerate(answer.pieces()):
            if index:
                due += tokens / speed if speed else 0.0
                await asyncio.sleep(max(due - loop.time(), 0))
            yield answer.chunk(delta, usage=usage)
        yield answer.chunk({}, answer.finish, usage=usage)
        if usage:
            yield answer.counted()
        yield "data: [DONE]\n\n"
    finally:
        state.speaking -= 1


async def _gone_within(request: Request, seconds: float) -> bool:
    """Wait, and return at once with True if the client goes away meanwhile."""
    request.app.state.speaking += 1
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        done, _ = await asyncio.wait([gone], timeout=seconds)
        return bool(done)
    finally:
        gone.cancel()
        request.app.state.speaking -= 1


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        continue


def _comes_again(request: Request, asked: ChatRequest) -> bool:
    """Was this conversation refused before? Then it is forgotten, so that it starts over."""
    refused: OrderedDict[bytes, None] = request.app.state.refused
    mark = hashlib.sha256(json.dumps(asked.messages, sort_keys=True).encode()).digest()
    if mark in refused:
        del refused[mark]
        return True
    refused[mark] = None
    if len(refused) > MOST_REFUSALS:
        refused.popitem(last=False)
    return False


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY:
            raise Failure(413, f"The request is larger than {LARGEST_BODY} bytes.", code="request_too_large")
    return bytes(body)


async def _embeddings(request: Request) -> Response:
    body = await _body(request)
    return JSONResponse(await asyncio.to_thread(embeddings, body, request.app.state.stand_in))


async def _pictures(request: Request) -> Response:
    body = await _body(request)
    return JSONResponse(await asyncio.to_thread(pictures, body, request.app.state.stand_in))


async def _models(request: Request) -> Response:
    return JSONResponse({"object": "list", "data": [_described(name) for name in CATALOG]})


async def _model(request: Request) -> Response:
    name = request.path_params["name"]
    if model_named(name, request.app.state.stand_in) is None:
        raise Failure.unknown_model(name)
    return JSONResponse(_described(name))


def _described(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "nbagents"}


async def _failed(request: Request, error: Exception) -> Response:
    if not isinstance(error, Failure):
        raise error
    return JSONResponse(error.body, error.status, error.headers)


async def _refused(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    path = f"{request.method} {request.url.path[:80]}"
    message = f"Not allowed to send {path}." if status == 405 else f"Invalid URL ({path})"
    failure = Failure(status, message, code="method_not_allowed" if status == 405 else "unknown_url")
    return JSONResponse(failure.body, failure.status)


async def _left(request: Request, error: Exception) -> Response:
    return Response(status_code=499)


async def _crashed(request: Request, error: Exception) -> Response:
    failure = Failure(500, f"The demo model failed: {type(error).__name__}.", kind="server_error")
    return JSONResponse(failure.body, failure.status)
