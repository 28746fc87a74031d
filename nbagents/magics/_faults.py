"""Word the complaints about a cell: whose it is, what is wrong, what to type instead.

Knows nothing of the grammar; every part of it words its errors here, so that they read alike.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Sequence

from ..exceptions import UsageError

__all__ = ["closest", "counted", "known_list", "misplaced", "ordinal", "unavailable"]

_SHOWN = 12
_COUNTED = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def misplaced(magic: str, excerpt: str, at: int, what: str, *, lead: str = "") -> UsageError:
    """Return the error that quotes ``excerpt``, says ``what`` and sets a caret under column ``at``.

    The caret stands right where the error is shown as ``UsageError: …``, as every front end does.
    """
    head = f"{magic}: {lead}“"
    column = _width(f"{UsageError.__name__}: {head}{excerpt[:at]}")
    return UsageError(f"{head}{excerpt}” — {what}\n{' ' * column}^")


def unavailable(magic: str, what: str) -> UsageError:
    """Return the error for a part of the grammar that this version does not bring."""
    return UsageError(f"{magic}: {what} is not available in this version")


def closest(word: str, known: Iterable[str]) -> str:
    """Return the entry of ``known`` that ``word`` was most likely meant to be, or ``""``."""
    by_folded = {each.casefold(): each for each in known}
    found = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[found[0]] if found else ""


def known_list(known: Sequence[str]) -> str:
    """Return the names in a row, the tail of a long row counted."""
    shown = ", ".join(known[:_SHOWN])
    return f"{shown} and {len(known) - _SHOWN} more" if len(known) > _SHOWN else shown


def counted(number: int) -> str:
    """Return a small number as a word.

    >>> counted(2), counted(40)
    ('two', '40')
    """
    return _COUNTED[number] if 0 <= number < len(_COUNTED) else str(number)


def ordinal(number: int) -> str:
    """Return the place in a row as a word; the first is 1.

    >>> ordinal(1), ordinal(12)
    ('first', '12th')
    """
    return _ORDINALS[number - 1] if 1 <= number <= len(_ORDINALS) else f"{number}th"


def _width(text: str) -> int:
    # A caret under a name in Chinese is off by one column for each character that takes two.
    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1
        for each in text
    )
