"""`Deaths`: how often a server has died lately, how long to wait, and when to give it up."""

from __future__ import annotations

import time
from collections import deque

from ..config import redact
from ..exceptions import ServerFailedError
from ._places import Connection

__all__ = ["Deaths"]

MOST, WITHIN_SECONDS = 5, 60.0
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
LOG_LINES, LOG_BYTES = 20, 20_000


class Deaths:
    """The deaths of one server within the last minute. Used under its owner's lock."""

    def __init__(self) -> None:
        self.given_up: ServerFailedError | None = None
        """Why it is not started any more."""
        self._when: deque[float] = deque()

    def count(self, known: Connection | None, how: str) -> None:
        """Note a death; with the fifth within a minute the server is given up."""
        now = time.monotonic()
        self._when.append(now)
        while now - self._when[0] > WITHIN_SECONDS:
            self._when.popleft()
        if len(self._when) < MOST:
            return
        who, lines = (known.server_id if known is not None else "?"), _end_of_log(known)
        said = "\n  ".join(("; the end of its log:", *lines)) if lines else "; its log is empty"
        self.given_up = ServerFailedError(
            redact(
                f"the agent server {who} died {MOST} times within {WITHIN_SECONDS:.0f} s and is not started"
                f" again; at last {how}{said}"
            ),
            hint="%agents server start, or launch() of its launcher, starts it once more",
        )
        self.given_up.log_lines = lines

    def pause(self) -> float:
        """Return how many seconds to wait before it is started again."""
        count = len(self._when)
        return 0.0 if count < 2 else min(FIRST_PAUSE * 2 ** (count - 2), LONGEST_PAUSE)

    def check(self) -> None:
        """Raise ServerFailedError if it was given up."""
        if self.given_up is not None:
            fresh = type(self.given_up)(str(self.given_up))
            vars(fresh).update(vars(self.given_up))
            raise fresh

    def forget(self) -> None:
        """Start anew."""
        self.given_up = None
        self._when.clear()


def _end_of_log(known: Connection | None) -> tuple[str, ...]:
    if known is None:
        return ()
    try:
        text = known.log.read_bytes()[-LOG_BYTES:].decode("utf-8", "replace")
    except OSError:
        return ()
    return tuple(redact(line)[:500] for line in text.splitlines()[-LOG_LINES:])
