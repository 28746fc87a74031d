"""`Kind`: what a SQLite file of ours holds, how it is opened and recognized; and what fails, in our words."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..exceptions import NbAgentsError, StateCorruptError, StateVersionError, StorageError, StorageFullError

__all__ = ["Kind", "claim", "explained", "opened", "told", "transaction"]

FULL, CORRUPT, NO_DATABASE, BUSY, READ_ONLY, CANNOT_OPEN = 13, 11, 26, 5, 8, 14
ROOM = 1 << 16
"""Bytes that a file must be able to grow by to have room."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file.

    ``mark`` is in its header. ``tables`` are the statements that make each version of the one before.
    ``pragmas`` are for a file that is known to be ours, ``first`` for any. The others are texts of errors,
    with the ``{path}``, and, where there are any, ``{error}``, ``{version}`` of the file and ``{known}``.
    """

    mark: int
    tables: tuple[str, ...]
    alien: str
    newer: str
    full: str
    damaged: str
    busy: str
    unusable: str
    read_only: str
    closed: str
    first: tuple[str, ...] = ()
    pragmas: tuple[str, ...] = ()

    @property
    def version(self) -> int:
        """The newest one that is known."""
        return len(self.tables)


def claim(path: Path, refused: str, *, others_read: bool = False) -> bool:
    """Make a file, empty and for its user's eyes only; return whether it is new.

    One that is there must be this user's, and nobody else may write it, or read it unless ``others_read``.

    Raises:
        StorageError: it is not such a file; ``refused`` is what is said.
        OSError: the system refuses.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
    try:
        os.close(os.open(path, flags, 0o600))
    except FileExistsError:
        about, closed = path.lstat(), 0o022 if others_read else 0o077
        mine = os.name != "posix" or (
            about.st_uid == os.getuid() and not stat.S_IMODE(about.st_mode) & closed
        )
        if not stat.S_ISREG(about.st_mode) or not mine:
            raise StorageError(refused) from None
        return about.st_size == 0
    return True


def opened(path: Path | None, kind: Kind, seconds: float) -> sqlite3.Connection:
    """Open a file, or memory; make its tables, or see that they are ours. Others are waited for so long.

    Raises:
        StateVersionError: a newer version of nbagents wrote it.
        StateCorruptError: it is another file.
        sqlite3.Error: it cannot be read or written.
    """
    where = ":memory:" if path is None else path
    connection = sqlite3.connect(where, timeout=seconds, isolation_level=None, check_same_thread=False)
    try:
        for pragma in kind.first:
            connection.execute(pragma)
        with transaction(connection, "BEGIN"):  # what is not ours is left as it is
            _made(connection, path, kind)
        for pragma in kind.pragmas:
            connection.execute(pragma)
        with transaction(connection):  # two processes may be the first
            made = _made(connection, path, kind)
            if made < kind.version:
                for script in kind.tables[made:]:
                    for statement in _statements(script):
                        connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {kind.mark}")
                connection.execute(f"PRAGMA user_version = {kind.version}")
    except BaseException:
        connection.close()
        raise
    return connection


def _made(connection: sqlite3.Connection, path: Path | None, kind: Kind) -> int:
    """Return the version of a file that is ours; 0 for a new one."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (mark,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and mark != kind.mark:
        raise StateCorruptError(kind.alien.format(path=path))
    if version > kind.version:
        raise StateVersionError(kind.newer.format(path=path, version=version, known=kind.version))
    return int(version) if tables else 0


def _statements(script: str) -> Iterator[str]:
    """Yield the statements of a script; a trigger has semicolons in it."""
    statement = ""
    for part in script.split(";"):
        statement += part + ";"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection, begin: str = "BEGIN IMMEDIATE") -> Iterator[None]:
    """Write what is done meanwhile, whole or not at all."""
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite itself may have rolled back
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def told(path: Path | str, kind: Kind) -> Iterator[None]:
    """Say what fails in our words."""
    try:
        yield
    except NbAgentsError:
        raise
    except (sqlite3.Error, OSError) as error:
        raise explained(error, path, kind) from None


def explained(error: Exception, path: Path | str, kind: Kind) -> StorageError:
    """Return the error to raise for one of SQLite's, or of the system's, about a file of ours."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    given = {"path": path, "error": error}
    if code == FULL or getattr(error, "errno", None) in (28, 122) or (code == 10 and _at_its_limit(path)):
        return StorageFullError(kind.full.format(**given))
    if code in (CORRUPT, NO_DATABASE) or "UTF-8" in str(error):
        return StateCorruptError(kind.damaged.format(**given))
    texts = {BUSY: kind.busy, READ_ONLY: kind.read_only, CANNOT_OPEN: kind.closed}
    text = kind.closed if isinstance(error, OSError) else texts.get(code, kind.unusable)
    return StorageError(text.format(**given))


def _at_its_limit(path: Path | str) -> bool:
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
