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
from ._plain import plain

__all__ = ["Entry", "name_in"]

LONGEST_NAME = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """``number`` counts what an agent asked of this kind, from 1. ``answer`` is plain data."""

    agent: str
    number: int
    asked: Asked
    answer: Mapping[str, Any]

    @classmethod
    def of(cls, agent: str, number: int, asked: Asked, answer: Mapping[str, Any]) -> Entry:
        """Return the entry of an answer as it came; what looks like a key is masked, so this is what is kept.

        Raises:
            ValueError: no line can hold it; the message says why.
        """
        try:
            told = plain(answer)
        except ValueError:
            raise
        except Exception as error:  # what is in it is somebody's own, and may do anything
            raise ValueError(f"it cannot be read: {type(error).__name__}") from error
        masked = _masked(told)
        if isinstance(told.get("pieces"), list):
            masked["pieces"] = _pieces(told["pieces"])
        return cls(name_in(agent), number, asked, checked(asked.kind, masked))

    def line(self) -> str:
        """Return it as a line of the file."""
        told = {"agent": self.agent, "n": self.number, **self.asked.to_dict(), "answer": dict(self.answer)}
        kind = told.pop("kind")
        return json.dumps({"kind": kind, **told}, ensure_ascii=False, allow_nan=False) + "\n"

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
        return cls(agent, number, asked, checked(asked.kind, plain(answer)))


def name_in(agent: str) -> str:
    """Return the name of an agent as recordings have it."""
    return redact(well_formed(agent))[:LONGEST_NAME]


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {key: _masked(item) for key, item in value.items()}
    return [_masked(item) for item in value] if isinstance(value, list) else value


def _pieces(pieces: list[Any]) -> list[str]:
    """Return the pieces of a text; as one, where a key in it may be spread over several."""
    told = [str(piece) for piece in pieces]
    whole = "".join(told)
    safe = redact(whole)
    return told if safe == whole and all(redact(piece) == piece for piece in told) else [safe]
