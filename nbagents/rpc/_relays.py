"""`Relays`: questions of a server's agents, asked of whoever is where the call was made; and the way back.

An agent of a server asks in its server, where nobody sits. The process that made the call asks its own
person, in its own way; whoever answers first, here or in any other session, ends the question everywhere.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .. import _loop, asking
from .._threads import on_thread
from ..agents import Call
from ..exceptions import CallCancelledError, NbAgentsError, ProtocolError, RunNotFoundError, UsageError
from ..tools import Policy
from ..tools._nobody import nobody_there
from ..tools._policy import rule_for, standing_policy
from ._limits import MAX_QUESTIONS

if TYPE_CHECKING:
    import asyncio

    from ._attachment import Attachment
    from ._steers import Steers

__all__ = ["Relays", "adopt_questions", "post_question"]

log = logging.getLogger(__name__)


class Relays:
    """The questions of one server that are open here too. On the loop only."""

    def __init__(self, there: Attachment) -> None:
        self._there = there
        self._open: dict[str, asking.OpenQuestion] = {}

    def asked(self, root: Call, data: Mapping[str, Any]) -> None:
        """Ask the person here what an agent over there asks in a call that was made here.

        Raises:
            ProtocolError: it is no question, or one of too many.
        """
        if root.origin is not None or root.context is None:
            return  # it was made for a client of this server, who has been told
        try:
            question = asking.Question.from_dict(data)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise ProtocolError(f"an agent server asked what is no question: {error!r}"[:300]) from None
        if len(self._open) >= MAX_QUESTIONS:
            raise ProtocolError(f"an agent server asks more than {MAX_QUESTIONS} questions at once")
        if asking.find_question(question.id) is not None:
            return  # the server is in this process: it is open here
        opened = root.context.copy().run(self._take_in, question)
        if _is_barred(root, question):
            opened.give(asking.NO, {"reason": "no such tools may be called here"})
            return
        root.context.copy().run(asking.pass_on, opened)

    def _take_in(self, question: asking.Question) -> asking.OpenQuestion:
        opened = asking.open_question(question, told=False)
        opened.server = self._there.server_id
        self._open[question.id] = opened
        opened.on_end(lambda: _loop.background().post(self._ended, opened))
        return opened

    def adopted(self, data: Mapping[str, Any]) -> asking.OpenQuestion | None:
        """Open here what was asked over there in a call of a process that is gone; None if it is open here.

        The caller sees to it that `answered` is told when it is over over there.
        """
        question = asking.Question.from_dict(data)
        return None if asking.find_question(question.id) is not None else self._take_in(question)

    def unheard(self, data: Mapping[str, Any]) -> None:
        """Say that nobody answers what was asked in a call of a group, which no person sees."""
        left = {"id": str(data.get("id")), "type": "UsageError"}
        why = f"{data.get('agent')} asks {str(data.get('prompt')).strip()!r} and nobody is there to answer"
        self._there.ask("leave_question", value=json.dumps(left | {"why": why[:2000]}))

    def answered(self, data: Mapping[str, Any]) -> None:
        """A question is over over there."""
        opened = self._open.pop(str(data.get("id")), None)
        if opened is None:
            return
        how, text = str(data.get("how") or "answered"), str(data.get("text") or "")
        fields = data.get("fields")
        if how in ("answered", "default"):
            opened.finish(asking.Answer(text, fields if isinstance(fields, dict) else {}, how=how))
        else:
            opened.fail(CallCancelledError(f"what {opened.question.agent} asked is over: {how}"), how)

    def _ended(self, opened: asking.OpenQuestion) -> None:
        if self._open.pop(opened.question.id, None) is None:
            return  # it was answered elsewhere
        answer, question_id = opened.answer, opened.question.id
        if answer is not None:
            fields = dict(answer.fields) | ({"url": answer.url} if answer.url else {})
            given: dict[str, Any] = {"id": question_id, "text": answer.text, "fields": fields or None}
            given |= {"absent": True} if answer.how == "default" else {}
            self._there.ask("answer", value=json.dumps(given)).add_done_callback(
                lambda told: self._refused(question_id, told)
            )
            return
        error, approval = opened.error, opened.question.approval
        if approval is not None and opened.how == "absent":
            nobody_there(approval.tool, approval.effects)
        left = {"id": question_id, "type": type(error).__name__, "why": str(error)[:2000]}
        hint = getattr(error, "hint", None)
        self._there.ask("leave_question", value=json.dumps(left | ({"hint": hint[:300]} if hint else {})))

    def _refused(self, question_id: str, told: asyncio.Future[Any]) -> None:
        """End a question whose answer was refused over there: here it counted as answered."""
        error = None if told.cancelled() else told.exception()
        if isinstance(error, UsageError):
            left = {"id": question_id, "type": "AnswerRefusedError", "why": str(error)[:2000]}
            self._there.ask("leave_question", value=json.dumps(left))

    def lost(self, error: NbAgentsError) -> None:
        """The server is gone, and its questions with it."""
        known, self._open = self._open, {}
        for opened in known.values():
            opened.fail(type(error)(str(error)), "stopped")


def _is_barred(root: Call, question: asking.Question) -> bool:
    """Is it a tool to which the person here has said no meanwhile?"""
    if question.approval is None:
        return False
    effects = question.approval.effects
    return rule_for(effects, bool(effects), Policy.of(root.approve), standing_policy()) == "deny"


def adopt_questions(there: Attachment, client: Steers, workspace: str) -> list[asking.OpenQuestion]:
    """Open here the questions of a workspace that wait at a server, so that they can be answered here too.

    For a kernel that comes after the one that began their runs. Blocking; not on the background loop.

    Raises:
        NbAgentsError: the server cannot be asked.
    """
    found: dict[str, asking.OpenQuestion] = {}
    for told in client.questions(workspace):
        opened = _loop.background().run(_adopted(there, told))
        if opened is None:
            continue
        found[opened.question.id] = opened
        with contextlib.suppress(RunNotFoundError):
            opened.on_end(client.watch_run(opened.question.run, lambda event: _heard(there, event)))
    if found:  # one may have ended before it was watched
        left = {told.get("id") for told in client.questions(workspace)}
        for question_id in found.keys() - left:
            _loop.background().post(there.relays.answered, {"id": question_id, "how": "stopped"})
            del found[question_id]
    return list(found.values())


async def _adopted(there: Attachment, told: Mapping[str, Any]) -> asking.OpenQuestion | None:
    return there.relays.adopted(told)


def _heard(there: Attachment, event: Mapping[str, Any]) -> None:
    if event["kind"] == "answered":
        there.relays.answered(event["data"])


def post_question(there: Attachment, opened: asking.OpenQuestion) -> None:
    """Let any session of the user answer a question of this process, through the server. Any thread."""
    opened.server = there.server_id
    _loop.background().post(_post, there, opened)


def _post(there: Attachment, opened: asking.OpenQuestion) -> None:
    question_id = opened.question.id
    asked = there.ask("ask", value=json.dumps({"question": opened.to_dict()}))

    def answered(told: asyncio.Future[Any]) -> None:
        if told.cancelled() or told.exception() is not None:
            return  # the person here is asked all the same
        answer = json.loads(told.result().message)
        how = answer.get("how")
        if how in ("default", "absent"):  # a person has said there that nobody will answer
            opened.absent()
        elif how == "answered" and not opened.over:
            fields = dict(answer.get("fields") or {})
            if answer.get("url"):
                fields["url"] = answer["url"]
            _loop.background().spawn(_given(there, opened, str(answer.get("text") or ""), fields))

    asked.add_done_callback(answered)

    def over() -> None:
        if not asked.done():
            left = {"id": question_id, "why": "it was answered where it was asked"}
            there.ask("leave_question", value=json.dumps(left))

    opened.on_end(lambda: _loop.background().post(over))


async def _given(there: Attachment, opened: asking.OpenQuestion, text: str, fields: dict[str, Any]) -> None:
    """Take an answer that came from another session; what checks it may block."""
    try:
        await on_thread(opened.give, text, fields)
    except NbAgentsError as error:
        log.warning("an answer to %s was refused: %s", opened.question.agent, error)
        _post(there, opened)  # it stays open
