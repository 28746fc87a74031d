"""What a client is told whose request ends in an error: for Starlette, by the kind of the exception."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ._failure import Refusal, failure_of, unserved
from ._jsonrpc import path_of, refused

__all__ = ["FAULTS"]


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return refused(error, request.scope)


async def _unknown(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return refused(unserved(error, request.method, path_of(request.scope)), request.scope)


async def _failed(request: Request, error: Exception) -> Response:
    code, message = failure_of(error)
    return refused(Refusal(500, code, message), request.scope)


FAULTS: Mapping[Any, Any] = {Refusal: _refused, HTTPException: _unknown, Exception: _failed}
