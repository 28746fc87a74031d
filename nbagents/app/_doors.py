"""`Doors`: the addresses of an app. Each reads a request, begins an answer and sends it on."""

from __future__ import annotations

import json
import math
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import _chat, _responses
from ._a2a import A2ADoors
from ._answer import Answer
from ._begin import begin
from ._disconnect import cancelled_on_disconnect
from ._failure import Refusal
from ._mcp import McpDoors
from ._names import RunStatus
from ._openapi import about, document
from ._schemas import AgentResponse
from ._stream import encode, sse, well_formed

if TYPE_CHECKING:
    from ._agent_app import AgentApp

__all__ = ["Doors", "json_of"]

OPENAI = "/compatible-mode/v1"
MOST_KNOWN = 10_000
"""Responses whose session is remembered, for ``previous_response_id``."""

ONCE = {"x-should-retry": "false"}
"""With a failure: OpenAI's SDK would ask twice more, and the agent may have done things by now."""
LAST = {"name": "Last-Event-ID", "in": "header", "required": True, "schema": {"type": "string"}}
STOP = {
    "type": "object",
    "required": ["session_id"],
    "properties": {"session_id": {"type": "string"}, "user_id": {"type": "string"}},
}

Door = Callable[[Request], Awaitable[Response]]


class Doors:
    """What is served of one app while it runs."""

    def __init__(self, app: AgentApp) -> None:
        self._app = app
        self._a2a, self._mcp = A2ADoors(app), McpDoors(app)
        self._sessions: OrderedDict[tuple[str, str], str] = OrderedDict()

    def routes(self) -> list[Route]:
        """Return the addresses that every app has."""
        path = self._app.endpoint_path
        return [
            Route("/", self._about, methods=["GET"]),
            Route("/health", self._health, methods=["GET"]),
            Route("/openapi.json", self._openapi, methods=["GET"]),
            Route(path, self._process, methods=["POST"]),
            Route(path, self._continue, methods=["GET"]),
            Route(f"{path}/stop", self._stop, methods=["POST"]),
            Route(f"{OPENAI}/models", self._models, methods=["GET"]),
            Route(f"{OPENAI}/responses", self._openai_response, methods=["POST"]),
            Route(f"{OPENAI}/chat/completions", self._openai_chat, methods=["POST"]),
            *self._a2a.routes(),
            *self._mcp.routes(),
        ]

    async def stop(self) -> None:
        """End what the protocols keep of their own."""
        await self._mcp.stop()

    # ---- about

    @about("What is served here")
    async def _about(self, request: Request) -> Response:
        app = self._app
        methods: dict[str, set[str]] = {}
        for route in app.routes:
            methods.setdefault(route.path, set()).update((route.methods or set()) - {"HEAD"})
        return JSONResponse(
            {
                "service": app.app_name or "AgentApp",
                "description": app.app_description,
                "running": len(app.book.running),
                "endpoints": {path: sorted(own) for path, own in methods.items()},
            }
        )

    @about("Is it there?", answer={"type": "object", "required": ["status"]})
    async def _health(self, request: Request) -> Response:
        return JSONResponse({"status": "healthy"})

    @about("This document", answer={"type": "object"})
    async def _openapi(self, request: Request) -> Response:
        return JSONResponse(document(self._app))

    @about("The one model that OpenAI's clients see", answer={"type": "object"})
    async def _models(self, request: Request) -> Response:
        model = {"id": self._app.app_name or "agent", "object": "model", "created": 0, "owned_by": "nbagents"}
        return JSONResponse({"object": "list", "data": [model]})

    # ---- /process

    @about("Ask the app", body="request", answer=AgentResponse, streams=True)
    async def _process(self, request: Request) -> Response:
        if "last-event-id" in request.headers:
            return await self._continue(request)
        body = await json_of(request)
        answer = await self._begin(request, body)
        if body.get("stream", self._app.stream):
            return sse(_events(answer, -1))
        last = await self._whole(request, answer)
        return JSONResponse(well_formed(last))

    @about("Read on where an answer broke off", streams=True, parameters=(LAST,))
    async def _continue(self, request: Request) -> Response:
        response_id, _, number = request.headers.get("last-event-id", "").rpartition(":")
        if not (number.isascii() and number.isdigit() and len(number) < 12):
            raise Refusal(
                400, "invalid_request", "Last-Event-ID: the id of the last event that came is needed"
            )
        answer = self._app.book.find(request.scope["nbagents.user"], response_id)
        if not answer.keeps(int(number)):
            raise Refusal(410, "events_expired", "the events after that one are no longer kept")
        return sse(_events(answer, int(number)))

    @about("Stop what is being answered in a session", body=STOP, answer={"type": "object"})
    async def _stop(self, request: Request) -> Response:
        asked = await json_of(request)
        session = asked.get("session_id")
        if not isinstance(session, str):
            raise Refusal(422, "invalid_request", "session_id: a text is needed")
        user = request.scope["nbagents.user"] or asked.get("user_id") or session
        return JSONResponse({"stopped": await self._app.book.stop(str(user), session)})

    # ---- OpenAI's

    @about("OpenAI's Responses", body=_responses.BODY, answer={"type": "object"}, streams=True)
    async def _openai_response(self, request: Request) -> Response:
        body = await json_of(request)
        asked = _responses.request_of(body)
        user = request.scope["nbagents.user"]
        if (session := self._session_of(body, user)) is not None:
            asked["session_id"] = session
        answer = await self._begin(request, asked, patience=0.0)
        self._sessions[user, answer.id] = answer.session
        if len(self._sessions) > MOST_KNOWN:
            self._sessions.popitem(last=False)
        told = _responses.Responses(body, self._app.app_name, answer.session)
        if body.get("stream"):
            return sse(_retold(answer, told.take, named=True))
        last = await self._whole(request, answer, told.take)
        if last["status"] == RunStatus.Failed:
            return JSONResponse({"error": last["error"]}, 500, ONCE)
        return JSONResponse(well_formed(told.response))

    def _session_of(self, body: dict[str, Any], user: str) -> str | None:
        conversation, previous = body.get("conversation"), body.get("previous_response_id")
        if isinstance(conversation, dict):
            conversation = conversation.get("id")
        if conversation is not None:
            return str(conversation)
        if previous is None:
            return None
        session = self._sessions.get((user, str(previous)))
        if session is None:
            raise Refusal(
                404, "response_not_found", "previous_response_id: there is no such response, or no longer"
            )
        return session

    @about("OpenAI's Chat Completions", body=_chat.BODY, answer={"type": "object"}, streams=True)
    async def _openai_chat(self, request: Request) -> Response:
        body = await json_of(request)
        answer = await self._begin(request, _chat.request_of(body), patience=0.0)
        told = _chat.Completions(body, self._app.app_name)
        if body.get("stream"):
            return sse(_retold(answer, told.take, done=lambda: told.failure))
        last = await self._whole(request, answer)
        if last["status"] == RunStatus.Failed:
            return JSONResponse({"error": last["error"]}, 500, ONCE)
        return JSONResponse(well_formed(told.whole(last)))

    # ---- what they share

    async def _begin(
        self, request: Request, body: dict[str, Any], *, patience: float | None = None
    ) -> Answer:
        return await begin(self._app, request.scope["nbagents.user"], body, patience=patience)

    async def _whole(self, request: Request, answer: Answer, take: Any = None) -> dict[str, Any]:
        """Read to the end; a client that leaves ends the answer, also one that says nothing for long."""
        last: dict[str, Any] = {}
        async with cancelled_on_disconnect(request.receive, answer), aclosing(answer.read()) as batches:
            async for events in batches:
                for last in events:
                    if take is not None:
                        for _ in take(last):
                            pass
        return last


async def json_of(request: Request) -> dict[str, Any]:
    """Return the JSON object that a request brings.

    Raises:
        Refusal: it brings none.
    """
    try:
        body = json.loads(await request.body() or b"{}", parse_constant=_no_number, parse_float=_number)
    except ClientDisconnect:
        raise Refusal(400, "invalid_request", "the request broke off") from None
    except (ValueError, RecursionError):
        raise Refusal(400, "invalid_request", "the body is no JSON") from None
    if not isinstance(body, dict):
        raise Refusal(400, "invalid_request", "the body is no JSON object")
    return dict(well_formed(body))


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


def _number(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("a number is too large")
    return value


async def _events(answer: Answer, after: int) -> AsyncGenerator[bytes, None]:
    async with aclosing(answer.read(after)) as batches:
        async for events in batches:
            yield b"".join(
                encode(event, event_id=f"{answer.id}:{event['sequence_number']}") for event in events
            )


async def _retold(
    answer: Answer,
    take: Callable[[dict[str, Any]], Any],
    *,
    named: bool = False,
    done: Callable[[], dict[str, Any] | None] | None = None,
) -> AsyncGenerator[bytes, None]:
    async with aclosing(answer.read()) as batches:
        async for events in batches:
            told = [item for event in events for item in take(event)]
            if told:
                yield b"".join(encode(item, event=item["type"] if named else "") for item in told)
    if done is not None:
        failure = done()
        yield b"data: [DONE]\n\n" if failure is None else encode({"error": failure})
