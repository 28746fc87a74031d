"""`last_lines`: the end of a server's log, for its user to read."""

from __future__ import annotations

from pathlib import Path

from ._limits import MAX_LOG, MAX_LOG_LINES

__all__ = ["last_lines"]


def last_lines(log: Path, lines: int) -> list[str]:
    """Return the last lines of a log, within the limits; none if there is no log. Blocking.

    Keys were masked when it was written.
    """
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - MAX_LOG))
            found = file.read(MAX_LOG).decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    wanted = min(max(lines, 0), MAX_LOG_LINES)
    return found[-wanted:] if wanted else []
