"""What outlives a process: a journal of agents in one SQLite file. Knows messages, and no agents."""

from __future__ import annotations

from ._batch import Batch
from ._journal import AgentRow, Journal
from ._text import read_text, write_text

__all__ = ["AgentRow", "Batch", "Journal", "read_text", "write_text"]
