"""Vectors: an index in one SQLite file, searched by cosine. Knows nothing of what the vectors stand for."""

from ._index import Hit, VectorIndex

__all__ = ["Hit", "VectorIndex"]
