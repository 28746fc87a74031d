"""Putting a given list into order."""

from __future__ import annotations

import re
from fractions import Fraction

from ._scene import Scene
from ._text import items, operand

__all__ = ["ordering"]

_ASKED = re.compile(r"^(?:please\s+)?(sort|order|rank|alphabeti[sz]e|reverse)\b\s*", re.IGNORECASE)
_WAY = re.compile(
    r"\b(?:the|these|this|following|words?|numbers?|names?|items?|list|of|alphabetically|numerically"
    r"|ascending|descending|in|reversed?|order|alphabetical|by length"
    r"|from (?:large|big|high|small|low)\w* to (?:large|big|high|small|low)\w*)\b",
    re.IGNORECASE,
)
_DOWN = re.compile(
    r"\b(?:descending|reversed?|from (?:large|big|high)\w* to|largest first|z to a)\b", re.IGNORECASE
)


def ordering(scene: Scene) -> list[str] | None:
    """Sort or reverse the list that the request carries; None where none is asked."""
    text = scene.request
    asked = _ASKED.match(text)
    if not asked:
        return None
    given = operand(text)
    rest = text[asked.end() :]
    if given is None:
        given = " ".join(_WAY.sub(" ", rest).split()).lstrip(":, ")
    listed = items(given)
    if len(listed) < 2:
        return None
    way = text.replace(given, " ")
    if asked[1].lower() == "reverse":
        done = listed[::-1]
    elif "length" in way.lower():
        done = sorted(listed, key=lambda one: (len(one), one.lower()), reverse=bool(_DOWN.search(way)))
    elif all(re.fullmatch(r"-?\d+(?:\.\d+)?", one) for one in listed):
        done = sorted(listed, key=Fraction, reverse=bool(_DOWN.search(way)))
    else:
        done = sorted(listed, key=str.lower, reverse=bool(_DOWN.search(way)))
    return ["\n".join(done) if "\n" in given else ", ".join(done)]
