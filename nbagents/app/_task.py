"""`Tasks`: functions that take long: begun by one request, looked after by others."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ._endpoint import Endpoint, plain
from ._failure import Refusal, error_of, failure_of
from ._handler import call
from ._openapi import About

__all__ = ["Tasks"]

MOST = 1000
"""Tasks that are kept; the oldest that are over go first."""

STATE = {"type": "object", "required": ["task_id", "status", "created_at"]}
"""What is told of a task, as JSON schema."""

Door = Callable[[Request], Awaitable[Response]]


class Tasks:
    """What runs, and what became of it. In memory."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], dict[str, Any]] = OrderedDict()
        self._running: set[asyncio.Task[None]] = set()

    def doors(self, endpoint: Endpoint) -> tuple[Door, Door]:
        """Return what begins a task of that function, and what tells of one."""

        async def begin(request: Request) -> Response:
            arguments = await endpoint.arguments(request)
            if len(self._running) >= MOST:
                raise Refusal(429, "overloaded", f"{MOST} tasks are running", {"Retry-After": "1"})
            task_id = secrets.token_hex(16)
            told: dict[str, Any] = {"task_id": task_id, "status": "running", "created_at": int(time.time())}
            self._known[request.scope["nbagents.user"], task_id] = told
            self._forget()
            task = asyncio.create_task(self._run(endpoint, arguments, told))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            return JSONResponse(told)

        async def look(request: Request) -> Response:
            told = self._known.get((request.scope["nbagents.user"], request.path_params["task_id"]))
            if told is None:
                raise Refusal(404, "task_not_found", "there is no such task, or no longer")
            return JSONResponse(told)

        begin.openapi = replace(endpoint.openapi, answer=STATE, streams=False)  # type: ignore[attr-defined]
        look.openapi = About("How far a task is", answer=STATE)  # type: ignore[attr-defined]
        return begin, look

    async def stop(self) -> None:
        """Stop all that run, and wait."""
        running = list(self._running)
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)

    async def _run(self, endpoint: Endpoint, arguments: dict[str, Any], told: dict[str, Any]) -> None:
        try:
            told |= {"result": plain(await call(endpoint.function, **arguments)), "status": "completed"}
        except asyncio.CancelledError:
            told["status"] = "canceled"
        except Exception as error:  # noqa: BLE001  # the user's own code; who looks is told
            code, message = failure_of(error)
            told |= {"error": error_of(code, message), "status": "failed"}
        told["completed_at"] = int(time.time())

    def _forget(self) -> None:
        over = [key for key, told in self._known.items() if told["status"] != "running"]
        for key in over[: max(0, len(self._known) - MOST)]:
            del self._known[key]
