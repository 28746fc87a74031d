"""The questions of this process that are open, by their ids; the first answer ends one, whoever gives it."""

from __future__ import annotations

import contextvars
import dataclasses
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from .. import context, events
from .._ids import new_id
from ..exceptions import AnswerRefusedError, UsageError
from ._approval import NO, read_approval
from ._fields import check_fields
from ._question import Answer, Question

__all__ = [
    "OpenQuestion",
    "answer",
    "ended_question",
    "find_question",
    "open_question",
    "open_questions",
]

REMEMBERED = 200
"""How many questions that are over are remembered, so that a late answer is told what became of them."""

Check = Callable[[Mapping[str, Any]], object]

_lock = threading.Lock()
_open: dict[str, OpenQuestion] = {}
_ended: OrderedDict[str, dict[str, Any]] = OrderedDict()


class OpenQuestion:
    """A question that waits for its answer. Safe from any thread.

    ``check`` may refuse the fields of an answer, beyond what the question itself says of them.
    """

    def __init__(self, question: Question, check: Check | None = None, *, told: bool = True) -> None:
        self.question, self._check, self._told = question, check, told
        self.opened = time.monotonic()
        self.server = ""
        """The id of the agent server in which it is open too, and can be answered; "" for none."""
        self.shown = False
        """Has a page told this process that it shows it?"""
        self.answer: Answer | None = None
        self.error: BaseException | None = None
        self.how = ""
        """How it ended: "answered", "default", "timeout", "absent", "stopped" or "failed"; "" while open."""
        self._over = threading.Event()
        self._callbacks: list[Callable[[], object]] = []
        self._on_refused: Callable[[AnswerRefusedError], object] = lambda error: None
        self._context = contextvars.copy_context()

    # ---- how it is

    @property
    def over(self) -> bool:
        """Is it answered, or ended without an answer?"""
        return self._over.is_set()

    @property
    def left(self) -> float | None:
        """The seconds that remain to answer it; None where it waits for as long as it takes."""
        timeout = self.question.timeout
        return None if timeout is None else max(0.0, self.opened + timeout - time.monotonic())

    def to_dict(self) -> dict[str, Any]:
        """Return the question as JSON can hold it, with the seconds that are left."""
        return self.question.to_dict(self.left)

    def on_end(self, fn: Callable[[], object]) -> None:
        """Call ``fn`` once it is over: on the thread that ends it, or at once. It must be quick."""
        with _lock:
            if not self._over.is_set():
                self._callbacks.append(fn)
                return
        fn()

    def on_refused(self, fn: Callable[[AnswerRefusedError], object]) -> None:
        """Call ``fn`` whenever an answer does not fit, whoever has sent it; it must be quick."""
        self._on_refused = fn

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is over, ``timeout`` seconds at most; return whether it is."""
        return self._over.wait(timeout)

    def result(self) -> Answer:
        """Return the answer; raises the error that it ended with. It must be over."""
        if self.error is not None:
            raise self.error
        assert self.answer is not None
        return self.answer

    def amend(self, default: str | None) -> None:
        """Let this stand for an answer if nobody gives one; nothing changes where it is None.

        Nothing can stand for a person who is to allow something.
        """
        if default is not None and self.question.approval is None:
            self.question = dataclasses.replace(self.question, default=default)

    # ---- how it ends; all but the first attempt return False

    def give(self, text: str, fields: Mapping[str, Any] | None = None) -> bool:
        """Answer it. Where an address is wanted, it is the field "url".

        Raises:
            AnswerRefusedError: the fields do not fit; the question stays open, to be answered better.
        """
        if self.over:
            return False
        try:
            answer = self._answer(text, fields or {})
        except AnswerRefusedError as refused:
            self._on_refused(refused)
            raise
        return self.finish(answer)

    def _answer(self, text: str, fields: Mapping[str, Any]) -> Answer:
        approval = self.question.approval
        if approval is not None:
            said, kept = read_approval(approval, text, fields)
            if self._check is not None and said != NO:
                self._check(kept)
            return Answer(said, kept)
        values = check_fields(self.question.fields, fields)
        if self._check is not None:
            self._check(values)
        url = fields.get("url") if self.question.wants_url else None
        if url is not None and not isinstance(url, str):
            raise AnswerRefusedError("url: a text is wanted")
        return Answer(text, values, (url or "").strip() or None)

    def finish(self, answer: Answer) -> bool:
        """End it with an answer as it is."""
        return self._end(answer, None, answer.how)

    def absent(self, why: str = "nobody is there to answer", hint: str | None = None) -> bool:
        """Nobody is there: its default answers, else it fails."""
        if self.question.default is not None:
            return self.finish(self._default())
        asked = self.question.prompt.strip()
        hint = hint or (
            "give the question a default, or answer from a script: with nbagents.asking.scripted([...])"
        )
        return self.fail(UsageError(f"{self.question.agent} asks {asked!r} and {why}", hint=hint), "absent")

    def expire(self, error: BaseException | None = None) -> bool:
        """Its time is over, or the input is: its default answers, else it fails."""
        if self.question.default is not None:
            return self.finish(self._default())
        timeout = self.question.timeout
        late = error or TimeoutError(f"{self.question.agent}: nobody answered within {timeout} s")
        return self.fail(late, "timeout")

    def fail(self, error: BaseException, how: str = "failed") -> bool:
        """End it with an error."""
        return self._end(None, error, how)

    def _default(self) -> Answer:
        values = {one.name: one.default for one in self.question.fields if one.default is not None}
        return Answer(str(self.question.default), values, None, "default")

    def _end(self, answer: Answer | None, error: BaseException | None, how: str) -> bool:
        told: dict[str, Any] = {"id": self.question.id, "how": how, "text": ""}
        if answer is not None:
            told["text"] = answer.text
        if answer is not None and self.question.approval is not None:
            told["fields"] = dict(answer.fields)  # what was changed, or why not
        with _lock:
            if self._over.is_set():
                return False
            self.answer, self.error, self.how = answer, error, how
            _open.pop(self.question.id, None)
            _ended[self.question.id] = told | {"agent": self.question.agent}
            while len(_ended) > REMEMBERED:
                _ended.popitem(last=False)
            callbacks, self._callbacks = self._callbacks, []
            self._over.set()
        if self._told:
            self._context.copy().run(events.emit, "answered", **told)
        for fn in callbacks:
            fn()
        return True


def open_question(question: Question, check: Check | None = None, *, told: bool = True) -> OpenQuestion:
    """Open a question: from now on it can be answered by its id. Told as the event ``question``.

    Whoever opens one must see to it that it ends. One that was asked in another process, and is open
    there too, is not ``told`` again.

    Raises:
        UsageError: a question of that id was asked already.
    """
    call = context.frame.get()
    question = dataclasses.replace(
        question,
        default=question.default if question.approval is None else None,
        id=question.id or new_id(),
        run=question.run or (call.run if call is not None else context.run.get()),
        call=question.call or (call.id if call is not None else ""),
        workspace=question.workspace or context.workspace.get(),
    )
    opened = OpenQuestion(question, check, told=told)
    with _lock:
        if question.id in _open or (told and question.id in _ended):
            raise UsageError(f"a question of the id {question.id[:60]!r} was asked already")
        _open[question.id] = opened
    if told:
        events.emit("question", **opened.to_dict())
    return opened


def open_questions(workspace: str | None = None) -> list[OpenQuestion]:
    """Return what waits for an answer in this process, the oldest first."""
    with _lock:
        found = list(_open.values())
    return [one for one in found if workspace in (None, one.question.workspace)]


def find_question(question_id: str) -> OpenQuestion | None:
    """Return the open question of that id; None if there is none, or none any more."""
    return _open.get(question_id)


def ended_question(question_id: str) -> dict[str, Any] | None:
    """Return how a question ended lately: ``how``, the ``text``, whose it was. None if it is not known."""
    with _lock:
        return _ended.get(question_id)


def answer(
    question_id: str, text: str | None, fields: Mapping[str, Any] | None = None, absent: bool = False
) -> bool:
    """Answer an open question; ``absent`` or no text: nobody will, so its default stands for an answer.

    With both, the text takes the place of the default.

    Returns False where it is not open: another answer was first, or its time is over.

    Raises:
        AnswerRefusedError: the fields do not fit the question, which stays open.
    """
    opened = find_question(question_id)
    if opened is None:
        return False
    if absent or text is None:
        opened.amend(text)
        return opened.absent()
    return opened.give(text, fields)
