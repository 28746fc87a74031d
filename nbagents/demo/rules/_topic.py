"""What a text is to be about, and what it must mention, as far as the words of a request tell."""

from __future__ import annotations

import re
from collections import Counter

from ._scene import core
from ._text import STOP_WORDS, words

__all__ = ["is_commission", "mentions", "topic", "trim"]

LONGEST_TOPIC = 4
"""Words of a topic that still sit well in a short line."""

_COMMISSION = re.compile(
    r"^(?:write|compose|create|draft|tell|make|give|describe|praise|sing|topic|about)\b"
    r"|\b(?:poem|haiku|verses?|ode|song|story|tale|rhyme|lines|text|paragraph|sentence|essay|slogan)\b"
    r"[^.?!]*\b(?:about|on|of|for|to|with)\b",
    re.IGNORECASE,
)
_TWEAK = re.compile(
    r"^(?:mention|include|add|replace|cut|remove|drop|delete|shorten|lengthen|make (?:it|them)|again|another"
    r"|(?:one|two) more|shorter|longer|continue|more|write (?:one|two|three|another|it|them) "
    r"|give me (?:one|another) )",
    re.IGNORECASE,
)
_MARKS = (
    r"\btopic\s*(?:is|:)\s*",
    r"\b(?:about|regarding|concerning)\s+",
    r"\bon the (?:topic|subject|theme) of\s+",
    r"\b(?:poem|haiku|verses?|ode|song|story|tale|rhymes?|lines|text|paragraph|sentences?|essay|slogan)\s+"
    r"(?:on|of|for|to)\s+",
    r"^(?:describe|praise|sing of|sing)\s+",
    "关于",
)
_MEASURED = (
    r"(?:(?:at\s+)?(?:most|least)|exactly|about|no|fewer|less|under|an?\s+(?:single\s+)?(?:sentence|line|word)"
    r"|\d+|one|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|upper|lower|capitals?|json)"
)
_END = re.compile(
    r"[,;:!?\n]|\.(?:\s|$)|\s[-–—]\s|的"
    rf"|\s(?:in|with|using|at|of|no more than|up to|within)\s+{_MEASURED}\b"
    r"|\s(?:at most|as json|mentioning|that (?:mentions|has|is)|which|please|using"
    r"|and (?:mention|include|add|use|make|keep|reply|do|please)|but (?:mention|include|use|do|not))\b",
    re.IGNORECASE,
)
_MENTION = re.compile(
    r"\b(?:mention(?:ing|s)?|includ(?:e|ing)|add|must (?:contain|have)|weave in)\s+"
    r"(?!(?:one|two|three|a|another|some|more|\d+)(?: more)? (?:lines?|words?|sentences?|verses?)\b)"
    r"(?:the words?\s+|a reference to\s+)?(.+)",
    re.IGNORECASE | re.DOTALL,
)


def is_commission(text: str) -> bool:
    """Does ``text`` order a new text, rather than a change to the one at hand?"""
    bare = core(text)
    return bool(_COMMISSION.search(bare)) and not _TWEAK.match(bare)


def topic(text: str) -> str:
    """Return what ``text`` wants written about, in its own words.

    >>> topic("Write four short lines about the old harbour, at most 20 words.")
    'the old harbour'
    """
    bare = core(text)
    for mark in _MARKS:
        found = re.search(mark, bare, re.IGNORECASE)
        if found:
            return trim(bare[found.end() :])
    if len(words(bare)) <= LONGEST_TOPIC + 1 and "\n" not in bare and not _COMMISSION.search(bare):
        return trim(bare)
    return _frequent(bare)


def mentions(text: str) -> list[str]:
    """Return what ``text`` wants mentioned.

    >>> mentions("Write about rain and mention the sea.")
    ['the sea']
    """
    found = _MENTION.search(core(text))
    if not found:
        return []
    parts = re.split(r"\s+and\s+(?!mention)", re.split(_END, found[1])[0])
    return [part for part in (trim(one) for one in parts[:3]) if part]


def trim(text: str) -> str:
    """Return the first few words of ``text`` that name one thing."""
    kept = _END.split(text.strip().strip("“”\"'‘’*"), maxsplit=1)[0].strip(" .!?“”\"'‘’*")
    tokens = kept.split()[:LONGEST_TOPIC]
    while len(tokens) > 1 and tokens[-1].lower() in STOP_WORDS:
        tokens.pop()
    return " ".join(tokens)[:80]


def _frequent(text: str) -> str:
    bare = [word.strip(".,;:!?“”\"'()").lower() for word in words(text)]
    counts = Counter(word for word in bare if len(word) > 3 and word not in STOP_WORDS)
    return counts.most_common(1)[0][0] if counts else (bare[-1] if bare else "")
