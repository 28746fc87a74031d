"""Counting words, letters, lines and occurrences in a text that is given or was said."""

from __future__ import annotations

import re

from ._scene import Scene
from ._text import count_words, operand, plural, quote, quoted, sentences

__all__ = ["counting"]

_UNIT = r"(words?|letters?|characters?|lines?|sentences?|vowels?|digits?|messages?|commas?)"
_ASKED = re.compile(rf"\b(?:how many|count(?: the)?(?: number of)?|number of)\s+{_UNIT}\b", re.IGNORECASE)
_LETTER = re.compile(
    r"\bhow (?:many|often)\s+(?:times\s+)?(?:does\s+)?(?:the\s+)?(?:letters?\s+)?[\"'“]?([a-z])[\"'”]?"
    r"(?:['’]?s)?\s+(?:are\s+(?:there\s+)?in|is\s+in|in|does|occur|appear)\b"
    r".*?[\"'“]?([\w-]+)[\"'”]?\s*\??\s*$",
    re.IGNORECASE,
)
_TIMES = re.compile(
    r"\bhow (?:often|many times)\s+(?:does|is|did)\s+(?:the word\s+)?[\"'“]?([\w' -]+?)[\"'”]?\s+"
    r"(?:appear|occur|used|come|said|written)",
    re.IGNORECASE,
)


def counting(scene: Scene) -> list[str] | None:
    """Answer a question on a number of words, letters and so on; None where none is asked."""
    text = scene.request
    letter = _LETTER.search(text)
    if letter and len(letter[2]) > 1:
        return _letter(letter[1], letter[2])
    times = _TIMES.search(text)
    if times:
        where, named = _where(scene, text[times.end() :] or text)
        if where is None:
            return None
        wanted = re.escape(times[1].strip())
        found = len(re.findall(rf"(?<!\w){wanted}(?!\w)", where, re.IGNORECASE))
        return [f"{quote(times[1])} comes {plural(found, 'time')} in {named}.", str(found)]
    asked = _ASKED.search(text)
    if not asked:
        return None
    unit = asked[1].lower().rstrip("s")
    if unit == "message":
        count = len([turn for turn in scene.talk.turns if turn.role != "system"])
        return [f"{plural(count, 'message')} so far, this one included.", str(count)]
    where, named = _where(scene, text[asked.end() :])
    if where is None:
        return None
    count = _count(unit, where)
    return [f"{plural(count, unit)} in {named}.", str(count)]


def _letter(letter: str, word: str) -> list[str]:
    count = word.lower().count(letter.lower())
    spelled = "-".join(word)
    return [f"{plural(count, 'letter')} “{letter}” in “{word}”: {spelled}.", str(count)]


def _count(unit: str, text: str) -> int:
    match unit:
        case "word":
            return count_words(text)
        case "letter":
            return sum(char.isalpha() for char in text)
        case "digit":
            return sum(char.isdigit() for char in text)
        case "vowel":
            return sum(char in "aeiouAEIOU" for char in text)
        case "comma":
            return text.count(",")
        case "line":
            return sum(1 for line in text.splitlines() if line.strip())
        case "sentence":
            return len(sentences(text))
        case _:
            return len(text)


def _where(scene: Scene, rest: str) -> tuple[str | None, str]:
    # The text is given in the request, or it is a single word, or somebody said it before.
    given = operand(rest) or operand(scene.request) or next(iter(quoted(rest)), None)
    if given:
        return given, quote(given, 8)
    turn = scene.meant(rest)
    if turn is not None and re.search(
        rf"\b(?:{re.escape(turn.name or 'you')}|that|this|it|message|text|poem|draft|last|previous|i|my)\b",
        rest,
        re.I,
    ):
        named = f"{turn.who}'s message" if turn.name else "that message"
        return turn.text, f"{named} {quote(turn.text, 6)}"
    single = re.search(
        r"\b(?:in|of|has|have|does)\s+(?:the (?:word|phrase|sentence|text)\s+)?(.+?)\s*\??\s*$", rest, re.I
    )
    if single:
        return single[1], quote(single[1], 8)
    return (turn.text, f"{turn.who}'s message {quote(turn.text, 6)}") if turn is not None else (None, "")
