"""Find where the condition of an ``if`` or ``switch`` ends and the agents begin.

A condition in quotes is one word. Without quotes it is the shortest run of words that is a Python
expression and is followed by what can only be a step; a colon may end it, as in Python. It is
parsed, never run.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable

from ._names import is_name
from ._nodes import Value
from ._words import Reader, Word, in_quotes

__all__ = ["FORMS", "after_value", "begins_form", "condition_ahead", "has_forms", "is_open_form"]

FORMS = ("if", "switch")
_OPERATORS = frozenset({"in", "is", "and", "or", "not", "if", "else", "for", "async", "await", "lambda"})
_SOURCES = re.compile(r"(?<![\w@.])(?:if|elif|switch)(?=\s)")
_NUMBER = re.compile(r"[-+]?\d+(\.\d*)?|[-+]?\.\d+")
_TRUTHS = {"True": True, "False": False}


def has_forms(words: Iterable[Word]) -> bool:
    """Whether any of the words of a line may begin a form."""
    return any(not word.quoted and word.text.lstrip("(") in FORMS for word in words)


def begins_form(text: str) -> bool:
    """Whether the word ``switch`` that ``text`` follows begins a form, rather than being an agent."""
    return re.match(r"\s+[^\s\-→,)*]", text) is not None


def condition_ahead(text: str, magic: str, *, until: str = "") -> tuple[str, int] | None:
    """Return the source that begins ``text`` and where it ends, or None where no condition can be read.

    ``until`` is the word that must follow it; without it a step must.

    >>> condition_ahead("len(msg.content) > 3 editor else critic", "%%pipeline")
    ('len(msg.content) > 3', 20)
    >>> condition_ahead('"msg.metadata" case poem poet', "%%pipeline", until="case")
    ('msg.metadata', 14)
    """
    reader, first = Reader(text, magic), None
    while (word := reader.next()) is not None:
        first = first or word
        source = text[first.start : word.end]
        if source.endswith(":") and _is_expression(source[:-1]) and _follows(reader.rest, until or None):
            source = source[:-1]
        elif not (_is_expression(source) and _follows(reader.rest, until)):
            continue
        return (found, word.end) if (found := _bare(source, magic)) else None
    return None


def _bare(source: str, magic: str) -> str:
    """Return a condition without the quotes around all of it."""
    word = Reader(source, magic).next()
    return word.text.strip() if word is not None and word.whole and word.end == len(source) else source


def after_value(text: str, magic: str) -> tuple[Value, int] | None:
    """Return the value of a case that begins ``text`` and where it ends: a word, a number or a text.

    >>> after_value("poem: poet", "%%pipeline"), after_value("2 poet", "%%pipeline")
    (('poem', 5), (2, 1))
    """
    word = Reader(text, magic).next()
    return None if word is None else (_value(word, text), word.end)


def is_open_form(text: str, magic: str) -> bool:
    """Whether ``text``, the beginning of a line, ends within a condition."""
    found = [each for each in _SOURCES.finditer(text) if not in_quotes(text[: each.start()])]
    if not found:
        return False
    last = found[-1]
    rest = text[last.end() :]
    until = "case" if last.group() == "switch" else ""
    if last.group() == "switch" and not begins_form(rest):
        return False
    # What is being typed now may be a step: any will do to see whether the condition is complete.
    complete = rest if rest.rstrip() == rest and not rest.endswith("(") else f"{rest} {until or 'x'}"
    return condition_ahead(complete, magic, until=until) is None


def _value(word: Word, text: str) -> Value:
    raw = text[word.start : word.end]
    if not word.whole and raw.endswith(":") and len(raw) > 1:
        raw = raw[:-1]
    if word.quoted:
        return word.text.removesuffix("" if word.whole else ":")
    if _NUMBER.fullmatch(raw):
        return float(raw) if "." in raw else int(raw)
    return _TRUTHS.get(raw, raw)


def _follows(rest: str, until: str | None) -> bool:
    """Whether ``rest`` goes on with the word ``until``, or, for "", with a step; None: with anything."""
    rest = rest.lstrip()
    if until is None:
        return bool(rest)
    word = re.match(r"\w+", rest)
    if until:
        return word is not None and word[0] == until
    if word is None:
        return rest.startswith("(")
    return word[0] not in _OPERATORS and is_name(word[0])


def _is_expression(source: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of "is" with a literal: the cell itself will say so
            ast.parse(source, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
