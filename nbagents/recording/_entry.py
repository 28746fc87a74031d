"""`Entry`: one line of a recording: who asked what, for which time, and what was answered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._surrogates import well_formed
from ..config import redact
from ._answers import checked
from ._asked import Asked

__all__ = ["Entry"]

LONGEST_NAME = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """``number`` counts what an agent asked of this kind, from 1. ``answer`` is plain data."""

    agent: str
    number: int
    asked: Asked
    answer: Mapping[str, Any]

    def line(self) -> str:
        """Return it as a line of the file; keys in it are masked."""
        told = {"agent": self.agent, "n": self.number, **self.asked.to_dict(), "answer": dict(self.answer)}
        kind = told.pop("kind")
        return json.dumps(_masked(well_formed({"kind": kind, **told})), ensure_ascii=False) + "\n"

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> Entry:
        """Return the entry that a line holds.

        Raises:
            ValueError: it is none; the message says what is wrong.
        """
        agent, number, answer = tree.get("agent"), tree.get("n"), tree.get("answer")
        if not isinstance(agent, str) or len(agent) > LONGEST_NAME:
            raise ValueError("`agent` is no name")
        if type(number) is not int or number < 1:
            raise ValueError("`n` is no whole number, at least 1")
        if not isinstance(answer, Mapping):
            raise ValueError("`answer` is no object")
        asked = Asked.from_dict(tree)
        return cls(agent, number, asked, checked(asked.kind, answer))


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {key: _masked(item) for key, item in value.items()}
    return [_masked(item) for item in value] if isinstance(value, list | tuple) else value
