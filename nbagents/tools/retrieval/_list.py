"""`retrieve_from_list` and `cos_sim`: the retrieval of AgentScope 0.x."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...exceptions import UsageError
from ...vectors import cosine
from .._effects import effects
from .._service import ServiceExecStatus, ServiceResponse
from ._embedding import EmbeddingModel, embedded, ready

__all__ = ["cos_sim", "retrieve_from_list"]


@effects()
def retrieve_from_list(
    query: Any,
    knowledge: Sequence[Any],
    score_func: Callable[[Any, Any], float],
    top_k: int | None = None,
    embedding_model: EmbeddingModel | None = None,
    preserve_order: bool = True,
) -> ServiceResponse:
    """Find those of a list that a function scores best against a query.

    The content is a list of ``(score, index, object)``. With an ``embedding_model`` the function compares the
    embeddings, of texts, else the objects themselves.

    >>> found = retrieve_from_list(4, [1, 5, 3], lambda a, b: -abs(a - b), top_k=2)
    >>> found.content
    [(-1, 1, 5), (-1, 2, 3)]

    Args:
        query: What is looked for.
        knowledge: The list.
        score_func: Says how well two fit, the more the better; `cos_sim` will do for embeddings.
        top_k: How many; by default all.
        embedding_model: What makes embeddings of texts.
        preserve_order: Keep the order of the list; else the best comes first.

    Raises:
        UsageError: the embedding model, or what it is given, cannot be used.
        ModelError: it fails.
    """
    model, compared, asked = ready(embedding_model), list(knowledge), query
    if model is not None and compared:
        if not all(isinstance(text, str) for text in (query, *compared)):
            raise UsageError("an embedding model takes texts; without one any objects are compared")
        asked, *compared = embedded(model, [query, *compared])
    scored = [(_plain(score_func(asked, one)), index, knowledge[index]) for index, one in enumerate(compared)]
    best = sorted(scored, key=lambda one: (-one[0], one[1]))[:top_k]
    return ServiceResponse(
        ServiceExecStatus.SUCCESS, sorted(best, key=lambda one: one[1]) if preserve_order else best
    )


def _plain(score: Any) -> Any:
    return score.content if isinstance(score, ServiceResponse) else score


@effects()
def cos_sim(a: Sequence[float], b: Sequence[float]) -> ServiceResponse:
    """Compute the cosine of two vectors: 1 if they point the same way, 0 if they have nothing in common.

    >>> cos_sim([1, 0], [3, 0]).content
    1.0

    Args:
        a: A vector.
        b: Another one of the same length.
    """
    try:
        return ServiceResponse(ServiceExecStatus.SUCCESS, cosine(a, b))
    except (TypeError, ValueError) as error:
        return ServiceResponse(ServiceExecStatus.ERROR, f"these are not two vectors of one length: {error}")
