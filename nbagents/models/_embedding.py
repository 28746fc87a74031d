"""`OpenAIEmbeddingWrapper`: texts into lists of numbers, where texts of like meaning are near each other."""

from __future__ import annotations

from collections.abc import Sequence
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

__all__ = ["OpenAIEmbeddingWrapper", "texts_of"]


class OpenAIEmbeddingWrapper(OpenAIWrapperBase):
    """A model behind OpenAI's protocol that makes embeddings.

    ``model(texts).embedding`` is a list with a list of numbers for each text; one text alone counts as a
    list of one. What it is made of is that of `OpenAIWrapperBase`.
    """

    model_type = "openai_embedding"
    _operation = "embeddings"

    @tapes
    def __call__(
        self,
        texts: str | Sequence[str],
        *,
        parse_func: Any = None,
        fault_handler: Any = None,
        max_retries: int | None = None,
        **generate_args: Any,
    ) -> ModelResponse:
        """Ask for the embeddings of texts; return at once. Safe from any thread.

        ``generate_args``, such as ``dimensions``, go into the request.

        Raises:
            UsageError: it is neither a text nor a list of texts, or empty.
        """
        given, reading = texts_of(texts), Reading.of(parse_func, fault_handler, max_retries)
        asked = {"encoding_format": "float"} | self.generate_args | generate_args | {"input": given}

        async def once(request: Request) -> Answer:
            return await taped(request, self._operation, given, lambda: self._answer(request, asked))

        return reading.begin(self.label, once, price=self.price)

    async def _answer(self, request: Request, asked: dict[str, Any]) -> Answer:
        raw = await self._raw(request, asked, lambda client: client.embeddings.create)
        vectors = [one.get("embedding") for one in raw.get("data") or [] if isinstance(one, dict)]
        if len(vectors) != len(asked["input"]) or not all(isinstance(one, list) and one for one in vectors):
            assert self._client is not None
            said = f"it gave {len(vectors)} embeddings for {len(asked['input'])} texts"
            raise unusable(self._client[1], self.label, said)
        size = sum(map(len, asked["input"]))
        usage = ModelUsage.reported(raw["usage"]) if raw.get("usage") else ModelUsage.estimate(size, 0)
        return Answer(embedding=vectors, raw=raw, usage=self._account(usage))


def texts_of(texts: Any) -> list[str]:
    """Return what is to be embedded as a list.

    Raises:
        UsageError: it is neither a text nor a list of texts, or empty.
    """
    given = [texts] if isinstance(texts, str) else texts
    if isinstance(given, list | tuple) and given and all(isinstance(one, str) and one for one in given):
        return list(given)
    raise UsageError("an embedding model takes a text or a list of texts, none of them empty")
