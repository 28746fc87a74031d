"""`Unread`: the failures that nobody has read; none is lost silently.

A failure is told once, on stderr: when its message is collected, at a notebook cell's end, or at exit.
"""

from __future__ import annotations

import contextlib
import queue
import sys
import weakref
from collections.abc import Callable
from typing import Any

from ..exceptions import CallCancelledError
from ._call import Call

__all__ = ["Unread"]


class Unread:
    """Keeps an eye on the calls that have failed."""

    def __init__(self, post: Callable[..., Any]) -> None:
        self.post = post
        self.failed: weakref.WeakSet[Call] = weakref.WeakSet()

    def report_unread(self, call: Call) -> None:
        """Report a failure that was never read, once; a cancellation is not one."""
        if call.error is None or call.read or isinstance(call.error, CallCancelledError):
            return
        call.read = True
        if call.stopped() and call.parent is not None and call.parent.stopped():
            return  # it was late because its caller was, who tells
        if sys.stderr is not None:
            what = f"{type(call.error).__name__}: {call.error}"
            sys.stderr.write(f"nbagents: the failure of {call.label()} was never read: {what}\n")

    def report(self) -> None:
        """Report the failures that nobody has read yet, those of calls that have just ended included."""
        found: queue.SimpleQueue[list[Call]] = queue.SimpleQueue()
        self.post(lambda: found.put(list(self.failed)))
        with contextlib.suppress(queue.Empty):  # the loop may be gone at exit
            for call in found.get(timeout=1):
                self.report_unread(call)
                self.failed.discard(call)
