"""A yes-or-no question turned into the proposal that it makes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ._scene import core, is_question
from ._text import lower_first, sentences

__all__ = ["Proposal"]

_WE = re.compile(
    r"(?:should|shall|could|can|must|may)\s+(?:we|i|you|one|they)\s+(?:all\s+)?(.+)", re.IGNORECASE
)
_OTHER = re.compile(
    r"(should|shall|must|can|could)\s+((?:the|our|my|this|that|these|those)\s+[\w-]+|[A-Z][\w-]*)\s+(.+)",
    re.IGNORECASE,
)
_WHETHER = re.compile(r"\bwhether\s+(?:or not\s+)?(?:(?:we|i|you|one)\s+should|to)\s+(.+)", re.IGNORECASE)
_YES_NO = re.compile(r"(?:is|are|was|were|do|does|did|has|have|will|would|am)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a question proposes.

    Attributes:
        yes: The proposal, as an order or a sentence.
        no: Its opposite, in the same form.
        before: What it must precede, where the question says so; else empty.
        factual: It asks what is so, not what to do; then ``yes`` and ``no`` hold the question.
    """

    yes: str
    no: str
    before: str = ""
    factual: bool = False

    @classmethod
    def of(cls, text: str) -> Proposal | None:
        """Read the first yes-or-no question of ``text``; None where there is none.

        >>> Proposal.of("Should we refactor the tokenizer before the release?").no
        'do not refactor the tokenizer before the release'
        """
        for sentence in sentences(text):
            asked = core(sentence).rstrip("?!. ")
            whether = _WHETHER.search(asked)
            if whether and not is_question(sentence):
                return cls._order(whether[1])
            if not is_question(sentence):
                continue
            ours = _WE.match(asked)
            if ours:
                return cls._order(ours[1])
            theirs = _OTHER.match(asked)
            if theirs:
                verb, who, rest = theirs[1].lower(), lower_first(theirs[2]), theirs[3]
                return cls(f"{who} {verb} {rest}", f"{who} {verb} not {rest}", _before(rest))
            if _YES_NO.match(asked):
                told = f"on “{lower_first(asked)}”"
                return cls(told, told, factual=True)
        return None

    @classmethod
    def _order(cls, text: str) -> Proposal:
        order = text.rstrip("?!. ")
        return cls(order, f"do not {order}", _before(order))


def _before(text: str) -> str:
    found = re.search(
        r"\bbefore\s+((?:the|our|my|this|that|next|a|an)?\s*[\w-]+(?:\s[\w-]+)?)\s*$", text, re.IGNORECASE
    )
    return found[1].strip() if found else ""
