"""Words, sentences and quotations: the plain text work that every rule shares.

A word is what a reader would count: a run without blanks that holds a letter or a digit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

__all__ = [
    "STOP_WORDS",
    "clip",
    "count_words",
    "gist",
    "items",
    "join",
    "lower_first",
    "number",
    "operand",
    "plural",
    "quote",
    "quoted",
    "sentences",
    "unquoted",
    "upper_first",
    "words",
]

_STOPS = """
    a about after all also an and any are as at be been before but by can could did do does each for
    from had has have he her his how i if in into is it its just me more most my no not of on one or our
    out own please she should so some such than that the their them then there these they this those to
    too up us was we were what when where which who why will with would you your
"""
_COUNTS = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen twenty
"""
STOP_WORDS = frozenset(_STOPS.split())
NUMBER_WORDS = {name: value for value, name in enumerate(_COUNTS.split())}
NUMBER_WORDS |= {"a": 1, "an": 1, "single": 1, "dozen": 12, "thirty": 30, "forty": 40, "fifty": 50}
NUMBER_WORDS |= {"sixty": 60, "hundred": 100}

_BREAK = re.compile(r"(?<=[.!?][”\"’)])\s+|(?<=[.!?])\s+|(?<=[。！？])\s*")
_QUOTED = re.compile(r"“([^“”]*)”|\"([^\"]*)\"|(?<!\w)'([^'\n]+)'(?!\w)|‘([^‘’]*)’|`([^`]*)`|«([^«»]*)»")


def words(text: str) -> list[str]:
    """Return the words of ``text`` in order, punctuation still attached.

    >>> words("Rain, at dawn - and rain.")
    ['Rain,', 'at', 'dawn', 'and', 'rain.']
    """
    return [token for token in text.split() if any(char.isalnum() for char in token)]


def count_words(text: str) -> int:
    """Count the words of ``text``."""
    return len(words(text))


def sentences(text: str) -> list[str]:
    """Split ``text`` into sentences; a line break alone ends none.

    >>> sentences("It costs 3.5 today. Why? “So.” Yes")
    ['It costs 3.5 today.', 'Why?', '“So.”', 'Yes']
    """
    return [part for part in (piece.strip() for piece in _BREAK.split(" ".join(text.split()))) if part]


def number(text: str) -> int | None:
    """Return the whole number that a digit string or an English word names, else None."""
    if text.isascii() and text.isdigit():
        return int(text[:9])
    return NUMBER_WORDS.get(text.lower())


def plural(count: int, noun: str) -> str:
    """Return ``count`` with its noun.

    >>> plural(1, "word"), plural(3, "reply"), plural(2, "word")
    ('1 word', '3 replies', '2 words')
    """
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun[:-1]}ies" if noun.endswith("ply") else f"{count} {noun}s"


def join(parts: Sequence[str]) -> str:
    """Join names or items as a sentence does.

    >>> join(["a", "b", "c"])
    'a, b and c'
    """
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1] if parts else ""


def upper_first(text: str) -> str:
    """Return ``text`` with a capital first letter."""
    return text[:1].upper() + text[1:]


def lower_first(text: str) -> str:
    """Return ``text`` with a small first letter, unless its first word is a name, "I" or capitals."""
    head = text.split(maxsplit=1)[0] if text.split() else ""
    if head.startswith("I'") or head == "I" or any(char.isupper() for char in head[1:]):
        return text
    return text[:1].lower() + text[1:]


def clip(text: str, limit: int = 12) -> str:
    """Return the first ``limit`` words of ``text`` on one line, its lines joined by semicolons."""
    flat = "; ".join(line.strip(" ;,") for line in text.splitlines() if line.strip())
    tokens = flat.split()
    kept: list[str] = []
    for token in tokens:
        if count_words(" ".join(kept)) >= limit or len(" ".join(kept)) > 12 * limit:
            break
        kept.append(token)
    while kept and not kept[-1].strip("/-–—"):
        kept.pop()
    short = " ".join(kept)[: 16 * limit].rstrip(".,;:!?。 ")
    return short if len(kept) == len(tokens) else f"{short}…"


def quote(text: str, limit: int = 12) -> str:
    """Return a short quotation of ``text`` in curly marks, inner marks made single."""
    inner = clip(text, limit).replace("“", "‘").replace("”", "’").replace('"', "'")
    return f"“{inner}”"


def gist(text: str, limit: int = 12) -> str:
    """Return what a turn adds: brackets, quotations and the introduction up to a colon are dropped.

    >>> gist("Building on bob (“bring tea”), I add: fix the day of the picnic first.")
    'fix the day of the picnic first'
    """
    bare = re.sub(r"^[\w-]+ (?:says|said) “[^“”]*”[;,.]\s*", "", re.sub(r"\([^()]*\)", " ", text.strip()))
    bare = re.sub(r"\s+([,.;:])", r"\1", re.sub(r"[ \t]+", " ", bare))
    first = (sentences(bare) or [text])[0] if "\n" not in bare.strip() else bare
    tail = first.rsplit(": ", 1)[-1] if "\n" not in first else first
    return clip(tail if count_words(tail) > 1 else first, limit) or clip(text, limit)


def quoted(text: str) -> list[str]:
    """Return what stands between quotation marks, in order.

    >>> quoted("Cut “a b” and 'c'; don't touch 'd e'.")
    ['a b', 'c', 'd e']
    """
    return [next(group for group in found if group) for found in _QUOTED.findall(text) if any(found)]


def unquoted(text: str) -> str:
    """Return ``text`` with every quotation of more than one word taken out."""
    return _QUOTED.sub(lambda found: found[0] if count_words(found[0]) < 2 else " ", text)


def operand(request: str) -> str | None:
    """Return the text that a request carries with it: the longest quotation, or what follows a colon.

    >>> operand("Count the words in: to be or not to be")
    'to be or not to be'
    """
    inside = quoted(request)
    if inside and count_words(max(inside, key=len)) > 0:
        return max(inside, key=len)
    found = re.search(r":\s+(\S.*)\Z|:\s*\n(.*)\Z", request, re.DOTALL)
    return (found[1] or found[2]).strip() or None if found else None


def items(text: str) -> list[str]:
    """Split a list written in one line or in several; numbering and bullets are dropped.

    >>> items("pear, apple and fig.")
    ['pear', 'apple', 'fig']
    """
    if text.count("\n") or ";" in text:
        parts: Iterable[str] = re.split(r"[\n;]", text)
    elif "," in text:
        parts = re.split(r",\s*(?:and |or )?|\s+(?:and|or)\s+", text)
    else:
        parts = re.split(r"\s+(?:and|or)\s+", text)
        if len(re.split(r"\s+(?:and|or)\s+", text)) < 2:
            parts = text.split()
    cleaned = (re.sub(r"^\s*(?:[-*•]|\d+[.)])\s+", "", part).strip(" .!?“”\"'") for part in parts)
    return [part for part in cleaned if part]
