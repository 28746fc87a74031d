"""Locks between the processes of one user."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from ..exceptions import AgentServerError

__all__ = ["file_lock"]


@contextlib.contextmanager
def file_lock(path: Path, seconds: float) -> Iterator[None]:
    """Hold the lock of a file, made if missing, or of a folder. Blocking; it ends with the process.

    On Windows it holds nothing: two servers at worst, of which each notebook uses the first it finds.

    Raises:
        AgentServerError: another process has held it for so many seconds.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    fd = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT, 0o600)
    try:
        limit = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > limit:
                    text = "another process has been launching the agent server for too long"
                    raise AgentServerError(text) from None
                time.sleep(0.02)
        yield
    finally:
        os.close(fd)  # which releases it too
