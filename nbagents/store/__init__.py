"""What outlives a process: a journal of agents, the audit of tools, SQLite files of ours. Knows no agents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._lazy import lazy

if TYPE_CHECKING:
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

__getattr__, __dir__ = lazy(
    __name__,
    {
        "_aside": "MARK set_aside",
        "_audit": "AuditLog AuditRow audit_path",
        "_batch": "Batch",
        "_file": "Kind claim opened told transaction",
        "_journal": "AgentRow Journal",
        "_text": "read_text write_text",
    },
)
