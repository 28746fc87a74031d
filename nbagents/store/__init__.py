"""What outlives a process: a journal of agents in one SQLite file. Knows messages, and no agents."""

from __future__ import annotations

from ._aside import MARK, set_aside
from ._batch import Batch
from ._journal import AgentRow, Journal
from ._text import read_text, write_text

__all__ = ["MARK", "AgentRow", "Batch", "Journal", "read_text", "set_aside", "write_text"]
