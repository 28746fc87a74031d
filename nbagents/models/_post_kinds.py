"""Models behind addresses of their own that are asked for one thing: a chat, pictures, embeddings."""

from __future__ import annotations

import json
from typing import Any

from ._answer import Answer
from ._embedding import texts_of
from ._failure import unusable
from ._images import image_urls_in, prompt_of
from ._post import PostAPIModelWrapperBase

__all__ = ["PostAPIChatWrapper", "PostAPIDALLEWrapper", "PostAPIEmbeddingWrapper"]


class PostAPIChatWrapper(PostAPIModelWrapperBase):
    """A chat model behind an address of its own; its answer must hold a text. Else as its base."""

    model_type = "post_api_chat"

    def _read(self, raw: Any) -> Answer:
        text = self._part(raw, str)
        if not text.strip():
            raise unusable(self._endpoint, self.label, "its text is empty")
        return Answer(text=text, raw=raw)


class PostAPIDALLEWrapper(PostAPIModelWrapperBase):
    """A model that paints, behind an address of its own; ``model(prompt).image_urls``. Else as its base.

    What it is told goes under ``prompt`` unless ``messages_key`` says otherwise.
    """

    model_type = "post_api_dall_e"
    _operation = "generate_content"
    messages_default = "prompt"
    _paths = ("data.response.data", "data", "images", "output.results")

    def _told(self, input_: Any) -> str:
        return prompt_of(input_)

    def _read(self, raw: Any) -> Answer:
        urls = image_urls_in(self._part(raw, list))
        if not urls:
            raise unusable(self._endpoint, self.label, "it holds no picture")
        return Answer(image_urls=urls, raw=raw)


class PostAPIEmbeddingWrapper(PostAPIModelWrapperBase):
    """A model that makes embeddings, behind an address of its own. Else as its base.

    ``model(texts).embedding`` is a list with a list of numbers for each text. The texts go under ``input``
    unless ``messages_key`` says otherwise.
    """

    model_type = "post_api_embedding"
    _operation = "embeddings"
    messages_default = "input"
    _paths = ("data.response.data", "data", "embeddings", "")

    def _told(self, input_: Any) -> list[str]:
        return texts_of(input_)

    def _read(self, raw: Any) -> Answer:
        part = self._part(raw, list)
        vectors = [one.get("embedding") if isinstance(one, dict) else one for one in part]
        vectors = [vectors] if vectors and all(isinstance(one, int | float) for one in vectors) else vectors
        if not vectors or not all(isinstance(one, list) and one for one in vectors):
            shown = json.dumps(part)[:60]
            raise unusable(self._endpoint, self.label, f"it holds no embeddings: {shown}")
        return Answer(embedding=vectors, raw=raw)
