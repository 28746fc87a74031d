"""`set_aside`: keeps a damaged journal under another name, so that a server can begin with a new one."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from .._ids import new_id

__all__ = ["MARK", "set_aside"]

MARK = "damaged-"
"""How the name of a journal begins that was set aside: what is done with all files of a server leaves it."""


def set_aside(path: Path) -> Path:
    """Give a journal and what belongs to it another name, in its folder; return that of the journal.

    Nobody may have it open.

    Raises:
        OSError: it cannot be renamed.
    """
    aside = path.with_name(f"{MARK}{time.strftime('%Y%m%d-%H%M%S')}-{new_id()[:4]}-{path.name}")
    path.rename(aside)
    for end in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + end).rename(aside.with_name(aside.name + end))
    return aside
