"""`Taped`: a question that is recorded, or answered from a recording. See `nbagents.recording`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .. import events, recording
from ..exceptions import ReplayMismatchError, UsageError
from ..recording import Asked, Place
from ._open import OpenQuestion
from ._question import Answer, Question

__all__ = ["Taped"]


@dataclass(frozen=True, slots=True)
class Taped:
    """A question of code whose run is recorded or replayed.

    Whether a tool may be called is none: that is recorded with what came of the tool.
    """

    place: Place
    question: Question
    asked: Asked

    @classmethod
    def of(cls, question: Question) -> Taped | None:
        """Return it for the code that runs here; None where nothing is recorded or replayed."""
        place = recording.here()
        if place is None or question.approval is not None:
            return None
        wanted = [*question.choices, *(field.name for field in question.fields)]
        wanted += ["url"] if question.wants_url else []
        return cls(place, question, recording.asked_of_person(question.prompt, question.said, wanted))

    @property
    def replays(self) -> bool:
        """Is it answered from a file?"""
        return self.place.replays

    async def replayed(self) -> Answer:
        """Return what was answered then; raises what asking raised then.

        Raises:
            ReplayMismatchError: this was not asked when the run was recorded.
        """
        told = await self.place.answer(self.asked)
        what = "the default answer" if told.get("how") == "default" else "a person's answer"
        events.emit("replayed", label=f"replay of {what}, {told['recorded']}")
        recording.check_answered(f"{self.question.agent}'s question {self.question.prompt.strip()!r}", told)
        if recording.ERROR in told:
            _raise(self.question, told)
        fields, url = told.get("fields"), told.get("url")
        kept: Mapping[str, Any] = fields if isinstance(fields, Mapping) else {}
        how = "default" if told.get("how") == "default" else "answered"
        return Answer(str(told.get("text") or ""), dict(kept), str(url) if url else None, how)

    def note(self, opened: OpenQuestion) -> None:
        """Record how a question has ended."""
        answer = opened.answer
        if answer is None:
            self.place.note(self.asked, {recording.ERROR: opened.how})
            return
        told = {"text": answer.text, "fields": dict(answer.fields), "url": answer.url, "how": answer.how}
        self.place.note(self.asked, told)


def _raise(question: Question, told: Mapping[str, Any]) -> None:
    how = told[recording.ERROR]
    asked = f"{question.agent} asks {question.prompt.strip()!r} and"
    if how == "timeout":
        raise TimeoutError(f"{asked} nobody answered in time when this was recorded")
    if how == "absent":
        raise UsageError(f"{asked} nobody was there to answer when this was recorded")
    raise ReplayMismatchError(f"{asked} that was stopped when this was recorded", hint=recording.again(told))
