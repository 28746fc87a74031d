"""`sse`: events as server-sent events, with a sign of life while nothing happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from pydantic_core import PydanticSerializationError, to_json
from starlette.responses import StreamingResponse

__all__ = ["encode", "sse", "well_formed"]

PULSE = 15.0
"""Seconds of silence after which a comment is sent: so a client that is gone is noticed, and proxies wait."""
HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff"}


def encode(data: Any, *, event: str = "", event_id: str = "") -> bytes:
    r"""Return one event as it goes over the wire.

    >>> encode({"text": "hi"}, event_id="r:1")
    b'id: r:1\ndata: {"text":"hi"}\n\n'
    """
    head = (f"id: {event_id}\n" if event_id else "") + (f"event: {event}\n" if event else "")
    try:
        body = to_json(data, serialize_unknown=True)
    except PydanticSerializationError:  # a text that is none; whatever comes, an answer has its last event
        body = to_json(well_formed(data), serialize_unknown=True)
    return head.encode() + b"data: " + body + b"\n\n"


def well_formed(data: Any) -> Any:
    r"""Return data whose texts can be sent: a lone half of a surrogate pair becomes a question mark.

    >>> well_formed({"a": ["\ud800b"]})
    {'a': ['?b']}
    """
    if isinstance(data, str):
        return data.encode("utf-8", "replace").decode()
    if isinstance(data, dict):
        return {well_formed(key): well_formed(value) for key, value in data.items()}
    return [well_formed(item) for item in data] if isinstance(data, (list, tuple)) else data


def sse(chunks: AsyncGenerator[bytes, None]) -> StreamingResponse:
    """Return a response that sends what comes."""
    return StreamingResponse(_alive(chunks), media_type="text/event-stream", headers=HEADERS)


async def _alive(chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    step: asyncio.Future[bytes] | None = None
    async with aclosing(chunks) as source:
        try:
            while True:
                step = asyncio.ensure_future(anext(source))
                while not (await asyncio.wait([step], timeout=PULSE))[0]:
                    yield b": \n\n"
                try:
                    chunk = step.result()
                except StopAsyncIteration:
                    return
                yield chunk
        finally:
            if step is not None and not step.done():
                step.cancel()
                await asyncio.wait([step])
