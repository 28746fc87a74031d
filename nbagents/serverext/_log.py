"""The end of a server's log, for its user to read: keys masked."""

from __future__ import annotations

import os

from ..config import redact
from ..rpc import Connection

__all__ = ["end_of_log"]

MOST_LINES, MOST_BYTES = 5000, 1_000_000


def end_of_log(connection: Connection, lines: int) -> list[str]:
    """Return the last lines of a server's log; none if there is no log."""
    try:
        with connection.log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - MOST_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    wanted = min(max(lines, 0), MOST_LINES)
    found = text.splitlines()[-wanted:] if wanted else []
    return [redact(line, connection.token) for line in found]
