"""`McpDoors`: the address of MCP."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect, Request
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from ..._threads import on_thread
from .._failure import Refusal
from .._jsonrpc import MCP
from .._openapi import JSONRPC, JSONRPC_ERROR, About

if TYPE_CHECKING:
    from .._agent_app import AgentApp
    from ._service import Service

__all__ = ["McpDoors"]


class McpDoors:
    """What is served of one app as a tool. Without its package it says what is missing."""

    openapi = About(
        "Use the app as a tool, by MCP",
        body=JSONRPC,
        streams=True,
        refused=JSONRPC_ERROR,
        also={"202": "It is taken; nothing is answered"},
    )

    def __init__(self, app: AgentApp) -> None:
        self._app = app
        self._service: Service | None = None

    def routes(self) -> list[Route]:
        """Return the address. No GET: nothing is told that nobody has asked."""
        return [Route(MCP, self, methods=["POST", "DELETE"])]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as an ASGI application."""
        try:
            body = await Request(scope, receive).body()
        except ClientDisconnect:
            raise Refusal(400, "invalid_request", "the request broke off") from None
        service = await self._loaded()
        await service.respond(scope, _again(body, receive), send)

    async def stop(self) -> None:
        """End all sessions."""
        service, self._service = self._service, None
        if service is not None:
            await service.stop()

    async def _loaded(self) -> Service:
        if self._service is None:
            try:
                module = await on_thread(importlib.import_module, "._service", __package__)
            except ImportError:
                raise Refusal(
                    501, "mcp_not_installed", "MCP needs the package mcp: pip install 'jupyter-nbagents[mcp]'"
                ) from None
            if self._service is None:
                self._service = module.Service(self._app)
        assert self._service is not None
        return self._service


def _again(body: bytes, receive: Receive) -> Receive:
    """Return what has been read already, and then what comes: it is measured where it is read first."""
    told = False

    async def again() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
