"""`read_json`: JSON as models write it: prose around it, and the usual slips inside.

Mended are: other quotes than double ones, quotes inside a text, raw newlines in a text, Python's and other
spellings of true, false and null, keys without quotes, commas too many or missing between lines, comments,
and closing brackets that are missing at the end. A text that breaks off is not mended, since nobody knows
how it would have gone on. Every answer is read in linear time.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

__all__ = ["read_json", "read_whole"]

ATTEMPTS = 20
"""How many brackets in the prose of an answer are tried."""
DEPTH = 100
_GAP = re.compile(r"(?:\s+|//[^\n]*|#[^\n]*|/\*.*?\*/|\ufeff)*+", re.DOTALL)
_COMMAS = re.compile(r"(?:[\s,]+|//[^\n]*|#[^\n]*|/\*.*?\*/|\ufeff)*+", re.DOTALL)
_NUMBER = re.compile(r"[-+]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][-+]?[0-9]++)?")
_WORD = re.compile(r"[^\W\d][\w$-]*+|\$[\w$-]*+")
_WORDS = {"true": True, "false": False, "null": None, "none": None}
_PLAIN = {quote: re.compile(rf"[^\\{quote}]++") for quote in "\"'”’`"}
_CLOSING = {'"': '"', "'": "'", "“": "”", "‘": "’", "`": "`"}
_AFTER = re.compile(r"\s*+")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "\n": ""}
_CODE = re.compile(r"u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|U000?((?:10|0?[0-9a-fA-F])[0-9a-fA-F]{4})")


def read_json(text: str, kind: type = object) -> Any:
    r"""Return the first JSON of a type in a text; ``object`` is any type.

    >>> read_json("Sure! {'speak': 'It\\'s late', \"vote\": None,} Bye.")
    {'speak': "It's late", 'vote': None}

    Raises:
        ValueError: there is none; it says what is wrong, and where.
        TypeError: there is JSON, but of other types alone.
    """
    try:
        found = _strict(text.strip())
        if isinstance(found, kind):
            return found
        other: str | None = type(found).__name__
    except ValueError:
        other = None
    wrong: ValueError | None = None
    end = tried = 0
    for bracket in re.finditer(r"[{\[]", text):
        if bracket.start() < end:
            continue
        if tried == ATTEMPTS:
            break
        tried += 1
        reader = _Reader(text, bracket.start())
        try:
            found, end = reader.read()
        except ValueError as error:
            wrong = wrong or error
            if reader.meant:  # what is inside it is not the answer
                break
            continue
        if isinstance(found, kind):
            return found
        other = other or type(found).__name__
    if wrong is None and other is not None:
        raise TypeError(other)
    if not tried and kind is object and (word := text.strip().lower()) in _WORDS:
        return _WORDS[word]
    raise wrong or ValueError("there is no { or [ in it")


def read_whole(text: str) -> Any:
    """Return what a text stands for that is JSON from its beginning to its end.

    >>> read_whole("['Ann', 'Bob']"), read_whole("True")
    (['Ann', 'Bob'], True)

    Raises:
        ValueError: it is not.
    """
    try:
        return _strict(text)
    except ValueError:
        reader = _Reader(text, 0)
        found, end = reader.read()
        if text[end:].strip():
            raise
        return found


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _refuse(text[:40])


_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite, strict=False)


def _strict(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


class _Reader:
    """Reads one value. ``meant`` is whether it has seen a key and a colon, or a value of a list."""

    def __init__(self, text: str, at: int) -> None:
        self.text, self.at, self.start, self.meant = text, at, at, False

    def read(self) -> tuple[Any, int]:
        try:
            return _DECODER.raw_decode(self.text, self.at)
        except (ValueError, RecursionError):
            return self._value(0), self.at

    def _value(self, depth: int) -> Any:
        self._skip(_GAP)
        char = self._char()
        if char in _CLOSING:
            return self._string()
        if char in ("{", "["):
            if depth == DEPTH:
                raise self._wrong("it is nested too deep")
            self.at += 1
            return self._object(depth + 1) if char == "{" else self._list(depth + 1)
        number = _NUMBER.match(self.text, self.at)
        if number is not None:
            self.at = number.end()
            try:
                return int(number[0])
            except ValueError:
                return _finite(number[0])
        word = _WORD.match(self.text, self.at)
        if word is not None and word[0].lower() in _WORDS:
            self.at = word.end()
            return _WORDS[word[0].lower()]
        raise self._wrong("a value is missing" if word is None else f"{word[0][:40]} wants quotes")

    def _object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not self._closes("}"):
            key = self._key()
            self._skip(_GAP)
            if self._char() != ":":
                raise self._wrong("a colon is missing after a key")
            self.at += 1
            self.meant = True
            found[key] = self._value(depth)
            self._next("}")
        return found

    def _list(self, depth: int) -> list[Any]:
        found: list[Any] = []
        while not self._closes("]"):
            found.append(self._value(depth))
            self.meant = True
            self._next("]")
        return found

    def _closes(self, bracket: str) -> bool:
        self._skip(_COMMAS)
        if self._char() not in (bracket, ""):
            return False
        self.at += 1
        return True

    def _next(self, bracket: str) -> None:
        """See that another member may follow, or the end."""
        self._skip(_GAP)
        if self._char() not in (",", bracket, "", *_CLOSING):
            raise self._wrong(f"a comma or {bracket} is missing")

    def _key(self) -> str:
        if self._char() in _CLOSING:
            return self._string()
        word = _WORD.match(self.text, self.at) or _NUMBER.match(self.text, self.at)
        if word is None:
            raise self._wrong("a key is missing")
        self.at = word.end()
        return word[0]

    def _string(self) -> str:
        text, quote = self.text, _CLOSING[self.text[self.at]]
        begin = self.at + 1
        if text.startswith('"""', self.at) and (end := text.find('"""', self.at + 3)) > 0:
            self.at = end + 3
            return text[begin + 2 : end]
        parts: list[str] = []
        self.at += 1
        while True:
            plain = _PLAIN[quote].match(text, self.at)
            if plain is not None:
                parts.append(plain[0])
                self.at = plain.end()
            char = self._char()
            if char == "\\":
                parts.append(self._escape())
            elif char == "":
                self.at = begin - 1
                raise self._wrong("a text has no end")
            else:
                self.at += 1
                if self._ends_here():
                    break
                parts.append(char)
        # Two halves of a character that were escaped one by one.
        return "".join(parts).encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def _ends_here(self) -> bool:
        """Does the quote just read end its text? One in the middle of a sentence does not."""
        gap = _AFTER.match(self.text, self.at)
        assert gap is not None
        follows = self.text[gap.end() : gap.end() + 1]
        return follows in (",", ":", "}", "]", "") or (follows in _CLOSING and "\n" in gap[0])

    def _escape(self) -> str:
        char = self.text[self.at + 1 : self.at + 2]
        code = _CODE.match(self.text, self.at + 1)
        if code is not None:
            self.at = code.end()
            return chr(int(code[code.lastindex or 0], 16))
        self.at += 2
        if char in _ESCAPES:
            return _ESCAPES[char]
        return char if char in ("", "\\", "/", *_CLOSING, *_CLOSING.values()) else "\\" + char

    def _skip(self, gap: re.Pattern[str]) -> None:
        found = gap.match(self.text, self.at)
        assert found is not None
        self.at = found.end()

    def _char(self) -> str:
        return self.text[self.at : self.at + 1]

    def _wrong(self, what: str) -> ValueError:
        line = self.text.count("\n", self.start, self.at) + 1
        column = self.at - max(self.text.rfind("\n", 0, self.at), self.start - 1)
        near = " ".join(self.text[self.at : self.at + 30].split())
        return ValueError(f"line {line}, column {column}: {what}" + (f" before {near!r}" if near else ""))
