"""How an agent or a tool asks a person, without knowing how the person is reached.

Whoever can reach a person installs an answerer for the code that runs under it: a script's list of
answers, the terminal, later a notebook's card. With nobody there, asking fails at once; nothing hangs.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass

from .exceptions import UsageError

__all__ = ["Answerer", "Question", "answering", "ask", "scripted"]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: by whom, in which words, for how many seconds, and what an absent person says."""

    agent: str
    prompt: str
    timeout: float | None = None
    default: str | None = None


Answerer = Callable[[Question], str]

_answerer: ContextVar[Answerer | None] = ContextVar("nbagents_answerer", default=None)
terminal: Answerer | None = None
"""What asks in the terminal; the agents' floor fills it, since ``input()`` needs the main thread."""


def ask(question: Question) -> str:
    """Ask a person and wait for the answer; must not be called on the background loop.

    Raises:
        TimeoutError: nobody answered in time and the question has no default.
        EOFError: the input that is asked has ended and the question has no default.
        UsageError: nobody is there to ask and the question has no default.
    """
    answerer = _answerer.get()
    if answerer is None and sys.stdin is not None and terminal is not None:
        answerer = terminal
    if answerer is None:
        return _nobody(question)
    try:
        return answerer(question)
    except (TimeoutError, EOFError):
        if question.default is not None:
            return question.default
        raise
    except NotImplementedError:  # a kernel whose front end takes no input
        return _nobody(question)


def _nobody(question: Question) -> str:
    if question.default is not None:
        return question.default
    raise UsageError(
        f"{question.agent} asks {question.prompt.strip()!r} and nobody is there to answer",
        hint="give the question a default, or answer from a script: with nbagents.asking.scripted([...])",
    )


@contextlib.contextmanager
def answering(answerer: Answerer) -> Iterator[None]:
    """Let ``answerer`` answer whatever is asked by calls made inside the ``with``."""
    token = _answerer.set(answerer)
    try:
        yield
    finally:
        _answerer.reset(token)


@contextlib.contextmanager
def scripted(answers: Iterable[str]) -> Iterator[None]:
    """Answer from a list, one after the other.

    >>> with scripted(["yes", "no"]):
    ...     ask(Question("editor", "Keep the last line? "))
    'yes'
    """
    left = iter(answers)

    def answer(question: Question) -> str:
        for text in left:
            return text
        asked = question.prompt.strip()
        raise UsageError(f"{question.agent} asks {asked!r} and the script has no answer left")

    with answering(answer):
        yield
