"""What becomes of an error on the wire: its gRPC status, and a text that is safe to tell.

======================== ===================
AuthenticationError      UNAUTHENTICATED
AgentNotFoundError       NOT_FOUND
FileNotExportedError     NOT_FOUND
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

import grpc

from .. import exceptions as e
from ._admission import internal_error
from ._printable import printable

__all__ = ["status_of"]

_STATUS: list[tuple[type[BaseException], grpc.StatusCode]] = [
    (e.AuthenticationError, grpc.StatusCode.UNAUTHENTICATED),
    (e.AgentNotFoundError, grpc.StatusCode.NOT_FOUND),
    (e.FileNotExportedError, grpc.StatusCode.NOT_FOUND),
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


def status_of(error: Exception) -> tuple[grpc.StatusCode, str]:
    """Return how a call ends by that error. One that is not ours is logged, and its text kept back."""
    known = error if isinstance(error, e.NbAgentsError) else internal_error(error)
    status = next(code for kind, code in _STATUS if isinstance(known, kind))
    return status, printable(str(known))
