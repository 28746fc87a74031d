"""What outlives a process: a journal of agents, the audit of tools, SQLite files of ours. Knows no agents."""

from __future__ import annotations

from ._aside import MARK, set_aside
from ._audit import AuditLog, AuditRow, audit_path
from ._batch import Batch
from ._file import Kind, claim, opened, told, transaction
from ._journal import AgentRow, Journal
from ._text import read_text, write_text

__all__ = [
    "MARK",
    "AgentRow",
    "AuditLog",
    "AuditRow",
    "Batch",
    "Journal",
    "Kind",
    "audit_path",
    "claim",
    "opened",
    "read_text",
    "set_aside",
    "told",
    "transaction",
    "write_text",
]
