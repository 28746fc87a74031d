"""How a notebook's person is asked: by a form in the cell, else by `input()`; and what stands for nobody.

A form is answered through the jupyter-server, which works however busy the kernel is, or by the form's
own messages, which some kernels hear only between cells. The page says by the same ways that it shows the
form; where neither has told so after a few seconds, the cell asks by `input()`. A notebook that nobody
watches takes the default, or fails at once.
"""

from __future__ import annotations

import contextvars
import logging
import os
import threading
import time
from collections.abc import Callable

from .. import asking
from ..agents import ask_in_terminal
from ..asking import Answer, Answerer, OpenQuestion, Question
from ..exceptions import NbAgentsError, UsageError
from ..widgets import QuestionCard, widgets_seen
from ._desk import Desk

__all__ = ["HUMAN", "answerer", "install", "show_waiting"]

log = logging.getLogger(__name__)

HUMAN = "NBAGENTS_HUMAN"
"""What an absent person does: "default" takes the default where there is one, "fail" never does."""
EARLY = 0.3
"""Seconds before the end of a question's time at which its default is given to another process."""
PATIENCE, TICK = 3.0, 0.25
"""Seconds that a page may take to show a form and say so, and between two looks at that."""
BELOW = "if the form does not answer, type into the box below"


def answerer(desk: Desk, default: str | None = None, *, shows_said: bool = False) -> Answerer:
    """Return who answers in this notebook; ``default`` stands for an answer that nobody gives.

    With ``shows_said`` the form repeats what is to be answered, which nothing else in the cell shows.
    """
    by_line: set[str] = set()

    def answer(question: Question) -> str | Answer | None:
        opened = asking.find_question(question.id)
        if opened is None or question.id in by_line or desk.mode == "terminal":
            if opened is not None:
                opened.amend(default)
            return ask_in_terminal(question)
        opened.amend(default)
        _be_in_time(opened)
        if desk.mode == "headless":
            _nobody(opened)
            return None
        context = question.said if shows_said else ""
        card = QuestionCard(opened, desk.shell, color=desk.color(question.agent), context=context)
        formed = card.show()
        server = desk.session.ask_by_page(opened)
        if formed and server is not None:
            card.reach(server)
        if (formed and _is_seen(desk, card, server is not None)) or opened.over:
            return None
        card.note(BELOW)
        by_line.add(question.id)
        return ask_in_terminal(question)

    return answer


def _is_seen(desk: Desk, card: QuestionCard, by_server: bool) -> bool:
    """Wait until the page has said that it shows the form; one that has shown others will."""
    limit = time.monotonic() + PATIENCE
    while time.monotonic() < limit and not card.opened.over:
        if by_server and (widgets_seen.is_set() or desk.session.is_shown(card.opened)):
            return True
        if card.is_seen(TICK):
            return True
    return False


def _be_in_time(opened: OpenQuestion) -> None:
    """Give the default just before the server ends the question, which does not know of this one."""
    left = opened.left
    if opened.server and left is not None and opened.question.default is not None:
        timer = threading.Timer(max(0.0, left - EARLY), opened.expire)
        timer.daemon = True
        timer.start()
        opened.on_end(timer.cancel)


def _nobody(opened: OpenQuestion) -> None:
    if opened.question.default is not None and os.environ.get(HUMAN) == "fail":
        asked = opened.question.prompt.strip()
        opened.fail(
            UsageError(
                f"{opened.question.agent} asks {asked!r} and nobody is there to answer",
                hint=f"{HUMAN}=default takes the default",
            ),
            "absent",
        )
    else:
        opened.absent(hint="--default TEXT says what an absent person answers")


def show_waiting(desk: Desk) -> None:
    """Show, below this cell, what an earlier kernel of this notebook has left unanswered. Returns at once."""
    if desk.mode != "live":
        return

    def show() -> None:
        try:
            for opened in desk.session.waiting():
                asking.pass_on(opened)
        except NbAgentsError as error:
            log.debug("what waits for an answer is not known: %s", error)

    ctx = contextvars.copy_context()
    threading.Thread(target=lambda: ctx.run(show), name="nbagents-waiting", daemon=True).start()


def install(desk: Desk) -> Callable[[], None]:
    """Let what is asked outside of our cells be asked in this notebook; return what undoes this."""
    before = asking.terminal
    asking.terminal = answerer(desk, shows_said=True)

    def undo() -> None:
        asking.terminal = before

    return undo
