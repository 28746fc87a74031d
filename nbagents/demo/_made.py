"""Embeddings and pictures: what is asked for, checked, and the JSON that answers it."""

from __future__ import annotations

import base64
import re
import struct
from typing import Any

from ._answer import count_tokens
from ._request import read_object, wrong
from .rules import SIZE, embed, paint

__all__ = ["embeddings", "pictures"]

MOST_TEXTS = 2048
MOST_PICTURES = 10
LARGEST = 4096
"""Numbers in an embedding."""


def embeddings(body: bytes, stand_in: str | None = None) -> dict[str, Any]:
    """Return the answer to a request for embeddings.

    Raises:
        Failure: it cannot be read; the message names the part.
    """
    data, model = read_object(body, stand_in)
    given = data.get("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not 0 < len(texts) <= MOST_TEXTS:
        raise wrong("input", f"expected a text or an array of 1 to {MOST_TEXTS} texts")
    if not all(isinstance(text, str) and text for text in texts):
        raise wrong("input", "expected texts, none of them empty")
    size = SIZE if data.get("dimensions") is None else data["dimensions"]
    if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= LARGEST:
        raise wrong("dimensions", f"expected a whole number from 1 to {LARGEST}")
    form = data.get("encoding_format") or "float"
    if form not in ("float", "base64"):
        raise wrong("encoding_format", "expected float or base64")
    made = [_encoded(embed(text, size), form) for text in texts]
    tokens = sum(map(count_tokens, texts))
    return {
        "object": "list",
        "data": [{"object": "embedding", "index": index, "embedding": one} for index, one in enumerate(made)],
        "model": model.name,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def pictures(body: bytes, stand_in: str | None = None) -> dict[str, Any]:
    """Return the answer to a request for pictures; an address holds the picture itself.

    Raises:
        Failure: it cannot be read; the message names the part.
    """
    data, _ = read_object(body, stand_in)
    prompt, count = data.get("prompt"), data.get("n") or 1
    if not isinstance(prompt, str) or not prompt.strip():
        raise wrong("prompt", "expected a text")
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST_PICTURES:
        raise wrong("n", f"expected a whole number from 1 to {MOST_PICTURES}")
    size = data.get("size")
    if size is not None and not (isinstance(size, str) and re.fullmatch(r"auto|\d{2,4}x\d{2,4}", size)):
        raise wrong("size", "expected a size such as 1024x1024")
    form = data.get("response_format") or "url"
    if form not in ("url", "b64_json"):
        raise wrong("response_format", "expected url or b64_json")
    made = [base64.b64encode(paint(prompt[:2000], index)).decode() for index in range(count)]
    told = [{form: one if form == "b64_json" else f"data:image/png;base64,{one}"} for one in made]
    return {"created": 0, "data": told}


def _encoded(vector: list[float], form: str) -> list[float] | str:
    if form == "float":
        return vector
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
