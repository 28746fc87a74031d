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
        text, seen = "", 0
        while True:
            request.block(seen)
            done, count = request.done, len(request.pieces)
            for grown in _grown(request, text, seen, count):
                text = grown
                yield False, text
            seen = count
            if done:
                request.check()
                yield True, request.answer.text or ""
                return

    async def __aiter__(self) -> AsyncIterator[tuple[bool, str]]:
        request = self._response._request
        if request is None:
            for item in self:
                yield item
            return
        text, seen = "", 0
        while True:
            await request.wait(seen)
            done, count = request.done, len(request.pieces)
            for grown in _grown(request, text, seen, count):
                text = grown
                yield False, text
            seen = count
            if done:
                request.check()
                yield True, request.answer.text or ""
                return


def _grown(request: Request, text: str, seen: int, count: int) -> Iterator[str]:
    """Yield the text after each of the pieces from ``seen`` to ``count``."""
    for place in range(seen, count):
        if place in request.starts:
            text = ""
        if request.pieces[place]:
            text += request.pieces[place]
            yield text
