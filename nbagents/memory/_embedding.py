"""The embeddings of messages, each asked for once, and the text of a message that is embedded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..message import Msg
from ..vectors import Embedder, ask, vectors

__all__ = ["Embeddings", "spoken_text"]

NOTHING = "(nothing)"
"""Stands for an empty text: most models embed none."""


class Embeddings:
    """The embeddings of messages as they are now: one that was edited has none until it is asked again."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Msg, int, Any, int, int]] = {}
        """By a message's id: the message, its edit, and where its vector is: in what, which of how many."""

    def ask(self, messages: Sequence[Msg], embedder: Embedder | None) -> None:
        """Ask for those that are not known, all at once; they are not waited for."""
        unknown = [message for message in messages if not self._knows(message)]
        if unknown:
            answer = ask(embedder, [spoken_text(message) for message in unknown])
            for place, message in enumerate(unknown):
                self._known[message.id] = (message, message._edit, answer, place, len(unknown))

    def vector(self, message: Msg) -> list[float]:
        """Return one that was asked for. Waits, as `vectors` does; after an error it can be asked again."""
        _, _, answer, place, count = self._known[message.id]
        if not isinstance(answer, _Vectors):
            try:
                found = _Vectors(vectors(answer, count))
            except BaseException:
                self._known = {key: known for key, known in self._known.items() if known[2] is not answer}
                raise
            for key, known in self._known.items():
                if known[2] is answer:
                    self._known[key] = (*known[:2], found, *known[3:])
            answer = found
        return answer.rows[place]

    def _knows(self, message: Msg) -> bool:
        known = self._known.get(message.id)
        return known is not None and known[0] is message and known[1] == message._edit


class _Vectors:
    def __init__(self, rows: list[list[float]]) -> None:
        self.rows = rows


def spoken_text(message: Msg) -> str:
    """Return what of a message is embedded: its text, other content as JSON."""
    content = message.content
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, default=str)
    return text if text.strip() else NOTHING
