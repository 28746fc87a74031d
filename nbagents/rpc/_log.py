"""What a server process writes to its log: keys masked, and no line that somebody else has forged."""

from __future__ import annotations

import io
import logging
import sys
import threading
from typing import Any, TextIO

from ..config import redact
from ._printable import printable

__all__ = ["LogFormatter", "start_log"]

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
LONGEST_LINE, LONGEST_TRACE = 2_000, 50_000


def start_log() -> None:
    """Log to standard error from WARNING on; mask keys in all that this process writes there."""
    if sys.stderr is not None and not isinstance(sys.stderr, _Masked):
        sys.stderr = _Masked(sys.stderr)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LogFormatter(FORMAT))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)


class LogFormatter(logging.Formatter):
    """Writes a record as one line, and what belongs to it as lines that are set in.

    Names and texts in a message come from outside: what could begin a line, move the cursor or hide the text
    beside it is escaped, and the message is cut to 512 characters.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the line itself."""
        record.message = printable(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:
        """Return a traceback, set in."""
        lines = super().formatException(ei)[-LONGEST_TRACE:].split("\n")
        return "\n".join(f"    {printable(line, LONGEST_LINE)}" for line in lines)


class _Masked(io.TextIOBase):
    """Masks keys, line by line, in what threads, warnings and agents write to standard error."""

    encoding = "utf-8"

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._line = stream, ""
        self._lock = threading.RLock()  # a signal's handler may write in the midst

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._stream.fileno()

    def write(self, text: str) -> int:
        with self._lock:
            self._line += text
            if "\n" in self._line:
                lines, newline, self._line = self._line.rpartition("\n")
                self._put(lines + newline)
            elif len(self._line) > LONGEST_TRACE:
                self.flush()
        return len(text)

    def flush(self) -> None:
        with self._lock:
            line, self._line = self._line, ""
            self._put(line)
            self._stream.flush()

    def _put(self, text: str) -> None:
        if text:
            self._stream.write(redact(text).encode("utf-8", "backslashreplace").decode())
