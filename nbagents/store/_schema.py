"""The tables of a journal, and how its file is recognized; and texts of what can fail, for the audit too."""

from __future__ import annotations

from typing import TypedDict

from ._file import Kind

__all__ = ["JOURNAL", "Texts", "texts_of"]

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


class Texts(TypedDict):
    """What is said of a file that cannot be used; see `Kind`."""

    full: str
    damaged: str
    busy: str
    read_only: str
    closed: str
    unusable: str


def texts_of(what: str, lost: str) -> Texts:
    """Return what is said of a file that one user's processes write; ``lost`` is what is not kept then."""
    return {
        "full": f"storage full: {{path}}. {lost[0].upper()}{lost[1:]}: make room there",
        "damaged": f"{what} {{path}} is damaged ({{error}})",
        "busy": f"{what} {{path}} is in use by another server or process",
        "read_only": f"{what} {{path}} is read-only ({{error}}): {lost}",
        "closed": f"{what} {{path}} cannot be opened ({{error}}): is its folder there and yours,"
        " and are there free file descriptors?",
        "unusable": f"{what} {{path}} cannot be read or written: {{error}}",
    }


JOURNAL = Kind(
    mark=0x6E626A6C,  # "nbjl"
    tables=(TABLES, RUNS),
    alien="{path} is not a journal of agents",
    newer="the journal {path} has version {version}, and this nbagents knows {known}:"
    " start the server with the version that wrote it, or move the file away",
    **texts_of("the journal", "what agents have become cannot be kept"),
    # One process at a time; and no third file, which another one's locks would need.
    # A server starts without waiting for the disk, since a new file holds nothing that could be lost.
    first=("PRAGMA locking_mode = EXCLUSIVE", "PRAGMA synchronous = OFF"),
    pragmas=(
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = NORMAL",
        "PRAGMA wal_autocheckpoint = 4000",  # pages; each time the disk is waited for
        "PRAGMA temp_store = MEMORY",
    ),
)
