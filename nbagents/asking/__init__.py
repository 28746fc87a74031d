"""How an agent or a tool asks a person, without knowing how the person is reached.

A question is open, under its id, from when it is asked until it is answered; the first answer wins,
from whichever thread and by whichever way it comes. Whoever can reach a person installs an answerer for
the code that runs under it: a script's list of answers, the terminal, a notebook's form. With nobody
there, asking fails at once; nothing hangs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .._lazy import lazy

if TYPE_CHECKING:
    from ._answerers import Answerer, answering, ask, fill, nobody, pass_on, scripted
    from ._approval import ALL, EDITED, NO, YES, Approval
    from ._fields import check_fields, fields_of
    from ._open import OpenQuestion, answer, ended_question, find_question, open_question, open_questions
    from ._question import Answer, Field, Question

__all__ = [
    "ALL",
    "EDITED",
    "NO",
    "YES",
    "Answer",
    "Answerer",
    "Approval",
    "Field",
    "OpenQuestion",
    "Question",
    "answer",
    "answering",
    "ask",
    "check_fields",
    "ended_question",
    "fields_of",
    "fill",
    "find_question",
    "nobody",
    "open_question",
    "open_questions",
    "pass_on",
    "scripted",
]

terminal: Answerer | None = None
"""Who asks where no answerer was installed: `input()` in a terminal, for which the agents' floor fills this
in; a notebook that somebody watches puts its form here."""
waits: bool | Callable[[], bool] = False
"""Does a question wait to be answered by its id where nobody here can be asked? In a server it does, if
somebody is told of it."""

__getattr__, __dir__ = lazy(
    __name__,
    {
        "_answerers": "Answerer answering ask fill nobody pass_on scripted",
        "_approval": "ALL EDITED NO YES Approval",
        "_fields": "check_fields fields_of",
        "_open": "OpenQuestion answer ended_question find_question open_question open_questions",
        "_question": "Answer Field Question",
    },
)
