"""Split a magic's line into words, with quotes as in a shell, and remember where each stood.

Knows nothing of options or agents. Nothing is expanded: no variables, no globs, no comments.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ._faults import misplaced

__all__ = ["Reader", "Word", "attached", "in_quotes", "split"]

_OPTION = re.compile(r"--?[A-Za-z]")
_QUOTES = "'\""


@dataclass(frozen=True, slots=True)
class Word:
    """One word: its text without quotes, and the span of the line it was written in.

    ``quoted`` says that it began with a quote: such a word is text, never an option.
    ``whole`` says that one pair of quotes encloses all of it.
    """

    text: str
    start: int
    end: int
    quoted: bool = False
    whole: bool = False

    @property
    def is_option(self) -> bool:
        """Whether the word has an option's form: ``-o``, ``--loop``, ``--loop=3``; not ``->`` or ``-1``."""
        return not self.quoted and _OPTION.match(self.text) is not None


class Reader:
    """Read words from a line one by one, so that the rest can still be taken as it is written."""

    def __init__(self, line: str, magic: str, at: int = 0) -> None:
        self._line = line
        self._magic = magic
        self._at = at

    @property
    def rest(self) -> str:
        """What has not been read yet, as written."""
        return self._line[self._at :]

    def next(self) -> Word | None:
        """Return the next word, or None at the line's end.

        Outside quotes a backslash shields a blank, a quote or a backslash; in double quotes a
        double quote or a backslash; everywhere else it stands for itself.

        Raises:
            UsageError: A quote is never closed.
        """
        line, at = self._line, self._at
        while at < len(line) and line[at].isspace():
            at += 1
        if at == len(line):
            self._at = at
            return None
        start, text, whole = at, "", False
        while at < len(line) and not line[at].isspace():
            if line[at] in _QUOTES:
                piece, after = self._quoted(at)
                whole = at == start and (after == len(line) or line[after].isspace())
            elif line[at] == "\\" and at + 1 < len(line) and line[at + 1] in " \t\\'\"":
                piece, after = line[at + 1], at + 2
            else:
                piece, after = line[at], at + 1
            text, at = text + piece, after
        self._at = at
        return Word(text, start, at, quoted=line[start] in _QUOTES, whole=whole)

    def _quoted(self, opening: int) -> tuple[str, int]:
        """Return the text between the quote at ``opening`` and its partner, and where it goes on."""
        line, quote = self._line, self._line[opening]
        text, at = "", opening + 1
        while at < len(line):
            if line[at] == quote:
                return text, at + 1
            if line[at] == "\\" and quote == '"' and line[at + 1 : at + 2] in ('"', "\\"):
                at += 1
            text, at = text + line[at], at + 1
        raise misplaced(self._magic, line.strip(), opening - _indent(line), f"this {quote} is never closed")


def attached(line: str, word: Word, magic: str) -> Word | None:
    """Return the value written in one with its option, as in ``--loop=3``, or None."""
    at = word.start + line[word.start : word.end].index("=") + 1
    value = Reader(line, magic, at).next()
    return value if value is not None and value.start < word.end else None


def split(line: str, magic: str) -> list[Word]:
    """Return all words of ``line``; ``magic`` is named in the error.

    >>> [word.text for word in split('a "b c" --output=d', "%%agents")]
    ['a', 'b c', '--output=d']
    """
    reader, words = Reader(line, magic), []
    while (word := reader.next()) is not None:
        words.append(word)
    return words


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def in_quotes(text: str) -> bool:
    """Whether a quote is still open at the end of ``text``."""
    opened = ""
    for each in text:
        if not opened and each in "'\"":
            opened = each
        elif each == opened:
            opened = ""
    return bool(opened)
