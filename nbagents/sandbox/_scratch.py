"""Private folders for one program: removed when it has ended, and with this process at the latest."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import threading
from pathlib import Path

__all__ = ["make_scratch", "remove_scratch"]

_made: dict[Path, int] = {}
"""Each with the process that made it: a fork of that one does not remove it."""
_lock = threading.Lock()
_ending = False


def make_scratch(*names: str) -> Path:
    """Make a folder that its user alone can enter, with these folders in it; return its real path.

    Raises:
        RuntimeError: this process ends just now, and nobody would remove it.
    """
    with _lock:
        if _ending:
            raise RuntimeError("this process ends, and starts no programs any more")
        folder = Path(tempfile.mkdtemp(prefix="nb-")).resolve()
        _made[folder] = os.getpid()
    for name in names:
        (folder / name).mkdir(mode=0o700)
    return folder


def remove_scratch(folder: Path) -> None:
    """Remove one, with all that is in it; twice is fine."""
    shutil.rmtree(folder, ignore_errors=True)
    _made.pop(folder, None)


def _remove_all() -> None:
    global _ending
    with _lock:
        _ending = True
    for folder, maker in list(_made.items()):
        if maker == os.getpid():
            remove_scratch(folder)


atexit.register(_remove_all)
