"""Embeddings by rule: texts that share words, or parts of words, point in similar directions."""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from collections.abc import Iterator

from ._text import STOP_WORDS

__all__ = ["SIZE", "embed"]

SIZE = 256
"""Numbers in an embedding, unless fewer or more are asked for."""


def embed(text: str, size: int = SIZE) -> list[float]:
    """Return ``size`` numbers for a text, whose squares add up to one.

    >>> rain, shower, bread = map(embed, ("heavy rain at night", "rain tonight, heavy", "how to bake bread"))
    >>> likeness = lambda a, b: sum(x * y for x, y in zip(a, b))
    >>> likeness(rain, shower) > 0.4 > 0.2 > likeness(rain, bread)
    True
    """
    found = [0.0] * size
    for feature, weight in _features(text):
        digest = hashlib.blake2b(feature.encode(), digest_size=8).digest()
        place = int.from_bytes(digest[:6]) % size
        found[place] += weight if digest[6] & 1 else -weight
    length = math.sqrt(sum(value * value for value in found))
    if not length:  # a text without a word is like no other
        found[0], length = 1.0, 1.0
    return [round(value / length, 8) for value in found]


def _features(text: str) -> Iterator[tuple[str, float]]:
    words = re.findall(r"\w+", text.lower())
    for word in words:
        weight = 0.1 if word in STOP_WORDS else 1.0
        yield f"word {word}", weight
        if len(word) > 3 or not word.isascii():
            padded = f"<{word}>"
            parts = [padded[start : start + 3] for start in range(len(padded) - 2)]
            for part in parts:
                yield f"part {part}", 0.6 * weight / math.sqrt(len(parts))
    for first, second in itertools.pairwise(words):
        yield f"pair {first} {second}", 0.2
