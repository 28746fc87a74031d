"""The gate of a server: every method of all its services, and its token.

Handlers take and return bytes and parse inside, so that a malformed request is INVALID_ARGUMENT and
not a crash, and no exception's text reaches a caller unless it is one of ours (`_status`).
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from typing import Any

import grpc

from ._agentscope import as_agentscope
from ._health import Health
from ._methods import HEALTH, HEALTH_SERVICE, REQUESTS, health_paths
from ._servicer import AgentServerServicer
from ._shape import parse
from ._status import status_of

__all__ = ["TokenGate", "add_services"]

Handlers = dict[str, Any]


def add_services(server: Any, servicer: AgentServerServicer, health: Health) -> None:
    """Register all services."""

    def active() -> None:
        servicer.last_active = time.monotonic()

    unary: Handlers = {}
    theirs: Handlers = {}  # as AgentScope's own clients call it
    for name, kind in REQUESTS.items():
        call = getattr(servicer, name)
        if name == "download_file":
            unary[name] = theirs[name] = grpc.unary_stream_rpc_method_handler(_streaming(call, kind, active))
        else:
            unary[name] = grpc.unary_unary_rpc_method_handler(_unary(call, kind, active))
            theirs[name] = grpc.unary_unary_rpc_method_handler(
                _unary(as_agentscope(name, call), kind, active)
            )
    attach: Handlers = {"Attach": grpc.stream_stream_rpc_method_handler(_attached(servicer))}
    # Those who ask for the health of a server do not keep it alive.
    healthy: Handlers = {
        "Check": grpc.unary_unary_rpc_method_handler(_unary(health.check, HEALTH["Check"])),
        "List": grpc.unary_unary_rpc_method_handler(_unary(health.list, HEALTH["List"])),
        "Watch": grpc.unary_stream_rpc_method_handler(_streaming(health.watch, HEALTH["Watch"])),
    }
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler("nbagents.v1.RpcAgent", unary),
            grpc.method_handlers_generic_handler("RpcAgent", theirs),
            grpc.method_handlers_generic_handler("nbagents.v1.AgentServer", attach),
            grpc.method_handlers_generic_handler(HEALTH_SERVICE, healthy),
        )
    )


def _unary(call: Callable[..., Any], kind: Any, active: Callable[[], object] = lambda: None) -> Any:
    async def handler(body: bytes, context: Any) -> bytes:
        active()
        try:
            answer: bytes = (await call(parse(kind, body, "the body"), context)).SerializeToString()
            return answer
        except Exception as error:
            await _abort(context, error)
            raise

    return handler


def _streaming(call: Callable[..., Any], kind: Any, active: Callable[[], object] = lambda: None) -> Any:
    async def handler(body: bytes, context: Any) -> Any:
        active()
        try:
            async for part in call(parse(kind, body, "the body"), context):
                yield part.SerializeToString()
        except Exception as error:
            await _abort(context, error)
            raise

    return handler


def _attached(servicer: AgentServerServicer) -> Any:
    async def handler(_: Any, context: Any) -> None:
        try:
            await servicer.attach(context)
        except Exception as error:
            await _abort(context, error)
            raise

    return handler


async def _abort(context: Any, error: Exception) -> None:
    """End the call with the status that stands for the error; raises."""
    if not isinstance(error, grpc.aio.AbortError):
        await context.abort(*status_of(error))


class TokenGate(grpc.aio.ServerInterceptor):
    """Refuses every call, of whichever method, that does not carry the token.

    With ``public_health`` the methods of the health service alone need none.
    """

    def __init__(self, token: str, *, public_health: bool = False) -> None:
        self._expected = f"Bearer {token}".encode()
        self._public = frozenset(health_paths() if public_health else ())

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        """Let the call pass to its method, or refuse it."""
        given = b""
        for key, value in details.invocation_metadata or ():
            if key == "authorization":
                given = value.encode("utf-8", "replace") if isinstance(value, str) else bytes(value)
        handler = await continuation(details)
        if hmac.compare_digest(given, self._expected) or details.method in self._public:
            return handler
        return _refusal(handler)


def _refusal(handler: Any) -> Any:
    text = "a valid token is needed: the connection file of the server holds it"

    async def refuse(_: Any, context: Any) -> Any:
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, text)

    async def refuse_stream(_: Any, context: Any) -> Any:
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, text)
        yield b""

    if handler is None or not (handler.request_streaming or handler.response_streaming):
        return grpc.unary_unary_rpc_method_handler(refuse)
    if handler.request_streaming:
        return grpc.stream_stream_rpc_method_handler(refuse_stream)
    return grpc.unary_stream_rpc_method_handler(refuse_stream)
