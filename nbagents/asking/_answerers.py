"""Asking: with `ask` from code that may block, with `fill` from code that may not; and who answers."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import dataclasses
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any

from .. import _loop, context
from ..exceptions import AnswerRefusedError, CallCancelledError, UsageError, WouldBlockLoopError
from ._approval import EDITED, NO, said_in_words
from ._open import Check, OpenQuestion, open_question
from ._question import Answer, Field, Question
from ._taped import Taped

__all__ = ["Answerer", "answering", "ask", "fill", "nobody", "pass_on", "scripted"]

Answerer = Callable[[Question], "str | Answer | None"]
"""Answers a question: with a line of text, which is then asked for each field too; with all of it; or with
None, once it has shown the question to somebody who will answer it by its id."""
TICK = 0.05
"""Seconds between two looks at whether the call that asks was stopped."""

_answerer: ContextVar[Answerer | None] = ContextVar("nbagents_answerer", default=None)
_approver: ContextVar[Answerer | None] = ContextVar("nbagents_approver", default=None)
"""The same, if it asks a person, who alone can allow something."""


def ask(question: Question) -> str:
    """Ask a person and wait for the answer's text; must not be called on the background loop.

    Raises:
        TimeoutError: nobody answered in time and the question has no default.
        EOFError: the input that is asked has ended and the question has no default.
        UsageError: nobody is there to ask and the question has no default.
    """
    taped = Taped.of(question)
    if taped is not None and taped.replays:
        return _loop.background().run(taped.replayed()).text
    opened = open_question(question)
    try:
        _take(opened, _who(question))
        if not opened.over:
            _wait(opened)
    except BaseException as error:
        opened.fail(error, "stopped")
        if taped is not None:
            taped.note(opened)
        raise
    return _ended(opened, taped).text


async def fill(question: Question, check: Check | None = None) -> Answer:
    """Ask a person, fields and all, without holding a thread; raises what `ask` raises.

    ``check`` may refuse the fields with an `AnswerRefusedError`; the person can then correct them.
    """
    taped = Taped.of(question)
    if taped is not None and taped.replays:
        return await taped.replayed()
    opened = open_question(question, check)
    answerer = _who(question)
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()

    def over() -> None:
        with contextlib.suppress(RuntimeError):  # that loop is closed: nobody waits there any more
            loop.call_soon_threadsafe(_arrived, future)

    opened.on_end(over)
    try:
        if answerer is None:
            _take(opened, None)
        else:  # it may block: on input(), on a script of somebody's own
            ctx = contextvars.copy_context()
            threading.Thread(
                target=lambda: ctx.run(_take, opened, answerer), name="nbagents-asks", daemon=True
            ).start()
        while not future.done():
            await asyncio.wait([future], timeout=opened.left)
            if not future.done() and not opened.left and opened.left is not None:
                opened.expire()
    except BaseException as error:
        opened.fail(error, "stopped")
        if taped is not None:
            taped.note(opened)
        raise
    return _ended(opened, taped)


def pass_on(opened: OpenQuestion) -> None:
    """Ask whoever is here what was asked, and is open, in another process; return at once.

    With nobody here it ends at once: its default answers, else it fails.
    """
    answerer = _who(opened.question)
    if answerer is None:
        opened.absent()
        return
    ctx = contextvars.copy_context()
    threading.Thread(
        target=lambda: ctx.run(_take, opened, answerer), name="nbagents-asks", daemon=True
    ).start()


def _ended(opened: OpenQuestion, taped: Taped | None) -> Answer:
    """Return the answer of a question that is over, or raise; record either, where that is to be."""
    if taped is not None:
        taped.note(opened)
    return opened.result()


def _arrived(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _who(question: Question) -> Answerer | None:
    from .. import asking

    answerer = _answerer.get()
    if question.approval is not None and answerer is not None and answerer is not _approver.get():
        return nobody  # a script's list of answers was made for other questions
    if answerer is None and sys.stdin is not None:
        answerer = asking.terminal
    return answerer


def nobody(question: Question) -> str:
    """An answerer for where there is no person: a question's default is its answer, or asking fails at once.

    Raises:
        NotImplementedError: always, which is how an answerer says so.
    """
    raise NotImplementedError


def _take(opened: OpenQuestion, answerer: Answerer | None) -> None:
    """Have an answerer answer; whatever it does, the question is over then, or shown to somebody."""
    from .. import asking

    if answerer is None:
        waits = asking.waits
        if not (waits() if callable(waits) else waits):
            opened.absent()
        return
    try:
        said = answerer(opened.question)
        if said is None:
            return
        if isinstance(said, Answer):
            opened.finish(said)
        else:
            _by_line(opened, answerer, said)
    except (TimeoutError, EOFError) as error:
        opened.expire(error)
    except NotImplementedError:  # a kernel whose front end takes no input
        opened.absent()
    except BaseException as error:  # noqa: BLE001  # whoever asked gets it
        opened.fail(error)


def _by_line(opened: OpenQuestion, answerer: Answerer, text: str) -> None:
    """Ask for the fields and the address one after the other, each until it fits."""
    question, values = opened.question, dict[str, Any]()
    if question.approval is not None:
        _approve_by_line(opened, answerer, text)
        return
    for field in question.fields:
        values[field.name] = _field(opened, answerer, field)
    if question.wants_url:
        values["url"] = _line(opened, answerer, "URL (or Enter to skip): ")
    while True:
        try:
            opened.give(text, values)
        except AnswerRefusedError as refused:
            wrong = _wrong(refused, values)
            if not wrong:
                raise
            for name, what in wrong.items():
                values[name] = _line(opened, answerer, f"{name} {what}: ")
        else:
            return


def _approve_by_line(opened: OpenQuestion, answerer: Answerer, text: str) -> None:
    """Take a line that was typed below the call which it allows, or not."""
    approval = opened.question.approval
    assert approval is not None
    said, reason = said_in_words(text)
    values = {"reason": reason} if said == NO else {"binding": approval.binding}
    prompt = "its arguments, as JSON (or Enter to deny): "
    while said == "edit":
        typed = _line(opened, answerer, prompt)
        if not typed.strip():
            said = NO
            break
        try:
            opened.give("approve", {**values, EDITED: typed})
        except AnswerRefusedError as refused:
            prompt = f"{refused}; its arguments, as JSON (or Enter to deny): "
        else:
            return
    opened.give(said, values)


def _field(opened: OpenQuestion, answerer: Answerer, field: Field) -> str:
    skip = "" if field.required and field.default is None else " (or Enter to skip)"
    return _line(opened, answerer, f"{field.name}{skip}: ")


def _line(opened: OpenQuestion, answerer: Answerer, prompt: str) -> str:
    bare = dataclasses.replace(opened.question, prompt=prompt, fields=(), wants_url=False)
    said = answerer(bare)
    return said if isinstance(said, str) else said.text if said is not None else ""


def _wrong(refused: AnswerRefusedError, values: Mapping[str, Any]) -> dict[str, str]:
    lines = (line.partition(": ") for line in str(refused).split("\n"))
    return {name: what for name, _, what in lines if name in values}


def _wait(opened: OpenQuestion) -> None:
    if _loop.background().here():
        raise WouldBlockLoopError(
            "a person was asked on the background loop, which would stop every agent; "
            "there write `await nbagents.asking.fill(...)`"
        )
    call = context.frame.get()
    while not opened.wait(TICK):
        if opened.left == 0:
            opened.expire()
        elif call is not None and call.done:
            raise call.error or CallCancelledError(f"the call of {call.agent_name} was stopped")


@contextlib.contextmanager
def answering(answerer: Answerer, *, approves: bool = False) -> Iterator[None]:
    """Let ``answerer`` answer whatever is asked by calls made inside the ``with``.

    Whether a tool may be called it is only asked with ``approves``: if a person is behind it.
    """
    tokens = _answerer.set(answerer), _approver.set(answerer if approves else None)
    try:
        yield
    finally:
        _answerer.reset(tokens[0])
        _approver.reset(tokens[1])


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
