"""`ModelResponse`: the answer of a model, which may not have arrived yet."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterable, Iterator
from dataclasses import replace
from typing import Any

from .. import budget
from ._answer import Answer, text_in
from ._request import Request
from ._stream import ModelStream
from ._usage import ModelUsage

__all__ = ["ChatResponse", "ModelResponse"]


class ModelResponse:
    """A model's answer. Calling a model returns one at once, while the request is under way.

    Reading ``text``, ``content`` or ``usage`` waits for it; so does ``await response``, which gives
    the response itself. Iterating over ``stream`` shows the text as it comes, ``async for`` over the
    response its content. If the request fails, each of these raises. Interrupting the reader, or
    cancelling the ``await``, cancels the request and closes its connection; what had come by then stays
    in ``partial``. Made from plain values it is complete from the start, for models that you write yourself.

    >>> response = ModelResponse(text="Grey beads on the glass")
    >>> response.text
    'Grey beads on the glass'
    >>> response.content
    [{'type': 'text', 'text': 'Grey beads on the glass'}]
    >>> list(response.stream)
    [(True, 'Grey beads on the glass')]
    """

    def __init__(
        self,
        text: str | list[dict[str, Any]] | None = None,
        embedding: Any = None,
        image_urls: list[str] | None = None,
        raw: Any = None,
        parsed: Any = None,
        stream: Iterable[str | tuple[bool, str]] | None = None,
        usage: ModelUsage | None = None,
        *,
        content: list[dict[str, Any]] | None = None,
        metadata: Any = None,
    ) -> None:
        if isinstance(text, list):  # AgentScope 1.x puts the blocks first
            text, content = None, text
        if text is None and content is not None:
            text = text_in(content)
        parsed = metadata if parsed is None else parsed
        self._value = Answer(text, content, raw, usage, parsed, embedding, image_urls)
        self._given = None if stream is None else iter(stream)
        self._told: list[str] = []
        self._request: Request | None = None

    @classmethod
    def of(cls, answer: Answer) -> ModelResponse:
        """Return a response that is complete already."""
        response = cls()
        response._value = answer
        return response

    @classmethod
    def begin(
        cls,
        label: str,
        work: Callable[[Request], Coroutine[Any, Any, None]],
        *,
        price: budget.Price | None = None,
        counts: bool = True,
    ) -> ModelResponse:
        """Start ``work`` on the background loop and return its response at once. Any thread.

        It waits first until its run may ask a model once more, unless ``work`` is what ``counts``; ``price``
        is what this one costs, where the model itself knows.

        ``work`` is handed a `Request`: it calls ``say(piece)`` for each piece of text and
        ``finish(text=, content=, raw=, usage=, ...)`` at the end, or raises. ``label`` names the model in
        messages. It runs in a copy of the caller's context.
        """
        response = cls()
        response._request = Request(label)

        async def paid(request: Request) -> None:
            await budget.before_call(label, price)
            await work(request)

        response._request.begin(paid if counts else work)
        return response

    def _answer(self) -> Answer:
        request = self.result()._request
        if request is not None:
            return request.answer
        if self._given is not None:
            for _ in self._grown():
                pass
        return self._value

    @property
    def text(self) -> str | None:
        """The text of the answer. Waits."""
        return self._answer().text

    @property
    def content(self) -> list[dict[str, Any]]:
        """The answer as content blocks: thinking, text, wishes that tools be called, pictures. Waits."""
        return self._answer().blocks

    @property
    def tool_calls(self) -> list[dict[str, Any]]:
        """Those blocks that wish that a tool be called: ``id``, ``name`` and ``input`` of each. Waits."""
        return [block for block in self.content if block.get("type") == "tool_use"]

    @property
    def raw(self) -> Any:
        """The whole answer as the endpoint gave it, as plain data. Waits."""
        return self._answer().raw

    @property
    def usage(self) -> ModelUsage | None:
        """The tokens it took. Waits."""
        return self._answer().usage

    @property
    def embedding(self) -> Any:
        """The embeddings, a list of numbers for each text, where they were asked for. Waits."""
        return self._answer().embedding

    @property
    def image_urls(self) -> list[str] | None:
        """The addresses of pictures, where some were asked for; ``data:`` holds one itself. Waits."""
        return self._answer().image_urls

    @property
    def parsed(self) -> Any:
        """What was read from it: by ``parse_func``, or in the shape of ``structured_model``. Waits."""
        return self._answer().parsed

    @parsed.setter
    def parsed(self, value: Any) -> None:
        answer = replace(self._answer(), parsed=value)
        if self._request is None:
            self._value = answer
        else:
            self._request.answer = answer

    @property
    def metadata(self) -> Any:
        """The same as ``parsed``, under the name that AgentScope 1.x has for it. Waits."""
        return self.parsed

    @property
    def stream(self) -> ModelStream:
        """The answer as it comes: ``for last, text in response.stream``, or ``async for``."""
        return ModelStream(self)

    @property
    def partial(self) -> str:
        """The text so far. Never waits and never raises."""
        return self._request.partial if self._request is not None else self._value.text or ""

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
        return self.whole().__await__()

    async def whole(self) -> ModelResponse:
        """Wait until it is complete and return it, as `result` does; cancelling this cancels the request."""
        if self._request is not None:
            await self._request.wait()
            self._request.check()
        return self

    async def __aiter__(self) -> AsyncIterator[ModelResponse]:
        """Yield the answer as it grows, each time with all of the ``content`` so far; itself at the end."""
        request, seen = self._request, 0
        while request is not None:
            await request.wait(seen)
            if request.done:
                break
            seen, blocks = len(request.pieces), request.blocks
            yield ModelResponse(content=blocks()) if blocks is not None else ModelResponse(request.partial)
        yield await self.whole()

    def __repr__(self) -> str:
        request = self._request
        if request is not None and not request.done:
            return f"<waiting for {request.label}>"
        if request is not None and request.error is not None:
            return f"<failed: {request.error!r}>"
        return f"ModelResponse(text={(self._value if request is None else request.answer).text!r})"

    def _grown(self) -> Iterator[tuple[bool, str]]:
        """Yield the text of a response of plain values as it was told, or is."""
        yield from ((False, earlier) for earlier in list(self._told))
        for item in self._given or ():
            text = item if isinstance(item, str) else item[1]
            self._value = replace(self._value, text=text)
            self._told.append(text)
            yield False, text
        self._given = None
        yield True, self._value.text or ""


ChatResponse = ModelResponse
