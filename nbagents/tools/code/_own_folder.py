"""`OwnFolder`: a private temporary folder that goes with its process, or with the next one that makes one."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

__all__ = ["OwnFolder"]

PREFIX, UNLOCKED = "nb-k-", "nb-j-"


class OwnFolder:
    """A folder that nobody else can enter; `remove` it.

    A process that is killed removes nothing. Each folder is locked by its owner, so that whoever makes the
    next one knows which are left over, and removes these.

    >>> own = OwnFolder()
    >>> own.path.is_dir()
    True
    >>> own.remove()
    >>> own.path.exists()
    False
    """

    def __init__(self) -> None:
        import fcntl

        for old in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
            _remove_left(old)
        made = Path(tempfile.mkdtemp(prefix=UNLOCKED)).resolve()
        self._lock = os.open(made / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Only now has it a name that others look for.
        self._outer = made.rename(made.with_name(PREFIX + made.name.removeprefix(UNLOCKED)))
        self.path = self._outer / "work"
        """Where programs may work; the lock is outside of it."""
        self.path.mkdir()

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        shutil.rmtree(self._outer, ignore_errors=True)
        with contextlib.suppress(OSError):
            os.close(self._lock)


def _remove_left(old: Path) -> None:
    """Remove a folder whose owner is gone."""
    import fcntl

    with contextlib.suppress(OSError):  # somebody else's, or just being made or removed
        lock = os.open(old / "lock", os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(old, ignore_errors=True)
        finally:
            os.close(lock)
