"""A question to a person: what was asked, and what came of it, in two lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from ._frame import fragment
from ._head import agent_classes, who
from ._plain import clip, one_line, tidy

__all__ = ["QuestionView", "question_html", "question_text"]

_PROMPT, _ANSWER, _FIELDS = 2000, 4000, 40
_ENDS = {
    "default": "nobody answered; taken instead: “{}”",
    "timeout": "nobody answered in time",
    "absent": "nobody was there to answer",
    "stopped": "stopped before it was answered",
    "failed": "it could not be answered",
}

_DECIDED = {
    "approve": "you approved it",
    "approve all": "you approved it, and all like it in this run",
    "arguments": "you changed it, and approved that",
}


@dataclass(frozen=True, slots=True)
class QuestionView:
    """A question: who asks, or with ``is_turn`` whose turn it is, in which words, and how it ended.

    ``how`` is "" while it is open; else "answered", "default", "timeout", "absent", "stopped" or "failed".
    ``fields`` are names and values that were filled in. With a ``call`` it is whether a tool may be called:
    the call in words; ``fields`` are its arguments, ``answer`` what was decided and ``why``.
    """

    agent: str
    prompt: str = ""
    color: int | None = None
    is_turn: bool = False
    how: str = ""
    answer: str = ""
    fields: Sequence[tuple[str, str]] = ()
    call: str = ""
    why: str = ""


def question_html(view: QuestionView) -> str:
    """Return the question and its end as HTML without a script."""
    said = f' <span dir="auto">{escape(_asked(view, named=False))}</span>'
    first = who(view.agent, after=said)
    second = escape(_ended(view)).replace("\n", "<br>")
    values = "".join(
        f"<li><b>{escape(one_line(name, 60))}</b>: {escape(clip(tidy(value), 300))}</li>"
        for name, value in view.fields[:_FIELDS]
    )
    below = f'<p class="nba-sub">{second}</p>' + (f'<ul class="nba-sub">{values}</ul>' if values else "")
    classes = f"nba-question {agent_classes(view.color, is_demo=False)}"
    return fragment(
        "article", classes, f'<div class="nba-row">{first}{below}</div>', f"{view.agent}: question"
    )


def question_text(view: QuestionView) -> str:
    """Return the question and its end as plain text.

    >>> print(question_text(QuestionView("editor", "Keep it?", how="answered", answer="yes")))
    editor asked: “Keep it?”
      you answered: “yes”
    """
    fields = [f"    {one_line(name, 60)}: {one_line(value, 300)}" for name, value in view.fields[:_FIELDS]]
    return "\n".join([_asked(view), "  " + _ended(view).replace("\n", "\n  "), *fields])


def _asked(view: QuestionView, *, named: bool = True) -> str:
    if view.call:
        text = f"{'wanted' if view.how else 'wants'} to run {one_line(view.call, 60)}"
        return f"{one_line(view.agent, 60)} {text}" if named else text
    prompt = clip(tidy(view.prompt).strip(), _PROMPT)
    does = "asks" if not view.how else "asked"
    if view.is_turn:
        does = "your turn" if not view.how else "was asked" if prompt else "had the turn"
    text = f"{does}: “{prompt}”" if prompt else does
    return f"{one_line(view.agent, 60)} {text}" if named else text


def _ended(view: QuestionView) -> str:
    answer = clip(tidy(view.answer), _ANSWER)
    if not view.how:
        return "waits until you allow it" if view.call else "waiting for your answer"
    if view.call:
        return _decided(view)
    if view.how == "answered":
        return f"you answered: “{answer}”" if answer or not view.fields else "you answered"
    return _ENDS.get(view.how, _ENDS["failed"]).format(answer)


def _decided(view: QuestionView) -> str:
    """Say whether a tool was called, and by whose word."""
    why = clip(tidy(view.why), _ANSWER)
    if view.how != "answered":
        return f"not run: {_ENDS.get(view.how, _ENDS['failed'])}"
    if view.answer in _DECIDED:
        return _DECIDED[view.answer]
    return f"you did not allow it: {why}" if why else "you did not allow it"
