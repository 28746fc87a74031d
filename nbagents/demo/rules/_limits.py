"""The measurable part of an instruction: how many words, sentences, lines; in what form.

Only what can be counted is read here. A condition ("if there are at most 20 words ...") is no
limit on the reply and is left to the rule that reviews texts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from ._text import number, sentences, unquoted

__all__ = ["ABOVE", "BELOW", "NUMBER", "Limits"]

NUMBER = (
    r"(?:\d{1,4}|an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen"
    r"|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|hundred|a dozen)"
)
BELOW = (
    r"at (?:the )?most|(?:no|not) more than|a maximum of|maximum|max\.?|up to|within|limited to"
    r"|limit(?: is| of| to)?|under|fewer than|less than|below"
    r"|shorten(?: it| this| that)? to|cut(?: it| this| that)?(?: down)? to"
)
ABOVE = r"at least|no fewer than|no less than|a minimum of|minimum|min\.?|more than|over|longer than"
_STRICT = ("under", "fewer than", "less than", "below")
_ADJECTIVE = r"(?:short|brief|plain|simple|full|single|numbered|bullet|clear|small|little|rhyming|more)"
_UNIT = r"words?|sentences?|lines?|verses?|characters?|chars|points?|bullets?|steps?|items?|ideas?|options?"
_AMOUNT = re.compile(
    rf"(?:(?P<below>{BELOW})|(?P<above>{ABOVE})|about|around|roughly|approximately|some|~)?\s*"
    rf"(?<![\w.])(?P<n>{NUMBER})[ -](?:{_ADJECTIVE}[ -])?(?P<unit>{_UNIT})\b"
    r"(?P<after>\s*(?:or fewer|or less|at most|max(?:imum)?\b|or more|at least|limit\b))?",
    re.IGNORECASE,
)
_NOT_A_LIMIT = re.compile(
    r"\b(?:is|are|has|have|had|was|were|wrote|used|counted|counts|contains?|got|those|these|the|first|last"
    r"|next|previous|his|her|its|my|every|remove|drop|delete|cut|by|than|says?|said|another|add|gave)\s*$",
    re.IGNORECASE,
)
_COMPLAINT = re.compile(
    rf"\b(?:{BELOW})\s+(\d{{1,4}})\b(?!\s*(?:sentence|line|character|letter|item|point))", re.I
)
_WANTING = re.compile(r"\b(?:at least|no fewer than|a minimum of)\s+(\d{1,4})\b", re.IGNORECASE)
_REFORM = re.compile(r"\bmake it (\d{1,3}) lines?\b", re.IGNORECASE)
_CONDITION = re.compile(r"\b(?:if|unless|when|whenever|until|once|whether|otherwise)\b", re.IGNORECASE)
_JSON = re.compile(r"\bjson\b", re.IGNORECASE)
_NO_JSON = re.compile(r"\b(?:no|not|without|never|instead of)\s+(?:\w+\s+){0,2}json\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a reply must measure; None where nothing is asked.

    ``words_exact`` and ``sentences`` are met exactly, the others as their names say.
    """

    words_max: int | None = None
    words_min: int | None = None
    words_exact: int | None = None
    sentences: int | None = None
    lines: int | None = None
    characters: int | None = None
    items: int | None = None
    more: bool = False
    json: bool = False
    case: str = ""

    @classmethod
    def read(cls, text: str) -> Limits:
        """Read the limits that an instruction sets for the reply.

        >>> limits = Limits.read("Write four short lines. At most 20 words.")
        >>> limits.lines, limits.words_max
        (4, 20)
        """
        found = cls()
        for sentence in sentences(unquoted(text)):
            if not _CONDITION.search(sentence):
                found = found.then(cls._one(sentence))
        return found

    @classmethod
    def complaint(cls, text: str) -> Limits:
        """Read what another agent's remark on a text asks of the next one: words and lines."""
        bare = unquoted(text)
        most, least, lines = (pattern.search(bare) for pattern in (_COMPLAINT, _WANTING, _REFORM))
        words = "word" in text.lower()
        return cls(
            words_max=max(int(most[1]), 1) if most and words else None,
            words_min=int(least[1]) if least and words else None,
            lines=max(int(lines[1]), 1) if lines else None,
        )

    @classmethod
    def _one(cls, sentence: str) -> Limits:
        limits = cls(json=bool(_JSON.search(sentence)) and not _NO_JSON.search(sentence))
        lowered = sentence.lower()
        if re.search(r"\b(?:upper[- ]?case|capitals|capital letters|all caps)\b", lowered):
            limits = replace(limits, case="upper")
        elif re.search(r"\b(?:lower[- ]?case|small letters)\b", lowered):
            limits = replace(limits, case="lower")
        if re.search(r"\bone[- ]liner\b", lowered):
            limits = replace(limits, lines=1)
        for found in _AMOUNT.finditer(sentence):
            count = number(found["n"].lower().removeprefix("a ").strip())
            if count is None or not _allowed(sentence, found):
                continue
            limits = limits._with(found["unit"].lower(), count, found)
        return limits

    def _with(self, unit: str, count: int, found: re.Match[str]) -> Limits:
        below, after = (found["below"] or "").lower(), (found["after"] or "").lower().strip()
        most = bool(below) or after in {"or fewer", "or less", "at most", "max", "maximum", "limit"}
        least = bool(found["above"]) or after in {"or more", "at least"}
        if below in _STRICT:
            count -= 1
        if (found["above"] or "").lower() in {"more than", "over", "longer than"}:
            count += 1
        if unit.startswith("word"):
            count = max(count, 1)
            if most:
                return replace(self, words_max=count)
            return replace(self, words_min=count) if least else replace(self, words_exact=count)
        if unit.startswith("sentence"):
            return replace(self, sentences=max(count, 1))
        if unit.startswith(("line", "verse")):
            more = self.more or bool(re.search(r"\bmore\b", found[0], re.IGNORECASE))
            return replace(self, lines=max(count, 1), more=more)
        if unit.startswith("char"):
            return replace(self, characters=max(count, 1))
        return replace(self, items=max(count, 1))

    def then(self, later: Limits) -> Limits:
        """Return these limits with later ones on top; of two upper limits on words the lower stays."""
        merged = self
        if later.words_max and self.words_max and not later.words_exact:
            merged = replace(merged, words_max=min(self.words_max, later.words_max))
        elif later.words_exact or later.words_max:
            merged = replace(merged, words_max=later.words_max, words_exact=later.words_exact)
        if later.words_min:
            merged = replace(merged, words_min=later.words_min, words_exact=later.words_exact)
        if later.sentences or later.lines or later.items:
            merged = replace(merged, sentences=later.sentences, lines=later.lines, items=later.items)
        return replace(
            merged,
            characters=later.characters or self.characters,
            more=later.more,
            json=later.json or self.json,
            case=later.case or self.case,
        )

    @property
    def word_room(self) -> int | None:
        """Return how many words a reply may have at most, or None."""
        given = [count for count in (self.words_exact, self.words_max) if count is not None]
        return min(given) if given else None


def _allowed(sentence: str, found: re.Match[str]) -> bool:
    if found["n"].lower() in {"a", "an"} and not found["unit"].lower().startswith(("sentence", "line")):
        return False
    if found["below"] or found["above"] or found["after"]:
        return True
    return not _NOT_A_LIMIT.search(sentence[: found.start()])
