"""`refused`: a refusal as HTTP, and in the words of JSON-RPC where that is what is spoken."""

from __future__ import annotations

from starlette.responses import JSONResponse
from starlette.types import Scope

from ._failure import Refusal, error_of

__all__ = ["A2A", "MCP", "TOO_DEEP", "path_of", "refused"]

A2A, MCP = "/a2a", "/mcp"
"""Where JSON-RPC is spoken."""
PARSE_ERROR, INVALID_REQUEST, SERVER_ERROR, INTERNAL_ERROR = -32700, -32600, -32000, -32603
"""Codes of JSON-RPC: no JSON, no request; a limit here (A2A's own begin below); a fault here."""
TOO_DEEP = {
    "jsonrpc": "2.0",
    "id": None,
    "error": {"code": PARSE_ERROR, "message": "the body is nested too deep"},
}
"""The answer to a body that Python's parser does not follow to its bottom."""
_LIMITS = frozenset({409, 429, 503})


def refused(refusal: Refusal, scope: Scope) -> JSONResponse:
    """Return what a client is told: the status of HTTP in any case, which proxies and libraries look at."""
    if path_of(scope) not in (A2A, MCP):
        return refusal.response()
    about = error_of(refusal.code, refusal.message)
    reason = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": refusal.code.upper(),
        "domain": "nbagents",
        "metadata": {"id": about["id"], **refusal.details()},
    }
    error = {"code": _code_of(refusal.status), "message": refusal.message, "data": [reason]}
    return JSONResponse({"jsonrpc": "2.0", "id": None, "error": error}, refusal.status, refusal.headers)


def path_of(scope: Scope) -> str:
    """Return the path as the app has it, wherever it is mounted."""
    root = scope.get("root_path", "")
    path = str(scope["path"])
    return path.removeprefix(root) if root else path


def _code_of(status: int) -> int:
    if status in _LIMITS:
        return SERVER_ERROR
    return INVALID_REQUEST if status < 500 else INTERNAL_ERROR
