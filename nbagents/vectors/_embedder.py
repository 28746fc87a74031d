"""Embeddings: asked of whatever makes them, and compared. Knows no model: it is handed one."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

from ..exceptions import UsageError

__all__ = ["Embedder", "Embedding", "ask", "cosine", "vectors", "vectors_later"]

Embedding = Sequence[float]
Embedder = Callable[[list[str]], Any]
"""Takes texts; returns their vectors, or what has them as ``embedding``: the response of a model."""


def ask(embedder: Embedder | None, texts: list[str]) -> Any:
    """Ask for the vectors of texts; a model's response comes back at once and is read by `vectors`."""
    if not callable(embedder):
        wrong = "none was given" if embedder is None else f"{embedder!r:.60} is none"
        raise UsageError(
            f"an embedding model is needed, and {wrong}: give a model whose response has `embedding`,"
            " or a function of a list of texts",
            hint='embedding_model=nbagents.models.load_model("NAME")',
        )
    return embedder(texts)


def vectors(answer: Any, count: int) -> list[list[float]]:
    """Return the vectors in an answer. Waits for a model's response: not on an event loop.

    Raises:
        UsageError: they are not ``count`` vectors of one length.
    """
    found = getattr(answer, "embedding", answer)
    try:
        rows = [found] if count == 1 and not _nested(found) else list(found)
        made = [[float(number) for number in row] for row in rows]
    except (TypeError, ValueError):
        made = []
    if len(made) != count or len({len(row) for row in made}) > 1 or (made and not made[0]):
        raise UsageError(f"an embedding model gave no {count} vectors of one length for {count} texts")
    if not all(math.isfinite(number) for row in made for number in row):
        raise UsageError("an embedding model gave a vector that holds no finite numbers")
    return made


async def vectors_later(answer: Any, count: int) -> list[list[float]]:
    """Return the vectors in an answer, as `vectors` does; awaits where that can be done."""
    return vectors(await answer if inspect.isawaitable(answer) else answer, count)


def cosine(a: Embedding, b: Embedding) -> float:
    """Return how alike two vectors point: 1 the same way, 0 none, -1 the opposite.

    >>> cosine([1, 0], [3, 0]), cosine([1, 0], [0, 2])
    (1.0, 0.0)
    """
    length = math.hypot(*a) * math.hypot(*b)
    return sum(x * y for x, y in zip(a, b, strict=True)) / length if length else 0.0


def _nested(found: Any) -> bool:
    first = found[0] if len(found) else None
    return hasattr(first, "__len__")
