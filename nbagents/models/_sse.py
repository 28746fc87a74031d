"""Server-sent events of a streamed answer, read from bytes. Knows nothing of what they say."""

from __future__ import annotations

import json
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any

__all__ = ["EventError", "events_in"]

_END = b"[DONE]"


class EventError(Exception):
    """An event that tells of an error in place of a piece of the answer; ``body`` is what it says."""

    def __init__(self, body: Any) -> None:
        super().__init__("it sent an error")
        self.body = body


async def events_in(pieces: AsyncIterable[bytes]) -> AsyncIterator[Any]:
    """Yield the JSON of each event, until the end, which is read so that the connection can be used again.

    The client's own reader makes objects of classes of it first, which costs more than all the rest.

    Raises:
        EventError: one of them tells of an error.
        ValueError: one of them is no JSON.
    """
    rest, data, over = b"", [], False
    async for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for raw in lines:
            line = raw.removesuffix(b"\r")
            if line.startswith(b"data:"):
                data.append(line[5:].removeprefix(b" "))
            elif not line and data:
                whole, data = b"\n".join(data), []
                over = over or whole.strip() == _END
                if not over:
                    yield _read(whole)
    if data and not over and (whole := b"\n".join(data)).strip() != _END:
        yield _read(whole)  # the last one may come without an empty line behind it


def _read(whole: bytes) -> Any:
    event = json.loads(whole)
    if isinstance(event, dict) and event.get("error"):
        raise EventError(event["error"])
    return event
