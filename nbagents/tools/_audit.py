"""What is written down of a tool's call, in the user's one log: before it is made, and when it is over."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import logging
import time
from typing import TYPE_CHECKING

from .._threads import on_thread
from ..config import redact
from ._tool import Tool

if TYPE_CHECKING:
    from ..store import AuditLog, AuditRow
    from ._approve import Passage

__all__ = ["audit_calls", "audit_log", "has_changed", "remember", "write"]

log = logging.getLogger(__name__)
SHORT = 200
"""Characters of the arguments that a row repeats."""
MARGIN = 200


def audit_log() -> AuditLog:
    """Return this user's log.

    Raises:
        StorageError: there is no place for it.
    """
    from ..store import audit_path

    return _log_at(str(audit_path()))


@functools.cache
def _log_at(path: str) -> AuditLog:
    from ..store import AuditLog

    return AuditLog(path)


def audit_calls(run: str = "", most: int = 200) -> list[AuditRow]:
    """Return what is known of the last calls, of one run or of all, the newest first. Blocking.

    One whose ``state`` is "" has not ended, or its end could not be written.

    Raises:
        StorageError: the log cannot be read.
    """
    ends: dict[str, AuditRow] = {}
    found = []
    for row in audit_log().rows(2 * most, run):
        if row.what == "result":
            ends[row.id] = row
        elif row.id in ends:
            found.append(dataclasses.replace(row, state=ends[row.id].state, size=ends[row.id].size))
        else:
            found.append(row)
    return found[:most]


def write(passage: Passage, state: str, size: int, what: str) -> None:
    """Write a row. Blocking.

    Raises:
        StorageError: it cannot be written.
    """
    from ..store import AuditRow

    text = passage.arguments
    short = redact(text[: SHORT + MARGIN])
    audit_log().append(
        AuditRow(
            round(time.time(), 3),
            what,
            passage.key,
            passage.run,
            passage.agent,
            passage.tool,
            hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest(),
            short if len(short) <= SHORT else f"{short[: SHORT - 1]}…",
            ", ".join(sorted(passage.effects)),
            passage.decision,
            state,
            size,
        )
    )


async def has_changed(tool: Tool) -> bool:
    """Is a tool said to be another than when it was allowed last? Raises `StorageError` if nobody knows."""
    known: str = await on_thread(audit_log().pin, _name(tool))
    return bool(known) and known != tool.pin


async def remember(tool: Tool) -> None:
    """Keep what a tool is said to be, now that it was allowed."""
    await on_thread(_kept, tool)


def _kept(tool: Tool) -> None:
    book, name = audit_log(), _name(tool)
    if book.pin(name) != tool.pin:
        book.set_pin(name, tool.pin)


def _name(tool: Tool) -> str:
    return f"{tool.origin}\n{tool.told_as}"
