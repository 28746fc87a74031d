"""`A2ADoors`: the addresses of A2A: the agent's card, and where it is asked."""

from __future__ import annotations

import importlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..._threads import on_thread
from .._failure import Refusal
from .._jsonrpc import A2A, TOO_DEEP
from .._openapi import JSONRPC, JSONRPC_ERROR, about
from .._stream import sse

if TYPE_CHECKING:
    from .._agent_app import AgentApp
    from ._service import Service

__all__ = ["A2ADoors"]

CARDS = ("/.well-known/agent-card.json", "/.wellknown/agent-card.json")
"""Where the card is; AgentScope Runtime's documents write the second."""


class A2ADoors:
    """What is served of one app to other agents. Without its package each address says what is missing."""

    def __init__(self, app: AgentApp) -> None:
        self._app = app
        self._service: Service | None = None

    def routes(self) -> list[Route]:
        """Return the addresses."""
        cards = [Route(path, self._card, methods=["GET"]) for path in CARDS]
        return [*cards, Route(A2A, self._ask, methods=["POST"])]

    @about("Who answers here, for other agents", answer={"type": "object"})
    async def _card(self, request: Request) -> Response:
        service = await self._loaded()
        return JSONResponse(service.card(f"{str(request.base_url).rstrip('/')}{A2A}"))

    @about("Ask the agent, by A2A", body=JSONRPC, streams=True, refused=JSONRPC_ERROR)
    async def _ask(self, request: Request) -> Response:
        try:
            await request.json()  # what it is now is kept, for whoever reads it again
        except ClientDisconnect:
            raise Refusal(400, "invalid_request", "the request broke off") from None
        except RecursionError:
            return JSONResponse(TOO_DEEP)
        except ValueError:
            pass  # the package says so, in its protocol's words
        service = await self._loaded()
        response = await service.respond(request)
        events: Any = getattr(response, "body_iterator", None)
        # Streams go out as all others of an app do, with signs of life and an end when the client leaves.
        return response if events is None else sse(_encoded(events))

    async def _loaded(self) -> Service:
        if self._service is None:
            try:
                module = await on_thread(importlib.import_module, "._service", __package__)
            except ImportError:
                raise Refusal(
                    501,
                    "a2a_not_installed",
                    "A2A needs the package a2a-sdk: pip install 'jupyter-nbagents[a2a]'",
                ) from None
            if self._service is None:
                self._service = module.Service(self._app)
        assert self._service is not None
        return self._service


async def _encoded(events: AsyncGenerator[dict[str, str], None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(events) as source:
        async for event in source:
            head = f"event: {event['event']}\n" if "event" in event else ""
            yield f"{head}data: {event['data']}\n\n".encode()
