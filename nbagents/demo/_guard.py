"""The door: only this machine by its own name, and only with the key."""

from __future__ import annotations

import hmac

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ._failure import Failure

__all__ = ["Guard"]

_HOSTS = frozenset({"127.0.0.1", "localhost"})


class Guard:
    """ASGI middleware that refuses foreign hosts with 403 and wrong keys with 401.

    The Host header is checked because a web page can point a name of its own at 127.0.0.1; the
    key because other users of the machine can reach the port.
    """

    def __init__(self, app: ASGIApp, key: str) -> None:
        self.app = app
        self._key = key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it here."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        failure = self._refusal(scope)
        if failure is None:
            await self.app(scope, receive, send)
        else:
            await JSONResponse(failure.body, failure.status, failure.headers)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Failure | None:
        values: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            values.setdefault(name.lower(), []).append(value)
        hosts = values.get(b"host", [])
        if len(hosts) != 1 or hosts[0].decode("latin-1").rsplit(":", 1)[0].lower() not in _HOSTS:
            return Failure(
                403, "This server answers only to 127.0.0.1 and localhost.", code="host_not_allowed"
            )
        given = values.get(b"authorization", [])
        if not given:
            return Failure(
                401,
                "You didn't provide an API key. Give it in an Authorization header using Bearer auth.",
                headers={"www-authenticate": "Bearer"},
            )
        scheme, _, token = given[0].partition(b" ")
        if (
            len(given) != 1
            or scheme.lower() != b"bearer"
            or not hmac.compare_digest(token.strip(), self._key)
        ):
            return Failure(
                401,
                "Incorrect API key provided.",
                code="invalid_api_key",
                headers={"www-authenticate": "Bearer"},
            )
        return None
