"""Vectors: asked of what makes them of texts, kept in one SQLite file, searched by cosine.

Knows nothing of what the vectors stand for. Every memory can ask for some; the index is loaded at first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._lazy import lazy
from ._embedder import Embedder, Embedding, ask, cosine, vectors, vectors_later

if TYPE_CHECKING:
    from ._database import Database
    from ._index import Hit, VectorIndex
    from ._matrix import Matrix
    from ._packed import packed, unpacked

__all__ = [
    "Database",
    "Embedder",
    "Embedding",
    "Hit",
    "Matrix",
    "VectorIndex",
    "ask",
    "cosine",
    "packed",
    "unpacked",
    "vectors",
    "vectors_later",
]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "_database": "Database",
        "_index": "Hit VectorIndex",
        "_matrix": "Matrix",
        "_packed": "packed unpacked",
    },
)
