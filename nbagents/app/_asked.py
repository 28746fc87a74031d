"""`Asked`: one request as somebody who looks on sees it: who asks what, and what was said so far."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ._names import ContentType, MessageType
from ._sequence import Event

if TYPE_CHECKING:
    from ._answer import Answer

__all__ = ["Asked", "Called", "Fate", "asked_of"]

Fate = Literal["running", "done", "stopped", "failed"]

GROWING = 20_000
"""Characters of an answer that still grows, from its begin."""
KEPT = 4_000
"""Characters of one that is over."""
QUESTION = 300
CALLS = 20


@dataclass(frozen=True, slots=True)
class Called:
    """A tool that was called; ``answer`` is None while it works."""

    name: str
    arguments: str
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. Times are in seconds: ``began`` of `time.monotonic`, ``first`` and ``whole`` from there.

    ``first`` is when the first piece of the answer came, ``whole`` when it was over; None is not yet, or
    never. ``failure`` is what the client was told of what went wrong. Texts are cut to their length here.
    """

    id: str
    user: str
    session: str
    question: str
    state: Fate
    began: float
    first: float | None
    whole: float | None
    text: str
    calls: tuple[Called, ...] = ()
    failure: str = ""

    @property
    def elapsed(self) -> float:
        """How long it has taken by now."""
        return time.monotonic() - self.began if self.whole is None else self.whole


def asked_of(answer: Answer) -> Asked:
    """Return an answer as it is at this moment. Any thread: nothing here waits for the app's loop."""
    messages = answer.so_far
    most = GROWING if answer.over_at is None else KEPT
    return Asked(
        answer.id,
        answer.user,
        answer.session,
        _cut(answer.question, QUESTION),
        answer.state,
        answer.begun,
        None if answer.first_at is None else answer.first_at - answer.begun,
        None if answer.over_at is None else answer.over_at - answer.begun,
        _cut(_text(messages), most),
        _calls(messages, most),
        answer.failure,
    )


def _text(messages: list[Event]) -> str:
    """Return what was said; with the names of the agents where several have spoken."""
    said: list[tuple[str, str]] = []
    for message in messages:
        if message["type"] != MessageType.MESSAGE:
            continue
        parts = [part["text"] for part in message["content"] if part["type"] == ContentType.TEXT]
        if text := "".join(parts):
            said.append((str((message["metadata"] or {}).get("original_name") or ""), text))
    several = len({name for name, _ in said}) > 1
    return "\n\n".join(f"{name}: {text}" if several else text for name, text in said)


def _calls(messages: list[Event], most: int) -> tuple[Called, ...]:
    calls: dict[str, Called] = {}
    for message in messages:
        for part in message["content"]:
            data: Any = part.get("data")
            if not isinstance(data, dict):
                continue
            key = str(data.get("call_id"))
            known = calls.get(key)
            if "output" not in data:
                calls[key] = Called(
                    str(data.get("name") or "")[:100], _cut(str(data.get("arguments") or ""), most)
                )
            elif known is not None:
                calls[key] = Called(known.name, known.arguments, _cut(str(data["output"]), most))
    return tuple(calls.values())[-CALLS:]


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
