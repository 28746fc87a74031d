"""`Traced`: each request that got in is a span, which what is done for it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .. import _ports
from ..tracing import request_span

__all__ = ["Traced"]


class Traced:
    """Behind the gate: of who is not let in, no trace is continued."""

    def __init__(self, app: ASGIApp, routes: Callable[[], Sequence[Route]]) -> None:
        self.app, self._routes = app, routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        _ports.traced()
        parent = next((value for name, value in scope["headers"] if name == b"traceparent"), b"")
        about = scope["method"], scope["path"], scope.get("scheme", "http"), parent.decode("latin-1")
        with request_span(*about) as answered:
            if answered is None:
                await self.app(scope, receive, send)
                return
            told = answered

            async def send_on(message: Message) -> None:
                if message["type"] == "http.response.start":
                    told(message["status"], self._route(scope))
                await send(message)

            await self.app(scope, receive, send_on)

    def _route(self, scope: Scope) -> str:
        door = scope.get("endpoint")
        return next(
            (route.path for route in self._routes() if door is not None and route.endpoint == door), ""
        )
