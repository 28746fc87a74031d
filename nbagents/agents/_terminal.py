"""Asks a person in the terminal, or by a notebook's `input()` box."""

from __future__ import annotations

import _thread
import contextlib
import select
import sys
import threading
import time
import types

from .. import asking
from ..exceptions import CallCancelledError
from ._scheduler import scheduler

__all__ = ["ask_in_terminal"]

SETTLE = 0.2
"""Seconds within which an interrupt that this process sends itself arrives."""


def ask_in_terminal(question: asking.Question) -> str:
    """Ask in the main thread, which whoever waits there lends.

    Raises:
        TimeoutError: nobody typed a line within the question's seconds.
        EOFError: the input has ended.
        CallCancelledError: the question was answered elsewhere meanwhile.
        NotImplementedError: a tool's call is to be allowed, and no person sits at the input.
    """
    at_stdin = isinstance(input, types.BuiltinFunctionType)
    if question.approval is not None and at_stdin and not (sys.stdin is not None and sys.stdin.isatty()):
        raise NotImplementedError  # a pipe is nobody who could allow something
    opened = asking.find_question(question.id)
    over = (lambda: opened.over) if opened is not None else (lambda: False)
    return str(scheduler().on_main_thread(lambda: _read_line(question, opened), over))


def _read_line(question: asking.Question, opened: asking.OpenQuestion | None) -> str:
    if opened is not None and not isinstance(input, types.BuiltinFunctionType):
        return _Box(opened).ask(question.prompt)
    if question.timeout is not None and _can_wait_for_stdin():
        sys.stdout.write(question.prompt)
        sys.stdout.flush()
        limit = time.monotonic() + question.timeout
        while not select.select([sys.stdin], [], [], 0.2)[0]:
            if time.monotonic() >= limit:
                raise TimeoutError(f"{question.agent}: nobody answered within {question.timeout} s")
        line = sys.stdin.readline()
        if not line:
            raise _ended(question)
        return line.rstrip("\n")
    try:
        return input(question.prompt)
    except EOFError:
        raise _ended(question) from None


def _ended(question: asking.Question) -> EOFError:
    return EOFError(
        f"{question.agent} was asked, and the input has ended: give the question a default, "
        "or answer from a script: with nbagents.asking.scripted([...])"
    )


def _can_wait_for_stdin() -> bool:
    if not isinstance(input, types.BuiltinFunctionType):
        return False  # a kernel's: the person is elsewhere, and its own standard input is nobody
    with contextlib.suppress(OSError, ValueError, AttributeError):
        return sys.platform != "win32" and sys.stdin.fileno() >= 0
    return False


class _Box:
    """A kernel's `input()` box for one question, which an answer from elsewhere closes."""

    def __init__(self, opened: asking.OpenQuestion) -> None:
        self._opened, self._lock = opened, threading.Lock()
        self._waits = self._closed = False

    def ask(self, prompt: str) -> str:
        """Ask, in the main thread.

        Raises:
            CallCancelledError: the question was answered elsewhere.
            KeyboardInterrupt: a person interrupted the cell.
        """
        self._waits = True
        self._opened.on_end(self._close)
        try:
            line = input(prompt)
            with self._lock:
                self._waits = False
            if self._closed:
                time.sleep(SETTLE)  # the interrupt is on its way
        except KeyboardInterrupt:
            with self._lock:
                self._waits = False
            if not self._closed:
                raise
        if self._closed:
            raise CallCancelledError("it was answered elsewhere")
        return line

    def _close(self) -> None:
        with self._lock:
            if self._waits:
                self._closed = True
                _thread.interrupt_main()


asking.terminal = ask_in_terminal
