"""Vectors: asked of what makes them of texts, kept in one SQLite file, searched by cosine.

Knows nothing of what the vectors stand for.
"""

from ._database import Database
from ._embedder import Embedder, Embedding, ask, cosine, vectors, vectors_later
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
