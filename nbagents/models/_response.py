"""`ModelResponse`: the answer of a model, which may not have arrived yet."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterable, Iterator
from typing import Any

from .. import budget
from ._request import Request
from ._usage import ModelUsage

__all__ = ["ModelResponse", "ModelStream"]


class ModelResponse:
    """A model's answer. Calling a model returns one at once, while the request is under way.

    Reading ``text``, ``raw`` or ``usage`` waits for it; so does ``await response``, which gives
    the response itself. Iterating over ``stream`` shows it as it comes. If the request fails, each
    of these raises. Interrupting the reader, or cancelling the ``await``, cancels the request and
    closes its connection; what had come by then stays in ``partial``. Made from plain values it is
    complete from the start, for models that you write yourself.

    >>> response = ModelResponse(text="Grey beads on the glass")
    >>> response.text
    'Grey beads on the glass'
    >>> list(response.stream)
    [(True, 'Grey beads on the glass')]
    """

    def __init__(
        self,
        text: str | None = None,
        embedding: Any = None,
        image_urls: list[str] | None = None,
        raw: Any = None,
        parsed: Any = None,
        stream: Iterable[str | tuple[bool, str]] | None = None,
        usage: ModelUsage | None = None,
    ) -> None:
        self._text, self._raw, self._usage = text, raw, usage
        self._embedding, self._image_urls, self._parsed = embedding, image_urls, parsed
        self._given = None if stream is None else iter(stream)
        self._told: list[str] = []
        self._request: Request | None = None

    @classmethod
    def begin(
        cls,
        label: str,
        work: Callable[[Request], Coroutine[Any, Any, None]],
        *,
        price: budget.Price | None = None,
    ) -> ModelResponse:
        """Start ``work`` on the background loop and return its response at once. Any thread.

        It waits first until its run may ask a model once more; ``price`` is what this one costs, where
        the model itself knows.

        ``work`` is handed a `Request`: it calls ``say(piece)`` for each piece of text and
        ``finish(text=, raw=, usage=)`` at the end, or raises. ``label`` names the model in
        messages. It runs in a copy of the caller's context.
        """
        response = cls()
        response._request = Request(label)

        async def paid(request: Request) -> None:
            await budget.before_call(label, price)
            await work(request)

        response._request.begin(paid)
        return response

    @property
    def text(self) -> str | None:
        """The text of the answer. Waits."""
        request = self.result()._request
        if request is not None:
            return request.text
        if self._given is not None:
            for _ in self.stream:
                pass
        return self._text

    @property
    def raw(self) -> Any:
        """The whole answer as the endpoint gave it, as plain data. Waits."""
        request = self.result()._request
        return self._raw if request is None else request.raw

    @property
    def usage(self) -> ModelUsage | None:
        """The tokens it took. Waits."""
        request = self.result()._request
        return self._usage if request is None else request.usage

    @property
    def embedding(self) -> Any:
        """The embedding, where one was asked for. Waits."""
        self.result()
        return self._embedding

    @property
    def image_urls(self) -> list[str] | None:
        """The addresses of images, where some were asked for. Waits."""
        self.result()
        return self._image_urls

    @property
    def parsed(self) -> Any:
        """What a parser made of the text, where one was given. Waits."""
        self.result()
        return self._parsed

    @parsed.setter
    def parsed(self, value: Any) -> None:
        self._parsed = value

    @property
    def stream(self) -> ModelStream:
        """The answer as it comes: ``for last, text in response.stream``, or ``async for``."""
        return ModelStream(self)

    @property
    def partial(self) -> str:
        """The text so far. Never waits and never raises."""
        return "".join(self._request.pieces) if self._request is not None else self._text or ""

    def done(self) -> bool:
        """Has it arrived, or failed? Never waits."""
        return self._request is None or self._request.done

    def result(self, timeout: float | None = None) -> ModelResponse:
        """Wait until it is complete and return it.

        Raises:
            ModelError: the request failed.
            CallCancelledError: it was cancelled.
            TimeoutError: ``timeout`` seconds passed; the request goes on.
            WouldBlockLoopError: on the background loop, where only ``await`` can work.
        """
        if self._request is not None:
            self._request.block(timeout=timeout)
            self._request.check()
        return self

    def cancel(self, why: str = "it was stopped") -> None:
        """Stop the request. Returns at once; does nothing if it is done."""
        if self._request is not None:
            self._request.cancel(why)

    def __await__(self) -> Generator[Any, None, ModelResponse]:
        return self._arrive().__await__()

    async def _arrive(self) -> ModelResponse:
        if self._request is not None:
            await self._request.wait()
            self._request.check()
        return self

    def __repr__(self) -> str:
        request = self._request
        if request is not None and not request.done:
            return f"<waiting for {request.label}>"
        if request is not None and request.error is not None:
            return f"<failed: {request.error!r}>"
        return f"ModelResponse(text={self._text if request is None else request.text!r})"


class ModelStream:
    """The text of a `ModelResponse` as it comes, as often as one likes.

    Yields ``(last, text so far)``; ``last`` is true once, at the end, with the whole text. Raises
    what the request raised, after the pieces that had come.
    """

    def __init__(self, response: ModelResponse) -> None:
        self._response = response

    def __iter__(self) -> Iterator[tuple[bool, str]]:
        response, request, text, seen = self._response, self._response._request, "", 0
        while request is not None:
            request.block(seen)
            done, count = request.done, len(request.pieces)
            for piece in request.pieces[seen:count]:
                text += piece
                yield False, text
            seen = count
            if done:
                request.check()
                yield True, request.text or ""
                return
        yield from ((False, earlier) for earlier in list(response._told))
        for item in response._given or ():
            response._text = item if isinstance(item, str) else item[1]
            response._told.append(response._text)
            yield False, response._text
        response._given = None
        yield True, response._text or ""

    async def __aiter__(self) -> AsyncIterator[tuple[bool, str]]:
        request, text, seen = self._response._request, "", 0
        if request is None:
            for item in self:
                yield item
        while request is not None:
            await request.wait(seen)
            done, count = request.done, len(request.pieces)
            for piece in request.pieces[seen:count]:
                text += piece
                yield False, text
            seen = count
            if done:
                request.check()
                yield True, request.text or ""
                return
