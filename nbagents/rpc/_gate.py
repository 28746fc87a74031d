"""The gate of a server: every method of both services, and its token.

Handlers take and return bytes and parse inside, so that a malformed request is INVALID_ARGUMENT and
not a crash, and no exception's text reaches a caller unless it is one of ours. The table of what
becomes of an error:

======================= ===================
AuthenticationError     UNAUTHENTICATED
AgentNotFoundError      NOT_FOUND
ResultExpiredError      NOT_FOUND
ProtocolError           INVALID_ARGUMENT
UsageError              INVALID_ARGUMENT
AgentCallError          INVALID_ARGUMENT
CallTimeoutError        DEADLINE_EXCEEDED
CallCancelledError      CANCELLED
MessageTooLargeError    RESOURCE_EXHAUSTED
AgentServerNotAliveError UNAVAILABLE
any other of ours       FAILED_PRECONDITION
anything else           INTERNAL, with an id that is in the server's log
======================= ===================
"""

from __future__ import annotations

import hmac
import logging
import secrets
from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from .. import exceptions as e
from ._proto import agent_pb2 as pb
from ._servicer import AgentServerServicer

__all__ = ["TokenGate", "add_services", "methods"]

log = logging.getLogger(__name__)
STATUS: list[tuple[type[BaseException], grpc.StatusCode]] = [
    (e.AuthenticationError, grpc.StatusCode.UNAUTHENTICATED),
    (e.AgentNotFoundError, grpc.StatusCode.NOT_FOUND),
    (e.ResultExpiredError, grpc.StatusCode.NOT_FOUND),
    (e.ProtocolError, grpc.StatusCode.INVALID_ARGUMENT),
    (e.UsageError, grpc.StatusCode.INVALID_ARGUMENT),
    (e.AgentCallError, grpc.StatusCode.INVALID_ARGUMENT),
    (e.CallTimeoutError, grpc.StatusCode.DEADLINE_EXCEEDED),
    (e.CallCancelledError, grpc.StatusCode.CANCELLED),
    (e.MessageTooLargeError, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (e.AgentServerNotAliveError, grpc.StatusCode.UNAVAILABLE),
    (e.NbAgentsError, grpc.StatusCode.FAILED_PRECONDITION),
]
Handlers = dict[str, Any]


def methods() -> list[str]:
    """Return the full name of every method that a server offers."""
    names = []
    for service in pb.DESCRIPTOR.services_by_name.values():
        for method in service.methods:
            names += [f"/{service.full_name}/{method.name}"]
            if service.name == "RpcAgent":
                names += [f"/RpcAgent/{method.name}"]  # the path that AgentScope's own clients use
    return names


def add_services(server: Any, servicer: AgentServerServicer) -> None:
    """Register both services."""
    unary: Handlers = {}
    for method in pb.DESCRIPTOR.services_by_name["RpcAgent"].methods:
        call = getattr(servicer, method.name)
        kind = method.input_type._concrete_class
        if method.name == "download_file":
            unary[method.name] = grpc.unary_stream_rpc_method_handler(_streaming(call, kind))
        else:
            unary[method.name] = grpc.unary_unary_rpc_method_handler(_unary(call, kind))
    attach = {"Attach": grpc.stream_stream_rpc_method_handler(_attached(servicer))}
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler("nbagents.v1.RpcAgent", unary),
            grpc.method_handlers_generic_handler("RpcAgent", unary),
            grpc.method_handlers_generic_handler("nbagents.v1.AgentServer", attach),
        )
    )


def _unary(call: Callable[..., Any], kind: Any) -> Any:
    async def handler(body: bytes, context: Any) -> bytes:
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

    return handler


def _attached(servicer: AgentServerServicer) -> Any:
    async def handler(_: Any, context: Any) -> None:
        try:
            await servicer.attach(context)
        except Exception as error:
            await _abort(context, error)

    return handler


def _parsed(kind: Any, body: bytes) -> Any:
    try:
        return kind.FromString(body)
    except DecodeError:
        raise e.ProtocolError(f"the body is not a {kind.DESCRIPTOR.name}") from None


async def _abort(context: Any, error: Exception) -> None:
    if isinstance(error, grpc.aio.AbortError):
        return
    for kind, status in STATUS:
        if isinstance(error, kind):
            await context.abort(status, str(error)[:1000])
    number = secrets.token_hex(4)
    log.error("error %s", number, exc_info=error)
    await context.abort(grpc.StatusCode.INTERNAL, f"internal error {number}; the server's log tells more")


class TokenGate(grpc.aio.ServerInterceptor):  # type: ignore[misc]  # the stubs leave its base untyped
    """Refuses every call, of whichever method, that does not carry the token."""

    def __init__(self, token: str) -> None:
        self._expected = f"Bearer {token}".encode()

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        """Let the call pass to its method, or refuse it."""
        given = b""
        for key, value in details.invocation_metadata or ():
            if key == "authorization":
                given = value.encode("utf-8", "replace") if isinstance(value, str) else bytes(value)
        if hmac.compare_digest(given, self._expected):
            return await continuation(details)
        handler = await continuation(details)
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
