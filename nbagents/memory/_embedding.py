"""Embeddings: asked of whatever makes them, and compared. Knows no model: it is handed one."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable, Sequence
from typing import Any

from ..exceptions import UsageError
from ..message import Msg

__all__ = ["Embedder", "Embedding", "ask", "cosine", "spoken_text", "vectors", "vectors_later"]

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


class Embeddings:
    """The embeddings of messages as they are now: one that was edited has none until it is asked again."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Msg, int, Any, int, int]] = {}
        """By a message's id: the message, its edit, and where its vector is: in what, which of how many."""

    def ask(self, messages: Sequence[Msg], embedder: Embedder | None) -> None:
        """Ask for those that are not known, all at once; they are not waited for."""
        unknown = [message for message in messages if not self._knows(message)]
        if unknown:
            answer = ask(embedder, [spoken_text(message) for message in unknown])
            for place, message in enumerate(unknown):
                self._known[message.id] = (message, message._edit, answer, place, len(unknown))

    def vector(self, message: Msg) -> list[float]:
        """Return one that was asked for. Waits, as `vectors` does; after an error it can be asked again."""
        _, _, answer, place, count = self._known[message.id]
        if not isinstance(answer, _Vectors):
            try:
                found = _Vectors(vectors(answer, count))
            except BaseException:
                self._known = {key: known for key, known in self._known.items() if known[2] is not answer}
                raise
            for key, known in self._known.items():
                if known[2] is answer:
                    self._known[key] = (*known[:2], found, *known[3:])
            answer = found
        return answer.rows[place]

    def _knows(self, message: Msg) -> bool:
        known = self._known.get(message.id)
        return known is not None and known[0] is message and known[1] == message._edit


class _Vectors:
    def __init__(self, rows: list[list[float]]) -> None:
        self.rows = rows


def cosine(a: Embedding, b: Embedding) -> float:
    """Return how alike two vectors point: 1 the same way, 0 none, -1 the opposite.

    >>> cosine([1, 0], [3, 0]), cosine([1, 0], [0, 2])
    (1.0, 0.0)
    """
    length = math.hypot(*a) * math.hypot(*b)
    return sum(x * y for x, y in zip(a, b, strict=True)) / length if length else 0.0


def spoken_text(message: Msg) -> str:
    """Return what of a message is embedded: its text, other content as JSON."""
    content = message.content
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, default=str)


def _nested(found: Any) -> bool:
    first = found[0] if len(found) else None
    return hasattr(first, "__len__")
