"""Events of a stream, however their bytes are cut."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest

from nbagents.models._sse import EventError, events_in


def read(pieces: Iterable[bytes]) -> list[Any]:
    async def come() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    async def run() -> list[Any]:
        return [event async for event in events_in(come())]

    return asyncio.run(run())


SAID = {"text": "Regen\u2028grün \u0085 ☔"}  # with what other readers take for ends of lines
DATA = json.dumps(SAID, ensure_ascii=False).encode()


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_bytes_may_be_cut_anywhere(end: bytes, size: int):
    lines = [b": ping", b"", b"event: message", b"data: " + DATA, b"", b"data:[1,", b"data: 2]", b"", b""]
    whole = end.join([*lines, b"data: [DONE]", b"", b"data: 5", b"", b""])
    assert read(whole[at : at + size] for at in range(0, len(whole), size)) == [SAID, [1, 2]]


def test_the_last_event_may_lack_its_end():
    assert read([b"data: 1\n\ndata: 2\n"]) == [1, 2]
    assert read([b"data: 1\n\ndata: [DONE]\n"]) == [1]
    assert read([]) == []


def test_an_error_inside_is_one():
    with pytest.raises(EventError) as caught:
        read([b'data: {"error": {"message": "overloaded"}}\n\n'])
    assert caught.value.body == {"message": "overloaded"}
    with pytest.raises(ValueError, match="Expecting"):
        read([b"data: nonsense\n\n"])
