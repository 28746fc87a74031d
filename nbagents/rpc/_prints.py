"""What agents print inside a server goes to the row of the call that printed it."""

from __future__ import annotations

import io
import sys

from .. import context, events

__all__ = ["capture_prints"]


class _Prints(io.TextIOBase):
    """A standard output that tells events; what no call has printed goes to the log."""

    encoding = "utf-8"

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if context.frame.get() is not None:
            events.emit("printed", text=text)
        elif sys.stderr is not None:
            sys.stderr.write(text)
        return len(text)


def capture_prints() -> None:
    """Replace this process's standard output."""
    sys.stdout = _Prints()
