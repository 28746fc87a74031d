"""The gate of a server: every method of both services, and its token.

Handlers take and return bytes and parse inside, so that a malformed request is INVALID_ARGUMENT and
not a crash, and no exception's text reaches a caller unless it is one of ours. The table of what
becomes of an error:

======================== ===================
AuthenticationError      UNAUTHENTICATED
AgentNotFoundError       NOT_FOUND
ResultExpiredError       NOT_FOUND
ProtocolError            INVALID_ARGUMENT
UsageError               INVALID_ARGUMENT
AgentCallError           INVALID_ARGUMENT
CallTimeoutError         DEADLINE_EXCEEDED
CallCancelledError       CANCELLED
MessageTooLargeError     RESOURCE_EXHAUSTED
AgentServerNotAliveError UNAVAILABLE
any other of ours        FAILED_PRECONDITION
anything else            INTERNAL, with an id that is in the server's log
======================== ===================
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from typing import Any

import grpc

from .. import exceptions as e
from ..config import redact
from ._admission import internal_error
from ._methods import REQUESTS
from ._servicer import AgentServerServicer

__all__ = ["TokenGate", "add_services"]

STATUS: list[tuple[type[BaseException], grpc.StatusCode]] = [
    (e.AuthenticationError, grpc.StatusCode.UNAUTHENTICATED),
    (e.AgentNotFoundError, grpc.StatusCode.NOT_FOUND),
    (e.ResultExpiredError, grpc.StatusCode.NOT_FOUND),
    (e.ProtocolError, grpc.StatusCode.INVALID_ARGUMENT),
    (e.MessageTooLargeError, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (e.UsageError, grpc.StatusCode.INVALID_ARGUMENT),
    (e.AgentCallError, grpc.StatusCode.INVALID_ARGUMENT),
    (e.CallTimeoutError, grpc.StatusCode.DEADLINE_EXCEEDED),
    (e.CallCancelledError, grpc.StatusCode.CANCELLED),
    (e.AgentServerNotAliveError, grpc.StatusCode.UNAVAILABLE),
    (e.InternalError, grpc.StatusCode.INTERNAL),
    (e.NbAgentsError, grpc.StatusCode.FAILED_PRECONDITION),
]
Handlers = dict[str, Any]


def add_services(server: Any, servicer: AgentServerServicer) -> None:
    """Register both services."""
    unary: Handlers = {}
    for name, kind in REQUESTS.items():
        call = getattr(servicer, name)
        if name == "download_file":
            unary[name] = grpc.unary_stream_rpc_method_handler(_streaming(call, kind))
        else:
            unary[name] = grpc.unary_unary_rpc_method_handler(_unary(servicer, call, kind))
    attach: Handlers = {"Attach": grpc.stream_stream_rpc_method_handler(_attached(servicer))}
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler("nbagents.v1.RpcAgent", unary),
            grpc.method_handlers_generic_handler("RpcAgent", unary),  # as AgentScope's own clients call it
            grpc.method_handlers_generic_handler("nbagents.v1.AgentServer", attach),
        )
    )


def _unary(servicer: AgentServerServicer, call: Callable[..., Any], kind: Any) -> Any:
    async def handler(body: bytes, context: Any) -> bytes:
        servicer.last_active = time.monotonic()
        try:
            answer: bytes = (await call(_parsed(kind, body), context)).SerializeToString()
            return answer
        except Exception as error:
            await _abort(context, error)
            raise

    return handler


def _streaming(call: Callable[..., Any], kind: Any) -> Any:
    async def handler(body: bytes, context: Any) -> Any:
        try:
            async for part in call(_parsed(kind, body), context):
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


def _parsed(kind: Any, body: bytes) -> Any:
    try:
        return kind.FromString(body)
    except Exception:  # noqa: BLE001  # protobuf's own class, and RuntimeError from some of its backends
        raise e.ProtocolError(f"the body is not a {kind.DESCRIPTOR.name}") from None


async def _abort(context: Any, error: Exception) -> None:
    """End the call with the status that the table names; raises."""
    if isinstance(error, grpc.aio.AbortError):
        return
    known = error if isinstance(error, e.NbAgentsError) else internal_error(error)
    status = next(code for kind, code in STATUS if isinstance(known, kind))
    text = redact(str(known).encode("utf-8", "backslashreplace").decode()[:1000])
    await context.abort(status, text)


class TokenGate(grpc.aio.ServerInterceptor):
    """Refuses every call, of whichever method, that does not carry the token."""

    def __init__(self, token: str) -> None:
        self._expected = f"Bearer {token}".encode()

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        """Let the call pass to its method, or refuse it."""
        given = b""
        for key, value in details.invocation_metadata or ():
            if key == "authorization":
                given = value.encode("utf-8", "replace") if isinstance(value, str) else bytes(value)
        handler = await continuation(details)
        return handler if hmac.compare_digest(given, self._expected) else _refusal(handler)


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
