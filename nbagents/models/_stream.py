"""`ModelStream`: the text of an answer as it comes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._request import Request
    from ._response import ModelResponse

__all__ = ["ModelStream"]


class ModelStream:
    """The text of a `ModelResponse` as it comes, as often as one likes.

    Yields ``(last, text so far)``; ``last`` is true once, at the end, with the whole text. Raises
    what the request raised, after the pieces that had come. The text begins anew where the model was
    asked again.
    """

    def __init__(self, response: ModelResponse) -> None:
        self._response = response

    def __iter__(self) -> Iterator[tuple[bool, str]]:
        request = self._response._request
        if request is None:
            yield from self._response._grown()
            return
        reader = _Reader(request)
        while not reader.over:
            request.block(reader.seen)
            yield from reader.news()

    async def __aiter__(self) -> AsyncIterator[tuple[bool, str]]:
        request = self._response._request
        if request is None:
            for item in self:
                yield item
            return
        reader = _Reader(request)
        while not reader.over:
            await request.wait(reader.seen)
            for item in reader.news():
                yield item


class _Reader:
    """How far one reader of a request has come."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._text, self.seen, self.over = "", 0, False

    def news(self) -> Iterator[tuple[bool, str]]:
        """Yield the text after each piece that is new, and what the end is, if that is there."""
        request = self._request
        self.over, count = request.done, len(request.pieces)
        for place in range(self.seen, count):
            if place in request.starts:
                self._text = ""
            if request.pieces[place]:
                self._text += request.pieces[place]
                yield False, self._text
        self.seen = count
        if self.over:
            request.check()
            yield True, request.answer.text or ""
