"""`QuestionWidget`: a form in the page by which a person answers a question.

Loads anywidget, and is therefore loaded itself only where somebody watches.
"""

from __future__ import annotations

from typing import Any

from ..asking import OpenQuestion, ended_question
from ..exceptions import UsageError
from ..render import wall_time
from ._esm import css, esm
from ._live import LiveWidget

__all__ = ["QuestionWidget"]


class QuestionWidget(LiveWidget):
    """Shows one open question.

    The answer comes through the extension, where the page and ``server`` have one, however busy the
    kernel is; else by this widget's own messages.
    """

    _esm = esm("question")
    _css = css("question")

    def __init__(self, opened: OpenQuestion, about: dict[str, Any]) -> None:
        self._opened = opened
        left = opened.left
        super().__init__(opened.to_dict() | {"until": None if left is None else wall_time() + left} | about)

    def tell(self, about: dict[str, Any]) -> None:
        """Tell the page what has become of it."""
        self._sync(
            {**{key: value for key, value in self.view.items() if key not in ("seq", "at")}, **about}, 0
        )

    def acted(self, path: str, body: dict[str, Any]) -> Any:
        """Take the answer that the page sends.

        Raises:
            AnswerRefusedError: its fields do not fit; the page says which.
            UsageError: the question is over.
        """
        text, fields = body.get("text"), body.get("fields")
        given = fields if isinstance(fields, dict) else None
        taken = self._opened.absent() if body.get("absent") else self._opened.give(str(text or ""), given)
        if not taken:
            raise UsageError(over(self._opened.question.id))
        return {"answered": True}


def over(question_id: str) -> str:
    """Say to somebody who is late how a question ended."""
    ended = ended_question(question_id) or {"how": ""}
    if ended["how"] == "answered":
        return "it was answered already: “{}”".format(ended["text"][:200])
    return {
        "default": "it is over: nobody answered in time, and its default was taken",
        "timeout": "it is over: nobody answered in time",
    }.get(ended["how"], "it is over")
