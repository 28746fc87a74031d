"""Bringing a reply to its measure.

A rule offers drafts, fullest first. The first that meets the limits is taken; only if none does
is one cut or filled up, so that what is said stays a sentence where it can.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from ._limits import Limits
from ._text import STOP_WORDS, count_words, sentences, words

__all__ = ["fit"]

_TAILS = {1: "plainly", 2: "by rule", 3: "by rule only", 4: "as my rules say", 5: "as my few rules say"}
_FILLERS = (
    "I follow a few fixed rules.",
    "The same messages give the same words again.",
    "No language model was asked.",
    "A real model would answer freely here.",
    "Nothing more follows from my rules.",
)


def fit(drafts: Sequence[str], limits: Limits) -> str:
    """Return the fullest draft that meets the limits, cut or filled only where none does."""
    if limits.sentences is not None:
        drafts = [draft for draft in drafts if len(sentences(draft)) == limits.sentences] or drafts
    shaped = [_shape(draft.strip(), limits) for draft in drafts if draft.strip()]
    if not shaped:
        return ""
    room = limits.word_room
    fitting = [text for text in shaped if room is None or count_words(text) <= room]
    fitting = [text for text in fitting if limits.characters is None or len(text) <= limits.characters]
    text = fitting[0] if fitting else shaped[-1]
    if room is not None and count_words(text) > room:
        text = _cut(text, room)
    least = limits.words_exact or limits.words_min
    if least and count_words(text) < min(least, 2000):
        text = _fill(text, min(least, 2000), limits)
    if limits.characters is not None and len(text) > limits.characters:
        text = _cut_characters(text, limits.characters)
    return {"upper": text.upper(), "lower": text.lower()}.get(limits.case, text)


def _shape(text: str, limits: Limits) -> str:
    if limits.sentences is not None:
        parts = sentences(text)
        if len(parts) > limits.sentences:
            text = " ".join(parts[: limits.sentences])
        while len(sentences(text)) < min(limits.sentences, 50):
            text = f"{text} {_FILLERS[len(sentences(text)) % len(_FILLERS)]}"
    elif limits.items is not None:
        text = _as_items(text, limits.items)
    elif limits.lines is not None and len(text.splitlines()) != limits.lines:
        text = _as_lines(text, limits.lines)
    return text


def _as_items(text: str, count: int) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 1:
        return "\n".join(lines[:count])
    parts = sentences(text)[:count]
    while len(parts) < min(count, 50):
        parts.append(_FILLERS[len(parts) % len(_FILLERS)])
    return "\n".join(f"- {part}" for part in parts)


def _as_lines(text: str, count: int) -> str:
    parts = sentences(text)
    if len(parts) == count:
        return "\n".join(parts)
    tokens = text.split()
    count = min(count, len(tokens))
    bounds = [round(index * len(tokens) / count) for index in range(count + 1)]
    return "\n".join(" ".join(tokens[start:end]) for start, end in pairwise(bounds))


def _cut(text: str, room: int) -> str:
    kept: list[str] = []
    left = room
    for line in text.splitlines():
        tokens: list[str] = []
        for token in line.split():
            if words(token):
                if not left:
                    break
                left -= 1
            tokens.append(token)
        if tokens:
            kept.append(" ".join(tokens))
        if not left:
            break
    cut = "\n".join(kept)
    while count_words(cut) > 1 and words(cut)[-1].lower().strip(".,;:") in STOP_WORDS:
        shorter = cut.rsplit(None, 1)[0]
        if count_words(shorter) == count_words(cut):
            break
        cut = shorter
    return _close(cut)


def _cut_characters(text: str, room: int) -> str:
    cut = text[:room]
    if len(text) > room and not text[room : room + 1].isspace() and " " in cut:
        cut = cut.rsplit(" ", 1)[0]
    return _close(cut.rstrip())[:room]


def _close(text: str) -> str:
    text = text.rstrip(" ,;:-–—/")
    for opening, closing in ("“”", "‘’", "()"):
        if text.count(opening) > text.count(closing):
            text += closing
    return text if text.endswith((".", "!", "?", "…", "”", ")")) else text + "."


def _fill(text: str, wanted: int, limits: Limits) -> str:
    missing = wanted - count_words(text)
    exact = limits.words_exact is not None
    loose = limits.sentences is None and limits.lines is None
    turn = 0
    while loose and missing > 5:
        filler = _FILLERS[turn % len(_FILLERS)]
        size = count_words(filler)
        if exact and size > missing:
            break
        text, missing, turn = f"{text} {filler}", missing - size, turn + 1
    while missing > 0:
        size = min(missing, 5)
        ending = text[-1] if text[-1:] in ".!?" else ""
        text = f"{text.rstrip('.!?')}, {_TAILS[size]}{ending}"
        missing -= size
    return text
