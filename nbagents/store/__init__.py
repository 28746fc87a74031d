"""What outlives a process: a journal of agents, the audit of tools. Knows messages, and no agents."""

from __future__ import annotations

from ._aside import MARK, set_aside
from ._audit import AuditLog, AuditRow, audit_path
from ._batch import Batch
from ._journal import AgentRow, Journal
from ._text import read_text, write_text

__all__ = [
    "MARK",
    "AgentRow",
    "AuditLog",
    "AuditRow",
    "Batch",
    "Journal",
    "audit_path",
    "read_text",
    "set_aside",
    "write_text",
]
