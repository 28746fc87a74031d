"""Read the options of a line by the table, and leave the other words to the grammar.

Knows no magic's meaning. A value that would be wrong everywhere (a count of 0, a variable that is
no name) is refused here; one that is wrong for an agent or a server is theirs to refuse.
"""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from ..exceptions import UsageError
from ._condition import ends_condition, take_condition
from ._faults import closest, unavailable
from ._names import is_name, normal
from ._options import Option, find_option, options_of
from ._specs import CommonOptions
from ._words import Word, attached, split

__all__ = ["Fill", "Settings", "common", "read_settings"]

Fill = Callable[[str], str]
"""What is done to each word of a line after the line was split: fill in ``{names}``, for one."""

_CLASS = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


@dataclass(slots=True)
class Settings:
    """The options of one line by key, the words that are no options, and those after each option."""

    values: dict[str, Any] = field(default_factory=dict)
    words: list[Word] = field(default_factory=list)
    fill: Fill = str

    def text(self, word: Word) -> str:
        """Return a word's text, filled in."""
        return self.fill(word.text)


def read_settings(
    magic: str, line: str, *, words: Sequence[Word] | None = None, fill: Fill | None = None
) -> Settings:
    """Read ``line``, or only ``words`` of it.

    ``fill`` is applied to the values of options, unless ``--raw`` is among them. What it returns
    is never split again: a value with blanks or quotes stays one word. Conditions are never filled.

    Raises:
        UsageError: An option is unknown, given twice, without its value, or of a later version.
    """
    words = split(line, magic) if words is None else words
    raw = any(word.is_option and word.text == "--raw" for word in words)
    settings = Settings(fill=str if raw or fill is None else fill)
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if not word.is_option:
            settings.words.append(word)
            continue
        option = _option(magic, word)
        value: list[Word] = []
        if "=" in word.text:
            given = attached(line, word, magic)
            value = [given] if given else []
            if not option.takes_value:
                raise UsageError(f"{magic}: {option.name} takes no value")
        elif option.takes_value and at < len(words) and not words[at].is_option:
            value, at = [words[at]], at + 1
        if option.kind == "names":
            while value and value[-1].text.endswith(",") and at < len(words) and not words[at].is_option:
                value, at = [*value, words[at]], at + 1
        if option.kind == "condition":
            while at < len(words) and not ends_condition(words[at], magic):
                value, at = [*value, words[at]], at + 1
        if option.key in settings.values:
            raise UsageError(f"{magic}: {option.name} is given twice")
        settings.values[option.key] = _value(magic, line, option, value, settings.fill)
    _check_tape(magic, settings.values)
    return settings


def common(values: dict[str, Any]) -> CommonOptions:
    """Return those of ``values`` that every run has."""
    return CommonOptions(
        **{each.name: values[each.name] for each in fields(CommonOptions) if each.name in values}
    )


def _check_tape(magic: str, values: dict[str, Any]) -> None:
    if values.get("record") and values.get("replay"):
        raise UsageError(f"{magic}: --record writes answers and --replay takes them from a file; give one")
    if values.get("overwrite") and not values.get("record"):
        raise UsageError(f"{magic}: --overwrite needs --record: -r FILE --overwrite")


def _option(magic: str, word: Word) -> Option:
    flag = word.text.partition("=")[0]
    option = find_option(magic, flag)
    if option is None:
        known = {each.name.lstrip("-"): each.name for each in options_of(magic)}
        guess = known.get(closest(flag.lstrip("-"), known), "") if flag.startswith("--") else ""
        meant = f" Did you mean {guess}?" if guess else ""
        raise UsageError(f"{magic}: no option {flag}.{meant}   All of them: {magic}?")
    if not option.available:
        raise unavailable(magic, option.name)
    return option


def _value(magic: str, line: str, option: Option, words: list[Word], fill: Fill) -> Any:
    if option.kind == "flag":
        return True
    if option.kind == "condition":
        return take_condition(line, words, magic)
    if not words:
        raise UsageError(f"{magic}: {option.name} needs a value: {option.name} {option.value}")
    text = fill(words[0].text)
    match option.kind:
        case "text":
            return text
        case "choice":
            return _choice(magic, option, text)
        case "class":
            named = _CLASS.fullmatch(text) and ("." in text or text[0].isupper())
            return text if named else _choice(magic, option, text)
        case "names":
            return _names(magic, option, " ".join(fill(word.text) for word in words))
        case "name":
            if _CLASS.fullmatch(text):
                return normal(text)
            raise UsageError(f"{magic}: {option.name} needs the name of a variable, not {text!r}")
        case "variable":
            if normal(text).isidentifier() and not keyword.iskeyword(text):
                return normal(text)
            raise UsageError(f"{magic}: {option.name} needs the name of a variable, not {text!r}")
        case kind:
            return _number(magic, option, kind, text)


def _names(magic: str, option: Option, text: str) -> tuple[str, ...]:
    names = [name for name in text.replace(",", " ").split() if name]
    odd = next((name for name in names if not is_name(name)), None if names else text)
    if odd is not None:
        raise UsageError(f"{magic}: {option.name} needs names, {option.value}, not {odd!r}")
    return tuple(dict.fromkeys(map(normal, names)))


def _choice(magic: str, option: Option, text: str) -> str:
    if text not in option.choices:
        guess = closest(text, option.choices)
        meant = f" Did you mean {guess}?" if guess else ""
        raise UsageError(f"{magic}: {option.name} takes {option.value}, not {text!r}.{meant}")
    return text


def _number(magic: str, option: Option, kind: str, text: str) -> int | float:
    needed = {
        "count": "a whole number, at least 1",
        "integer": "a whole number",
        "seconds": "a number of seconds above 0",
        "number": "a number, at least 0",
        "dollars": "a number of dollars above 0",
    }[kind]
    try:
        if kind in ("count", "integer"):
            number: int | float = int(text)
            fine = kind == "integer" or number >= 1
        else:
            number = float(text.removeprefix("$") if kind == "dollars" else text)
            fine = math.isfinite(number) and (number >= 0 if kind == "number" else number > 0)
    except ValueError:
        fine = False
    if not fine:
        raise UsageError(f"{magic}: {option.name} needs {needed}, not {text!r}")
    return number
