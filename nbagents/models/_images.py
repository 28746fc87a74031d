"""`OpenAIDALLEWrapper`: pictures from words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..exceptions import UsageError
from ._again import Reading, tapes
from ._answer import Answer
from ._failure import unusable
from ._request import Request
from ._response import ModelResponse
from ._service import OpenAIWrapperBase
from ._taped import taped
from ._usage import ModelUsage

__all__ = ["OpenAIDALLEWrapper", "image_urls_in", "prompt_of"]


class OpenAIDALLEWrapper(OpenAIWrapperBase):
    """A model behind OpenAI's protocol that paints.

    ``model(prompt).image_urls`` lists the addresses of the pictures; one that came as data is a ``data:``
    address, which holds it. What it is made of is that of `OpenAIWrapperBase`.
    """

    model_type = "openai_dall_e"
    _operation = "generate_content"

    @tapes
    def __call__(
        self,
        prompt: str,
        save_local: bool = False,
        *,
        parse_func: Any = None,
        fault_handler: Any = None,
        max_retries: int | None = None,
        **generate_args: Any,
    ) -> ModelResponse:
        """Ask for pictures; return at once. Safe from any thread.

        ``generate_args``, such as ``n``, ``size`` and ``quality``, go into the request. ``save_local`` asks
        for the data, where the endpoint would only give an address that ends after a while.

        Raises:
            UsageError: the prompt is no text, or empty.
        """
        given, reading = prompt_of(prompt), Reading.of(parse_func, fault_handler, max_retries)
        data = {"response_format": "b64_json"} if save_local else {}
        asked = data | self.generate_args | generate_args | {"prompt": given}

        async def once(request: Request) -> Answer:
            return await taped(request, self._operation, given, lambda: self._answer(request, asked))

        return reading.begin(self.label, once, price=self.price)

    async def _answer(self, request: Request, asked: dict[str, Any]) -> Answer:
        raw = await self._raw(request, asked, lambda client: client.images.generate)
        urls = image_urls_in(raw.get("data"), str(raw.get("output_format") or "png"))
        if not urls:
            assert self._client is not None
            raise unusable(self._client[1], self.label, "it holds no picture")
        told = raw.get("usage") or {}
        usage = ModelUsage.reported(
            {"prompt_tokens": told.get("input_tokens"), "completion_tokens": told.get("output_tokens")}
        )
        return Answer(image_urls=urls, raw=raw, usage=self._account(usage, images=len(urls)))


def prompt_of(prompt: Any) -> str:
    """Return the words of a picture.

    Raises:
        UsageError: it is no text, or empty.
    """
    if not isinstance(prompt, str) or not prompt.strip():
        raise UsageError("a model that paints takes a text which says what")
    return prompt


def image_urls_in(data: Any, kind: str = "png") -> list[str]:
    """Return the addresses of the pictures in an answer; those that came as data become ``data:`` ones.

    >>> image_urls_in([{"url": "https://a/b.png"}, {"b64_json": "AA=="}])
    ['https://a/b.png', 'data:image/png;base64,AA==']
    """
    urls = []
    for one in data if isinstance(data, list) else []:
        if isinstance(one, str):
            urls.append(one)
        elif isinstance(one, Mapping) and isinstance(one.get("url"), str):
            urls.append(str(one["url"]))
        elif isinstance(one, Mapping) and isinstance(one.get("b64_json"), str):
            urls.append(f"data:image/{kind};base64,{one['b64_json']}")
    return urls
