"""The tables of a journal, and how its file is made and recognized."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

from ..exceptions import StateCorruptError, StateVersionError, StorageError

__all__ = ["VERSION", "claim", "prepare"]

VERSION = 2
APPLICATION = 0x6E626A6C
"""Marks the file as ours, in its header: "nbjl"."""
TABLES = """
CREATE TABLE agents (n INTEGER PRIMARY KEY, id TEXT NOT NULL, workspace TEXT NOT NULL, name TEXT NOT NULL,
    defined INTEGER NOT NULL, color INTEGER NOT NULL, settings TEXT NOT NULL, state TEXT NOT NULL,
    begins INTEGER NOT NULL);
CREATE TABLE messages (n INTEGER PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE memories (n INTEGER PRIMARY KEY, agent INTEGER NOT NULL, message INTEGER NOT NULL);
CREATE TABLE replies (n INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, reply TEXT NOT NULL);
CREATE TABLE configs (name TEXT PRIMARY KEY, config TEXT NOT NULL);
"""
RUNS = """
CREATE TABLE runs (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, about TEXT NOT NULL, events TEXT NOT NULL);
"""
"""What version 2 has and version 1 had not."""
# `memories` only grows at its end, so that a message to a thousand agents touches three pages and not a
# thousand; what an agent has forgotten lies before its `begins` until the file is tidied up.


def claim(path: Path, what: str = "a journal of agents") -> bool:
    """Make the file, empty and for its user's eyes only; return whether it is new.

    Raises:
        StorageError: it cannot be made, or it is not a file that only this user can read.
        OSError: the system refuses.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
    try:
        os.close(os.open(path, flags, 0o600))
    except FileExistsError:
        about = path.lstat()
        mine = os.name != "posix" or (about.st_uid == os.getuid() and not stat.S_IMODE(about.st_mode) & 0o077)
        if not stat.S_ISREG(about.st_mode) or not mine:
            raise StorageError(
                f"{path} is not a file that only you can read, and is not taken for {what}: move it away"
            ) from None
        return about.st_size == 0
    return True


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables of a new file, or see that those of an old one are ours.

    Raises:
        StateVersionError: a newer version of nbagents wrote it.
        StateCorruptError: it is no journal.
        sqlite3.Error: it cannot be read or written.
    """
    # One process at a time; and no third file, which another one's locks would need.
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and application != APPLICATION:
        raise StateCorruptError(f"{path} is not a journal of agents")
    if version > VERSION:
        raise StateVersionError(
            f"the journal {path} has version {version}, and this nbagents knows {VERSION}:"
            " start the server with the version that wrote it, or move the file away"
        )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA wal_autocheckpoint = 4000")  # pages; each time the disk is waited for
    connection.execute("PRAGMA temp_store = MEMORY")
    if not tables or version < VERSION:
        new = f"{'' if tables else TABLES} {RUNS} PRAGMA application_id = {APPLICATION};"
        connection.executescript(f"BEGIN IMMEDIATE; {new} PRAGMA user_version = {VERSION}; COMMIT;")
