"""`QuestionCard`: a question in the asking cell's output: a form while it is open, two lines afterwards."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from typing import Any

from ..asking import EDITED, Approval, OpenQuestion
from ..exceptions import AnswerRefusedError
from ..render import (
    QuestionView,
    color_class,
    question_html,
    question_text,
    visible_arguments,
    visible_text,
)
from ._surface import Surface

__all__ = ["QuestionCard"]

log = logging.getLogger(__name__)


class QuestionCard:
    """Shows one open question where a person can answer it, and what came of it. Safe from any thread.

    ``context`` is what the person answers to, where the notebook does not show it by itself.
    """

    def __init__(
        self,
        opened: OpenQuestion,
        shell: Any,
        *,
        color: int | None = None,
        context: str = "",
    ) -> None:
        self.opened, self.color, self.context = opened, color, context
        self.surface = Surface(shell)
        self._can_be_widget = hasattr(getattr(shell, "kernel", None), "comm_manager")
        self._widget: Any = None
        self._lock = threading.Lock()
        self._frozen = False
        self._refusals = 0

    def show(self) -> bool:
        """Show it; it freezes by itself once the question is over. False if there is no form to answer by."""
        if self._can_be_widget:
            try:
                from ._question_widget import QuestionWidget

                self._widget = QuestionWidget(self.opened, self._about())
            except Exception:
                log.exception("a question is shown without a form")
        with self._lock:
            html, text = self._forms()
            if self._widget is None:
                self.surface.show(html, text)
            else:
                self._widget.show(self.surface, html, text)
        self.opened.on_refused(self._refused)
        self.opened.on_end(self.freeze)
        return self._widget is not None

    def is_seen(self, seconds: float) -> bool:
        """Wait, ``seconds`` at most, until a page shows the form and its messages arrive; do they?"""
        return self._widget is not None and bool(self._widget.seen.wait(seconds))

    def reach(self, server: str) -> None:
        """Let the page send the answer to this server, through its jupyter-server."""
        self._tell({"server": server})

    def note(self, text: str) -> None:
        """Say something below the form."""
        self._tell({"note": text})

    def _refused(self, error: AnswerRefusedError) -> None:
        self._refusals += 1
        self._tell({"refused": {"n": self._refusals, "text": str(error)}})

    def _tell(self, about: dict[str, Any]) -> None:
        with self._lock:
            if self._widget is not None and not self._frozen:
                self._widget.tell(about)

    def freeze(self) -> None:
        """Show what came of it, for good."""
        with self._lock:
            if self._frozen:
                return
            self._frozen = True
            html, text = self._forms()
            if self._widget is None:
                self.surface.show(html, text)
            else:
                self._widget.freeze(self.surface, html, text)

    def _about(self) -> dict[str, Any]:
        return {
            "server": None,
            "classes": color_class(self.color),
            "words": self._words(),
            "context": self.context,
        }

    def _words(self) -> str:
        """Return the prompt; "" where it only names the person, as the line for a terminal does."""
        question = self.opened.question
        if question.approval is not None:
            return f"wants to run {visible_text(question.approval.tool)}"
        words = question.prompt.strip()
        bare = words.rstrip(": ")
        named = question.kind == "turn" and bare in (question.agent, "User Input", "")
        return "" if named else words

    def _forms(self) -> tuple[str, str]:
        opened, question = self.opened, self.opened.question
        if question.approval is not None:
            return self._decided(question.approval)
        answer = opened.answer
        values = [(name, str(value)) for name, value in (answer.fields if answer else {}).items()]
        if answer is not None and answer.url:
            values.append(("address or file", answer.url))
        view = QuestionView(
            question.agent,
            self._words(),
            self.color,
            question.kind == "turn",
            opened.how,
            answer.text if answer is not None else "",
            values,
        )
        return question_html(view), question_text(view)

    def _decided(self, approval: Approval) -> tuple[str, str]:
        answer = self.opened.answer
        fields: Mapping[str, object] = {} if answer is None else answer.fields
        edited = fields.get(EDITED)
        shown = visible_arguments(json.loads(edited)) if isinstance(edited, str) else approval.shown
        view = QuestionView(
            self.opened.question.agent,
            color=self.color,
            how=self.opened.how,
            answer="" if answer is None else EDITED if edited is not None else answer.text,
            fields=[*shown, *((f"{name} (fixed)", value) for name, value in approval.fixed)],
            call=visible_text(approval.tool),
            why=str(fields.get("reason") or ""),
        )
        return question_html(view), question_text(view)
