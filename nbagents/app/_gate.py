"""`Gate`: pure ASGI, before everything else: what is not allowed by name is refused."""

from __future__ import annotations

import hmac
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..config import Secret
from ._failure import Refusal
from ._jsonrpc import path_of, refused

__all__ = ["Gate"]

LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})
PUBLIC = frozenset({("GET", "/health"), ("HEAD", "/health")})
"""What is answered without a token."""
_BODIES = frozenset({"POST", "PUT", "PATCH"})
MOST_CALLERS = 10_000
SAFE = {
    b"x-content-type-options": b"nosniff",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'; sandbox",
    b"cross-origin-resource-policy": b"same-origin",
}
"""What each answer says to browsers, unless the app's author says otherwise: what agents write is no page."""


class Gate:
    """Host, origin, token, content type, size and rate of each request, in this order.

    Args:
        app: What lies behind.
        tokens: Who may come: the user's name for each token. A name of "" leaves it to the request who
            the user is. Empty: everybody may come.
        hosts: Names by which it may be called, beside this machine's own; with ``public``, addresses too.
        largest: Bytes of a body.
        rate: Requests a second of one caller, and as many at once; 0 for no limit.
    """

    def __init__(
        self,
        app: ASGIApp,
        tokens: Mapping[str, Secret],
        *,
        hosts: Iterable[str] = (),
        public: bool = False,
        largest: int,
        rate: float,
    ) -> None:
        self.app = app
        self._tokens = {name: token.reveal().encode() for name, token in tokens.items()}
        self._hosts, self._public = frozenset(host.lower() for host in hosts), public
        self._largest, self._rate = largest, rate
        self._allowance: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it here."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        send = _safe(send)
        try:
            user = self._check(scope)
        except Refusal as refusal:
            await refused(refusal, scope)(scope, receive, send)
            return
        await self.app({**scope, "nbagents.user": user}, self._measured(receive), send)

    def _check(self, scope: Scope) -> str:
        headers: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.lower(), []).append(value)
        host = self._check_host(headers, scope)
        self._check_origin(headers, scope, host)
        user, caller = "", str((scope.get("client") or ("",))[0])
        if (scope["method"], path_of(scope)) not in PUBLIC:
            try:
                user = self._check_token(headers)
            except Refusal:
                # Counted for itself: who guesses takes nothing from those who have a token.
                self._check_rate(f"no token, {caller}")
                raise
        self._check_rate(user or caller)
        self._check_body(headers, scope)
        return user

    def _check_host(self, headers: Mapping[bytes, list[bytes]], scope: Scope) -> str:
        given = headers.get(b"host", [])
        host = given[0].decode("latin-1").lower() if len(given) == 1 else ""
        name, port = _split(host)
        own = (scope.get("server") or ("", None))[1]
        if name in self._hosts or host in self._hosts:
            return host
        if (name in LOCAL or (self._public and _is_address(name))) and port in (own, None):
            return host
        raise Refusal(
            403, "host_not_allowed", "this app is not called by that name; hosts= names those it has"
        )

    def _check_origin(self, headers: Mapping[bytes, list[bytes]], scope: Scope, host: str) -> None:
        for origin in headers.get(b"origin", []):
            if origin.decode("latin-1").lower() != f"{scope.get('scheme', 'http')}://{host}":
                raise Refusal(403, "origin_not_allowed", "requests of other sites are not served")
        for site in headers.get(b"sec-fetch-site", []):
            if site.lower() not in (b"same-origin", b"none"):
                raise Refusal(403, "origin_not_allowed", "requests of other sites are not served")

    def _check_token(self, headers: Mapping[bytes, list[bytes]]) -> str:
        if not self._tokens:
            return ""
        given = headers.get(b"authorization", [])
        scheme, _, token = given[0].partition(b" ") if len(given) == 1 else (b"", b"", b"")
        if scheme.lower() == b"bearer":
            # All are compared, so that the time does not tell which of them was near.
            found = [name for name, own in self._tokens.items() if hmac.compare_digest(token.strip(), own)]
            if found:
                return found[0]
        raise Refusal(
            401,
            "unauthorized",
            "a token is needed: Authorization: Bearer TOKEN, as app.token has it",
            {"WWW-Authenticate": "Bearer"},
        )

    def _check_rate(self, caller: str) -> None:
        if not self._rate:
            return
        now = time.monotonic()
        left, then = self._allowance.pop(caller, (self._rate, now))
        left = min(self._rate, left + (now - then) * self._rate)
        allowed = left >= 1
        self._allowance[caller] = (left - 1 if allowed else left, now)
        if len(self._allowance) > MOST_CALLERS:
            self._allowance.popitem(last=False)
        if not allowed:
            raise Refusal(
                429, "too_many_requests", f"more than {self._rate:g} requests a second", {"Retry-After": "1"}
            )

    def _check_body(self, headers: Mapping[bytes, list[bytes]], scope: Scope) -> None:
        length = headers.get(b"content-length", [b"0"])[0]
        if not length.isdigit() or int(length) > self._largest:
            raise _too_large(self._largest)
        if scope["method"] not in _BODIES:
            return
        kind = headers.get(b"content-type", [b""])[0].partition(b";")[0].strip().lower()
        has_body = length != b"0" or b"transfer-encoding" in headers
        if kind != b"application/json" and (has_body or kind):
            raise Refusal(415, "json_needed", "Content-Type: application/json is needed")
        if b"content-encoding" in headers:
            raise Refusal(415, "encoding_not_allowed", "bodies are taken as they are, not compressed")

    def _measured(self, receive: Receive) -> Receive:
        size = 0

        async def measured() -> Message:
            nonlocal size
            message = await receive()
            if message["type"] == "http.request":
                size += len(message.get("body", b""))
                if size > self._largest:
                    raise _too_large(self._largest)
            return message

        return measured


def _safe(send: Send) -> Send:
    async def safe(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            said = {name.lower() for name, _ in headers}
            headers += [(name, value) for name, value in SAFE.items() if name not in said]
            message = {**message, "headers": headers}
        await send(message)

    return safe


def _too_large(most: int) -> Refusal:
    return Refusal(413, "request_too_large", f"a request has at most {most:,} bytes")


def _split(host: str) -> tuple[str, int | None]:
    """Return the name and the port of a Host header; a port of -1 is none that there could be."""
    name, colon, port = host.rpartition(":")
    if not colon or host.endswith("]"):
        name, port = host, ""
    if port and not (port.isascii() and port.isdigit()):
        return "", -1
    return name.removeprefix("[").removesuffix("]"), int(port) if port else None


def _is_address(name: str) -> bool:
    # An address cannot be pointed elsewhere, as a name can.
    try:
        return not ipaddress.ip_address(name).is_unspecified
    except ValueError:
        return False
