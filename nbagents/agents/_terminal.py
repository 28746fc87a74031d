"""Asks a person in the terminal, or by a notebook's `input()` box."""

from __future__ import annotations

import contextlib
import select
import sys
import time
import types

from .. import asking
from ._scheduler import scheduler

__all__ = ["ask_in_terminal"]


def ask_in_terminal(question: asking.Question) -> str:
    """Ask in the main thread, which whoever waits there lends.

    Raises:
        TimeoutError: nobody typed a line within the question's seconds.
        EOFError: the input has ended.
        CallCancelledError: the question was answered elsewhere before this thread could be had.
    """
    opened = asking.find_question(question.id)
    over = (lambda: opened.over) if opened is not None else (lambda: False)
    return str(scheduler().on_main_thread(lambda: _read_line(question), over))


def _read_line(question: asking.Question) -> str:
    if question.timeout is not None and _can_wait_for_stdin():
        sys.stdout.write(question.prompt)
        sys.stdout.flush()
        limit = time.monotonic() + question.timeout
        while not select.select([sys.stdin], [], [], 0.2)[0]:
            if time.monotonic() >= limit:
                raise TimeoutError(f"{question.agent}: nobody answered within {question.timeout} s")
        line = sys.stdin.readline()
        if not line:
            raise EOFError(f"{question.agent}: the input has ended")
        return line.rstrip("\n")
    return input(question.prompt)


def _can_wait_for_stdin() -> bool:
    if not isinstance(input, types.BuiltinFunctionType):
        return False  # a kernel's: the person is elsewhere, and its own standard input is nobody
    with contextlib.suppress(OSError, ValueError, AttributeError):
        return sys.platform != "win32" and sys.stdin.fileno() >= 0
    return False


asking.terminal = ask_in_terminal
