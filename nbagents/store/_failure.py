"""Says in our own words why a journal cannot be read or written."""

from __future__ import annotations

import os
from pathlib import Path

from ..exceptions import StateCorruptError, StorageError, StorageFullError

__all__ = ["explained"]

FULL, CORRUPT, NO_DATABASE, BUSY, READ_ONLY, CANNOT_OPEN = 13, 11, 26, 5, 8, 14
ROOM = 1 << 16
"""Bytes that a file must be able to grow by to have room."""


def explained(
    error: Exception,
    path: Path,
    what: str = "the journal",
    lost: str = "what agents have become cannot be kept",
) -> StorageError:
    """Return the error to raise for one of SQLite's, or of the system's, about a file of ours."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == FULL or getattr(error, "errno", None) in (28, 122) or (code == 10 and _at_its_limit(path)):
        return StorageFullError(f"storage full: {path}. {lost[0].upper()}{lost[1:]}: make room there")
    if code in (CORRUPT, NO_DATABASE) or "UTF-8" in str(error):
        return StateCorruptError(f"{what} {path} is damaged ({error})")
    if code == BUSY:
        return StorageError(f"{what} {path} is in use by another server or process")
    if code == READ_ONLY:
        return StorageError(f"{what} {path} is read-only ({error}): {lost}")
    if code == CANNOT_OPEN or isinstance(error, OSError):
        return StorageError(
            f"{what} {path} cannot be opened ({error}): is its folder there and yours,"
            " and are there free file descriptors?"
        )
    return StorageError(f"{what} {path} cannot be read or written: {error}")


def _at_its_limit(path: Path) -> bool:
    """Is a file as large as this process may make one?"""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return False
    limit, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    if limit == resource.RLIM_INFINITY:
        return False
    sizes = [os.stat(f"{path}{end}").st_size for end in ("", "-wal") if os.path.exists(f"{path}{end}")]
    return max(sizes, default=0) + ROOM > limit
