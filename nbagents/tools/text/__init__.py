"""Tools that work on texts."""

from ._summarization import summarization

__all__ = ["summarization"]
