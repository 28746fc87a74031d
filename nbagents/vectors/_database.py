"""`Database`: one SQLite file of ours, for its user's eyes only, which several processes may share."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

from ..exceptions import StateCorruptError, StateVersionError, StorageError, StorageFullError

__all__ = ["Database"]

BUSY_SECONDS = 10.0
"""How long one process waits until another has written."""
_FULL, _CORRUPT, _NO_DATABASE, _BUSY = 13, 11, 26, 5


class Database:
    """The file, or memory. Blocking, for one thread at a time; each write is one transaction.

    ``what`` it holds is said in errors; ``application`` marks it as ours, in its header; ``tables`` are
    the statements that make it, in ``version``.

    Raises:
        StorageError: it cannot be opened, read or written; `StorageFullError`: there is no room;
            `StateCorruptError`: it is damaged, or no such file; `StateVersionError`: a newer one wrote it.
    """

    def __init__(self, path: Path | None, what: str, application: int, version: int, tables: str) -> None:
        self.path, self.what = path, what
        self.where = "memory" if path is None else str(path)
        with self.told():
            if path is not None:
                _claim(path)
            self.connection = sqlite3.connect(
                ":memory:" if path is None else path,
                timeout=BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
        try:
            with self.told():
                self._prepare(application, version, tables)
        except BaseException:
            self.connection.close()
            raise

    def close(self) -> None:
        """Close the file. Twice is fine."""
        self.connection.close()

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Write what is done meanwhile, whole or not at all."""
        with self.told():
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def told(self) -> Iterator[None]:
        """Say what fails in our words."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise self._explained(error) from None

    def _prepare(self, application: int, version: int, tables: str) -> None:
        connection = self.connection
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("BEGIN IMMEDIATE")
        try:
            (known,) = connection.execute("PRAGMA user_version").fetchone()
            (marked,) = connection.execute("PRAGMA application_id").fetchone()
            (made,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if made and marked != application:
                raise StateCorruptError(f"{self.where} is not a file of {self.what}")
            if known > version:
                raise StateVersionError(
                    f"{self.where} has version {known}, and this nbagents knows {version}: update it"
                )
            if not made:
                for statement in tables.split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {application}")
                connection.execute(f"PRAGMA user_version = {version}")
        finally:
            connection.execute("COMMIT")

    def _explained(self, error: Exception) -> StorageError:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == _FULL or getattr(error, "errno", None) in (28, 122):
            return StorageFullError(f"storage full: {self.where}. Make room there")
        if code in (_CORRUPT, _NO_DATABASE):
            return StateCorruptError(
                f"the {self.what} in {self.where} are damaged ({error}): move the file away"
            )
        if code == _BUSY:
            return StorageError(
                f"{self.where} was in use by another process for {BUSY_SECONDS:.0f} s; try again"
            )
        return StorageError(f"the {self.what} in {self.where} cannot be read or written: {error}")


def _claim(path: Path) -> None:
    """Make the file, empty and for its user's eyes only, or see that nobody else can write it."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
    try:
        os.close(os.open(path, flags, 0o600))
    except FileExistsError:
        about = path.stat()
        mine = os.name != "posix" or (about.st_uid == os.getuid() and not stat.S_IMODE(about.st_mode) & 0o022)
        if not stat.S_ISREG(about.st_mode) or not mine:
            raise StorageError(f"{path} is not a file that only you can write; it is not used") from None
