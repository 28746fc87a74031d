"""`Questions`: what people are asked at one server, by its agents or by clients, and their answers."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import asking, context
from ..exceptions import CallCancelledError, ProtocolError, UsageError
from ._fields import Fields
from ._limits import LONGEST_ID, LONGEST_LABEL, LONGEST_PROMPT, MAX_ASKED, MAX_QUESTIONS
from ._run_book import RunBook

if TYPE_CHECKING:
    from ._session import Session

__all__ = ["Questions", "is_told"]

LATE = {"TimeoutError": TimeoutError, "EOFError": EOFError}


def is_told() -> bool:
    """Is somebody told what the call whose body runs here asks? Not who made it by a single request."""
    call: Any = context.frame.get()
    return call is None or call.origin is not None


class Questions:
    """The open questions, as sessions of the user see and answer them. On the loop only."""

    def __init__(self, book: RunBook) -> None:
        self._book = book
        self._posted: dict[Session, int] = {}

    async def listed(self, _: Session, asked: Fields) -> list[dict[str, Any]]:
        """Return the open questions of a workspace, or all."""
        workspace = asked.text("workspace", 4096) if "workspace" in asked else None
        found = [self._told(opened) for opened in asking.open_questions()]
        return [each for each in found if workspace in (None, each["workspace"])]

    def _told(self, opened: asking.OpenQuestion) -> dict[str, Any]:
        told = opened.to_dict() | {"shown": opened.shown}
        run = self._book.find(told["run"])
        if run is not None and not told["workspace"]:
            told["workspace"] = run.workspace
        return told

    async def answer(self, _: Session, asked: Fields) -> bool:
        """Answer a question; return whether it was open.

        Raises:
            AnswerRefusedError: the answer does not fit; the question stays open.
        """
        question_id, fields = asked.id("id"), asked.table("fields") or None
        text = asked.text("text", MAX_ASKED) if "text" in asked else None
        absent = asked.flag("absent")
        # On a thread: what checks the answer may be the code of whoever asks.
        return await asyncio.to_thread(asking.answer, question_id, text, fields, absent)

    async def show(self, _: Session, asked: Fields) -> bool:
        """Note that a page shows a question; return whether it is open."""
        opened = asking.find_question(asked.id("id"))
        if opened is not None:
            opened.shown = True
        return opened is not None

    def leave(self, _: Session, asked: Fields) -> bool:
        """End a question that nobody will answer, with the reason; its default still stands for an answer."""
        opened = asking.find_question(asked.id("id"))
        why, hint = asked.text("why", LONGEST_PROMPT), asked.text("hint", LONGEST_LABEL) or None
        if opened is None:
            return False
        kind = LATE.get(asked.text("type", 100))
        if kind is not None:
            return opened.expire(kind(why))
        if opened.question.default is not None:
            return opened.absent()
        return opened.fail(UsageError(why, hint=hint), "absent")

    async def ask(self, session: Session, asked: Fields) -> dict[str, Any]:
        """Open a question that a client asks, and return how it ended.

        Raises:
            ProtocolError: it is malformed, or one too many.
        """
        question = _question(asked.table("question"))
        if self._posted.get(session, 0) >= MAX_QUESTIONS:
            raise ProtocolError(f"a session asks at most {MAX_QUESTIONS} questions at the same time")
        opened = asking.find_question(question.id)  # in one process with its client it is open already
        own = opened is None
        if opened is None:
            opened = asking.open_question(question, told=False)
        self._posted[session] = self._posted.get(session, 0) + 1
        try:
            await _over(opened)
        finally:
            if own and not opened.over:
                gone = CallCancelledError(f"the session in which {question.agent} asked is gone")
                opened.fail(gone, "stopped")
            self._posted[session] -= 1
            if not self._posted[session]:
                del self._posted[session]
        answer = opened.answer
        if answer is None:
            return {"how": opened.how, "why": str(opened.error)}
        return {"how": answer.how, "text": answer.text, "fields": dict(answer.fields), "url": answer.url}


def _question(tree: dict[str, Any]) -> asking.Question:
    try:
        question = asking.Question.from_dict(tree)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise ProtocolError(f"the question is malformed: {error!r}"[:300]) from None
    ids = question.id, question.run, question.call, question.agent
    if not question.id or any(len(text) > LONGEST_ID for text in ids):
        raise ProtocolError(f"a question has an id, and its names have at most {LONGEST_ID} characters")
    return dataclasses.replace(question, prompt=question.prompt[:LONGEST_PROMPT])


async def _over(opened: asking.OpenQuestion) -> None:
    """Wait until a question is over, which its time ends too."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()

    def arrived() -> None:
        if not future.done():
            future.set_result(None)

    opened.on_end(lambda: _post(loop, arrived))
    while not future.done():
        await asyncio.wait([future], timeout=opened.left)
        if opened.left == 0 and not opened.over:
            opened.expire()


def _post(loop: asyncio.AbstractEventLoop, fn: Callable[[], object]) -> None:
    loop.call_soon_threadsafe(fn)
