"""Private folders for one program: removed when it has ended, and with this process at the latest.

A process that is killed removes nothing. Each folder is locked by its owner, so that whoever makes the next
one knows which are left over, and removes these.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import tempfile
import threading
from pathlib import Path

__all__ = ["make_scratch", "remove_scratch"]

PREFIX = "nb-own-"
UNLOCKED = "nb-new-"
"""How the name begins of a folder that its owner is just making."""

_made: dict[Path, tuple[int, int | None]] = {}
"""Each with the process that made it, since a fork of that one does not remove it, and its lock."""
_lock = threading.Lock()
_ending = False


def make_scratch(*names: str) -> Path:
    """Make a folder that its user alone can enter, with these folders in it; return its real path.

    Raises:
        RuntimeError: this process ends just now, and nobody would remove it.
    """
    for old in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        _remove_left(old)
    with _lock:
        if _ending:
            raise RuntimeError("this process ends, and starts no programs any more")
        made = Path(tempfile.mkdtemp(prefix=UNLOCKED)).resolve()
        lock = _locked(made / "lock", os.O_CREAT)
        # Only now has it a name that others look for.
        outer = made.rename(made.with_name(PREFIX + made.name.removeprefix(UNLOCKED)))
        folder = outer / "in"  # the lock is outside of it
        _made[folder] = os.getpid(), lock
    for each in (folder, *(folder / name for name in names)):
        each.mkdir(mode=0o700)
    return folder


def remove_scratch(folder: Path) -> None:
    """Remove one, with all that is in it; twice is fine."""
    if folder not in _made:
        return
    shutil.rmtree(folder.parent, ignore_errors=True)
    _, lock = _made.pop(folder, (0, None))
    if lock is not None:
        os.close(lock)


def _locked(path: Path, flags: int = 0) -> int | None:
    """Lock a file and return its descriptor; None where there are no such locks.

    Raises:
        OSError: there is no such file, or somebody else has it.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    lock = os.open(path, flags | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(lock)
        raise
    return lock


def _remove_left(old: Path) -> None:
    """Remove a folder whose owner is gone."""
    with contextlib.suppress(OSError):  # somebody else's, or just being removed
        lock = _locked(old / "lock")
        if lock is not None:
            shutil.rmtree(old, ignore_errors=True)
            os.close(lock)


def _remove_all() -> None:
    global _ending
    with _lock:
        _ending = True
    for folder, (maker, _) in list(_made.items()):
        if maker == os.getpid():
            remove_scratch(folder)


atexit.register(_remove_all)
