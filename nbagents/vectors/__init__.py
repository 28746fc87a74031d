"""Vectors: asked of what makes them of texts, kept in one SQLite file, searched by cosine.

Knows nothing of what the vectors stand for. Every memory can ask for some; the index is loaded at first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

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

_MODULES = {
    "Database": "_database",
    "Hit": "_index",
    "Matrix": "_matrix",
    "VectorIndex": "_index",
    "packed": "_packed",
    "unpacked": "_packed",
}
"""Where the names are that only an index needs."""


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f".{_MODULES[name]}", __name__), name)
    return value
