"""Retrieval: lists by a score, and one's own files and texts by their words and by what they mean."""

from ._index import KnowledgeIndex
from ._list import cos_sim, retrieve_from_list
from ._passage import Passage
from ._report import IndexReport, Skipped

__all__ = [
    "IndexReport",
    "KnowledgeIndex",
    "Passage",
    "Skipped",
    "cos_sim",
    "retrieve_from_list",
]
