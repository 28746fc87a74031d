"""Words, as an index has them: of texts, and of what is looked for. Chinese and Japanese by signs."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

__all__ = ["asked", "spaced", "words_of"]

WORDS = 32
"""Words of a question that are looked for."""
_SIGN = r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
_SIGNS = re.compile(_SIGN)
_WORD = re.compile(rf"{_SIGN}+|(?:(?!{_SIGN})\w)+")
# They are in every text, find nothing, and cost the most.
_EMPTY = frozenset(
    re.findall(
        r"\w+",
        """
        a an and are as at be but by can could did do does for from had has have he her his how i if in into
        is it its me my no not of on or our she so that the their them there they this to was we were what
        when where which who whom whose why will with would you your
        """,
    )
)


def spaced(text: str) -> str:
    """Return a text whose signs stand apart, so that each is a word.

    >>> spaced("rain 下雨")
    'rain  下  雨 '
    """
    return _SIGNS.sub(r" \g<0> ", text)


def words_of(query: str) -> list[str]:
    """Return the words of a question that tell something, each as it is looked for.

    >>> words_of("Where is the RAIN? 下雨天")
    ['rain', '下 雨', '雨 天']
    """
    words = list(dict.fromkeys(found[0].lower() for found in _WORD.finditer(query)))
    telling = [word for word in words if word not in _EMPTY] or words
    made: list[str] = []
    for word in telling[:WORDS]:
        made += [f"{a} {b}" for a, b in itertools.pairwise(word)] or [word] if _SIGNS.match(word) else [word]
    return made[: 2 * WORDS]


def asked(words: Sequence[str]) -> str:
    """Return what finds any of these words, in FTS5's language; in it they are data.

    >>> asked(["rain", "near"])
    '"rain" OR "near"'
    """
    return " OR ".join(f'"{word}"' for word in words)
