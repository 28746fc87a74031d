"""The process in which a query of SQLite runs: its steps cannot be interrupted, a process can be ended.

It is started by its path and knows the standard library alone. It reads lines of JSON, the first of which
names the file, the others a statement each, and writes lines of JSON: that the file is open; what columns
there are, or how many rows were changed; the rows; and their end. Its time is that of all of them together.
"""

from __future__ import annotations

import contextlib
import json
import math
import signal
import sqlite3
import sys
import time
from typing import Any

__all__ = ["guarded", "opened", "packed", "unpacked"]

READS = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)
NEVER = frozenset(
    {sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_TRANSACTION, sqlite3.SQLITE_SAVEPOINT}
)
"""Not even where data may be changed: another file, or a transaction that outlives its statement."""
PRAGMAS = frozenset(
    {"foreign_key_list", "index_info", "index_list", "index_xinfo", "table_info", "table_list", "table_xinfo"}
)
ASKED = frozenset({"read_uncommitted"})
"""Which may only be asked, and not be set: SQLAlchemy does so when it connects."""
FUNCTIONS = frozenset({"fts3_tokenizer", "load_extension", "regexp"})
"""Not to be used; `regexp` is SQLAlchemy's, by Python's `re`: a pattern could hold the process."""
LARGEST = 1_000_000
"""Bytes of one value."""
COLUMNS = 1000
MEMORY = 2**30
"""Bytes that the process may take, where the system can be told."""
STEPS = 5000
"""Steps of SQLite's machine between two looks at the clock."""
ALONE = 10
"""Seconds that the process goes on, at most, if nobody is left to end it."""


def opened(address: str, seconds: float) -> sqlite3.Connection:
    """Open a file by its address; others are waited for so many seconds."""
    return sqlite3.connect(address, uri=True, timeout=seconds, isolation_level=None, check_same_thread=False)


def guarded(driver: sqlite3.Connection, *, changes: bool, seconds: float) -> None:
    """Set the authorizer, the limits and the clock."""

    def allows(action: int, first: str | None, second: str | None, *_: str | None) -> int:
        if action == sqlite3.SQLITE_PRAGMA:
            allowed = (first or "").lower() in PRAGMAS or (first in ASKED and second is None)
        elif action == sqlite3.SQLITE_FUNCTION:
            allowed = (second or "").lower() not in FUNCTIONS
        else:
            allowed = action in READS or (changes and action not in NEVER)
        return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY

    driver.text_factory = lambda data: data.decode("utf-8", "replace")
    driver.execute("PRAGMA trusted_schema = OFF")  # the file may be anybody's
    driver.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST)
    driver.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, 100_000)
    driver.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000)
    driver.setlimit(sqlite3.SQLITE_LIMIT_COLUMN, COLUMNS)
    driver.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    driver.set_authorizer(allows)
    end = time.monotonic() + seconds
    driver.set_progress_handler(lambda: time.monotonic() > end, STEPS)


def packed(value: Any) -> Any:
    """Return a value of SQLite as JSON can hold it.

    >>> unpacked(packed(b"abc")), unpacked(packed("abc")), unpacked(packed(None))
    (b'abc', 'abc', None)
    """
    return {"bytes": value.hex()} if isinstance(value, bytes) else value


def unpacked(value: Any) -> Any:
    """Return a value as it was before it was `packed`."""
    return bytes.fromhex(value["bytes"]) if isinstance(value, dict) else value


def _say(told: Any) -> None:
    sys.stdout.write(json.dumps(told) + "\n")


def _answer(driver: sqlite3.Connection, asked: dict[str, Any]) -> None:
    given = asked["parameters"]
    parameters: Any = (
        {name: unpacked(value) for name, value in given.items()}
        if isinstance(given, dict)
        else [unpacked(value) for value in given]
    )
    cursor = driver.execute(asked["sql"], parameters)
    if cursor.description is None:
        _say({"changed": cursor.rowcount if cursor.rowcount >= 0 else None})
    else:
        _say({"columns": [column[0] for column in cursor.description]})
        for row in cursor:
            _say([packed(value) for value in row])
    _say({"end": True})


def _bounded(seconds: float) -> None:
    """Have the system end this process, whatever it does, and keep it from taking all memory."""
    with contextlib.suppress(AttributeError):  # Windows
        signal.alarm(math.ceil(seconds) + ALONE)
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def main() -> None:
    """Answer what comes by the standard input, until that ends."""
    asked = json.loads(sys.stdin.readline())
    _bounded(asked["seconds"])
    driver = None
    try:
        while True:
            try:
                if driver is None:
                    driver = opened(asked["address"], asked["seconds"])
                    guarded(driver, changes=asked["changes"], seconds=asked["seconds"])
                    _say({"open": True})
                else:
                    _answer(driver, asked)
            except (sqlite3.Error, OverflowError, RecursionError) as error:
                _say({"error": str(error), "name": getattr(error, "sqlite_errorname", None)})
                if driver is None:
                    return
            sys.stdout.flush()
            line = sys.stdin.readline()
            if not line:
                return
            asked = json.loads(line)
    except BrokenPipeError:
        raise SystemExit(0) from None  # nobody wants more
    except MemoryError:
        _say({"error": "the query needs too much memory"})


if __name__ == "__main__":
    main()
