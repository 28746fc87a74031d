"""`Health`: the standard health service of gRPC, by which load balancers ask whether a server serves.

Its messages have a package of our own, since those of the standard package may be loaded into the same
process by somebody else; on the wire they are the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc

from ._methods import HEALTH_SERVICE
from ._proto import health_pb2 as pb

__all__ = ["Health"]

SERVICES = ("", "nbagents.v1.RpcAgent", "RpcAgent", "nbagents.v1.AgentServer", HEALTH_SERVICE)
MOST_WATCHERS = 100
"""The service may be open to everybody: so many may watch it at once."""
SERVING, NOT_SERVING = pb.HealthCheckResponse.SERVING, pb.HealthCheckResponse.NOT_SERVING


class Health:
    """Tells whether the server serves: from its start until it begins to stop. On its loop only."""

    def __init__(self) -> None:
        self._ended = asyncio.Event()
        self._watchers = 0

    def end(self) -> None:
        """Say that the server serves no longer; whoever watches is told, and the watching ends."""
        self._ended.set()

    def _status(self) -> Any:
        return NOT_SERVING if self._ended.is_set() else SERVING

    async def check(self, request: pb.HealthCheckRequest, context: Any) -> pb.HealthCheckResponse:
        """Tell how one service is; the empty name is the whole server."""
        if request.service not in SERVICES:
            await context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
        return pb.HealthCheckResponse(status=self._status())

    async def list(self, request: pb.HealthListRequest, context: Any) -> pb.HealthListResponse:
        """Tell how all services are."""
        status = pb.HealthCheckResponse(status=self._status())
        return pb.HealthListResponse(statuses=dict.fromkeys(SERVICES, status))

    async def watch(
        self, request: pb.HealthCheckRequest, context: Any
    ) -> AsyncIterator[pb.HealthCheckResponse]:
        """Tell how one service is, and again when that changes."""
        if self._watchers >= MOST_WATCHERS:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, f"{MOST_WATCHERS} are watching already")
        self._watchers += 1
        try:
            if request.service not in SERVICES:
                yield pb.HealthCheckResponse(status=pb.HealthCheckResponse.SERVICE_UNKNOWN)
            else:
                yield pb.HealthCheckResponse(status=self._status())
            await self._ended.wait()
            if request.service in SERVICES:
                yield pb.HealthCheckResponse(status=NOT_SERVING)
        finally:
            self._watchers -= 1
