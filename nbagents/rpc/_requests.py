"""`Requests`: what one process asks of a server besides its calls, and the answers that are awaited."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from typing import Any, Protocol

from ..exceptions import MessageTooLargeError, NbAgentsError
from ._faults import decode_error
from ._limits import MAX_PAYLOAD
from ._lost import same
from ._methods import STREAM_REQUESTS
from ._proto import agent_pb2 as pb
from ._shape import parse
from ._strays import Strays

__all__ = ["Requests"]


class _There(Protocol):
    """The way to a server."""

    strays: Strays

    def put(self, frame: pb.Frame) -> None:
        """Send a frame, in order."""


class Requests:
    """The requests of one session. On the background loop only."""

    def __init__(self, there: _There) -> None:
        self._there = there
        self._awaited: dict[int, asyncio.Future[bytes]] = {}
        self._ids = itertools.count(1)

    def __len__(self) -> int:
        return len(self._awaited)

    def body(self, method: str, fields: Mapping[str, Any]) -> bytes:
        """Return a request as it travels.

        Raises:
            MessageTooLargeError: it exceeds the wire's limit.
        """
        body: bytes = STREAM_REQUESTS[method](**fields).SerializeToString()
        if len(body) > MAX_PAYLOAD:
            raise MessageTooLargeError(f"a request of {len(body) / 2**20:.0f} MiB exceeds the wire's limit")
        return body

    async def send(self, method: str, body: bytes) -> pb.GeneralResponse:
        """Send a request; return its answer, or raise what the server refused it with."""
        return await self._answer(method, *self._put(method, body))

    def sent(self, method: str, body: bytes) -> asyncio.Future[pb.GeneralResponse]:
        """Send a request at once; return the future of its answer, for which nobody need wait."""
        task = asyncio.ensure_future(self._answer(method, *self._put(method, body)))
        task.add_done_callback(lambda task: task.cancelled() or task.exception())
        return task

    def refused(self, error: NbAgentsError) -> asyncio.Future[pb.GeneralResponse]:
        """Return the future of a request that cannot be sent."""
        future: asyncio.Future[pb.GeneralResponse] = asyncio.get_running_loop().create_future()
        future.set_exception(error)
        future.exception()  # nobody need wait for it
        return future

    def _put(self, method: str, body: bytes) -> tuple[int, asyncio.Future[bytes]]:
        number, future = next(self._ids), asyncio.get_running_loop().create_future()
        self._awaited[number] = future
        self._there.put(pb.Frame(request=pb.Request(id=number, method=method, body=body)))
        return number, future

    async def _answer(self, method: str, number: int, future: asyncio.Future[bytes]) -> pb.GeneralResponse:
        try:
            return parse(pb.GeneralResponse, await future, f"the answer of {method}")
        finally:
            if self._awaited.pop(number, None) is not None:
                self._there.strays.expect()

    def answered(self, response: pb.Response, who: str) -> None:
        """Take an answer.

        Raises:
            ProtocolError: too many have come that nobody asked for.
        """
        future = self._awaited.pop(response.id, None)
        if future is None or future.done():
            self._there.strays.note("answers", who)
        elif response.HasField("error"):
            future.set_exception(decode_error(response.error, "the agent server"))
        else:
            future.set_result(response.body)

    def end(self, error: NbAgentsError) -> None:
        """There will be no answers any more."""
        awaited, self._awaited = self._awaited, {}
        for future in awaited.values():
            if not future.done():
                future.set_exception(same(error))
