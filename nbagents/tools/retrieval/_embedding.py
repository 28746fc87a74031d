"""What makes the embeddings of an index: a model, a function, or a name of a model; and asking it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from ... import _ports
from ..._loop import background
from ...vectors import Embedder, ask, vectors

__all__ = ["EmbeddingModel", "embedded", "label_of", "name_of_model", "ready"]

EmbeddingModel = Embedder | str | Mapping[str, Any]
"""A model whose response has ``embedding``, a function of a list of texts, a name or a configuration."""


def ready(model: EmbeddingModel | None) -> Embedder | None:
    """Return what can be asked; a name or a configuration becomes its model."""
    if isinstance(model, (str, Mapping)):
        made: Embedder = _ports.embedding_model(model)
        return made
    return model


def label_of(model: Any) -> str:
    """Return what is kept of a model beside its vectors, to see later whether it is another one."""
    name = getattr(model, "model_name", None) or getattr(model, "__qualname__", None)
    return str(name or type(model).__qualname__)


def name_of_model(given: EmbeddingModel | None) -> str | None:
    """Return the name by which another process can make the same model; None if there is none."""
    if given is None or isinstance(given, str):
        return given
    name = given.get("config_name") if isinstance(given, Mapping) else getattr(given, "config_name", None)
    return name if isinstance(name, str) else None


def embedded(model: Embedder, texts: Sequence[str]) -> list[list[float]]:
    """Return the vectors of texts. Blocking, also for functions that are to be awaited.

    Raises:
        UsageError: the model gave something else.
        WouldBlockLoopError: called on the background loop.
    """
    answer = ask(model, list(texts))
    if inspect.isawaitable(answer) and not hasattr(answer, "embedding"):
        answer = background().run(_awaited(answer))
    return vectors(answer, len(texts))


async def _awaited(answer: Any) -> Any:
    return await answer
