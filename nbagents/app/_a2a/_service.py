"""`Service`: one app as an A2A agent. This module and those below it load the protocol's package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from a2a.server.context import ServerCallContext
from a2a.server.routes.common import ServerCallContextBuilder
from a2a.server.routes.jsonrpc_dispatcher import JsonRpcDispatcher
from starlette.requests import Request
from starlette.responses import Response

from .._failure import Refusal
from ._card import card_of
from ._handler import Handler

if TYPE_CHECKING:
    from .._agent_app import AgentApp

__all__ = ["Service"]


class Service:
    """The card of an app, and what answers JSON-RPC: version 1.0 of the protocol, and 0.3."""

    def __init__(self, app: AgentApp) -> None:
        self._app = app
        self._dispatcher = JsonRpcDispatcher(Handler(app), _Contexts(), enable_v0_3_compat=True)

    def card(self, url: str) -> dict[str, Any]:
        """Return the card, which says that the agent is asked at ``url``."""
        app = self._app
        return card_of(app.app_name or "AgentApp", app.app_description, url, open_to_all=app.insecure)

    async def respond(self, request: Request) -> Response:
        """Answer one request; errors are told as JSON-RPC tells them.

        Raises:
            Refusal: it met a limit of the app, for which A2A has no error of its own.
        """
        response = await self._dispatcher.handle_requests(request)
        refusal: Refusal | None = getattr(request.state, "refusal", None)
        if refusal is not None:
            raise refusal
        return response


class _Contexts(ServerCallContextBuilder):
    """What the handler gets to know of a request."""

    def build(self, request: Request) -> ServerCallContext:
        state = {"headers": dict(request.headers), "request": request}
        return ServerCallContext(state=state)
