"""Say what could be typed next in a cell of ours: agents' names, options, commands, choices.

Knows no IPython and no agents; the caller brings the names and shows what comes back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ._branches import FORMS, is_open_form
from ._expression import SYNONYMS
from ._names import EVERYONE
from ._options import LINE, Option, find_option, options_of
from ._verbs import SERVER_ACTIONS, VERBS, verbs
from ._words import in_quotes

__all__ = ["candidates"]

_FIRST_LINE = re.compile(r"(?P<magic>%%(?:agent|agents|pipeline|msghub))[ \t]+(?P<rest>.*)", re.DOTALL)
_LINE = re.compile(r"\s*(?:[^\W\d]\w*\s*=\s*)?%agents[ \t]+(?P<rest>.*)", re.DOTALL)
_TURN = re.compile(r"(?:@[^\W\d]\w*[:,]?[ \t]+)*@(?P<part>\w*)")
_NAMES = {"show": True, "chat": True, "ask": False, "stop": True, "clear": True}
_CONFIG = ("model=", "budget=", "max_calls=", "approve=", "jupytext")


def candidates(
    text_before_cursor: str, names: Sequence[str], tools: Sequence[str] = ()
) -> tuple[str, list[str]] | None:
    """Return the fragment before the cursor and what it could become, or None where we have no say.

    ``names`` are the agents that exist, ``tools`` what agents may call. None means that Python's own
    completion is wanted: in the body of ``%%msghub``, in a condition, in plain text, in quotes, in cells that
    are not ours.

    >>> candidates("%%pipeline poet -> c", ["poet", "critic", "carol"])
    ('c', ['critic', 'carol'])
    >>> candidates("%%agents poet --ti", ["poet"])
    ('--ti', ['--timeout'])
    >>> candidates("%%agent calc --tools add,mu", [], ["add", "mul"])
    ('mu', ['mul'])
    >>> candidates("%agents ser", ["poet"])
    ('ser', ['server'])
    """
    lines = text_before_cursor.split("\n")
    at = next((n for n, line in enumerate(lines) if line.strip() and not line.startswith("#")), 0)
    first, last = _FIRST_LINE.fullmatch(lines[at]), lines[-1]
    if first is not None and at == len(lines) - 1:
        return _on_first_line(first["magic"], first["rest"], names, tools)
    if re.match(r"%%agents(\s|$)", lines[at]):
        turn = _TURN.fullmatch(last)
        return _starting(turn["part"], [*names, EVERYONE]) if turn else None
    if re.match(r"%%(agent|pipeline)(\s|$)", lines[at]):
        return None
    command = _LINE.fullmatch(last)
    return _on_command(command["rest"], names) if command else None


def _on_first_line(
    magic: str, rest: str, names: Sequence[str], tools: Sequence[str]
) -> tuple[str, list[str]] | None:
    words, fragment = _parted(rest)
    if (listed := _listed(magic, [*words, fragment])) is not None:
        *before, last = listed
        return _starting(last, [tool for tool in tools if tool not in before])
    if (found := _among_options(magic, options_of(magic), words, fragment)) is not None:
        return found
    if _in_value(magic, words) or in_quotes(rest):
        return None
    if magic == "%%pipeline":
        return None if is_open_form(rest, magic) else _in_expression(words, fragment, names)
    if magic == "%%agent":
        return _starting(fragment, names if not words else [])
    taken = {word.removeprefix("@") for word in words}
    everyone = [EVERYONE] if magic == "%%agents" and not words else []
    bare = fragment.removeprefix("@")
    return _starting(bare, [*(name for name in names if name not in taken), *everyone])


def _in_expression(words: list[str], fragment: str, names: Sequence[str]) -> tuple[str, list[str]]:
    part = re.search(r"\w*$", fragment)
    start = part[0] if part else ""
    before = words[-1] if words else ""
    begins = start == fragment.lstrip("(") and (not words or before in ("->", "→", "else") or "(" in fragment)
    forms = FORMS if begins else ()
    synonyms = SYNONYMS if begins and not words and start == fragment else ()
    ended = bool(words) and start == fragment and re.search(r"[\w)]$", before) is not None
    known = [word.lstrip("(") for word in words]
    after: list[str] = []
    if ended and "if" in known and before not in ("else", "if", "elif"):
        after += ["else", "elif"]
    if ended and "switch" in known and before not in ("else", "case", "switch"):
        after += ["case", "else"]
    return _starting(start, [*names, *synonyms, *forms, *after])


def _on_command(rest: str, names: Sequence[str]) -> tuple[str, list[str]] | None:
    words, fragment = _parted(rest)
    if not words and not fragment.startswith("-"):
        return _starting(fragment, [verb.name for verb in verbs()])
    verb = next((each for each in VERBS if words and each.name == words[0]), None)
    if verb is None:
        return None
    options = [option for option in options_of(LINE) if option.name in verb.options]
    if (found := _among_options(LINE, options, words, fragment)) is not None:
        return found
    if _in_value(LINE, words) or in_quotes(rest):
        return None
    if verb.name == "server":
        return _starting(fragment, SERVER_ACTIONS if len(words) == 1 else [])
    if verb.name == "config":
        given = {word.partition("=")[0] for word in words}
        left = [each for each in _CONFIG if each.removesuffix("=") not in given]
        return None if "=" in fragment else _starting(fragment, left)
    if verb.name not in _NAMES:
        return None
    several = _NAMES[verb.name]
    plain = [word for word in words[1:] if not word.startswith("-")]
    if plain and not several:
        return None
    return _starting(fragment.removeprefix("@"), [name for name in names if name not in plain])


def _listed(magic: str, words: list[str]) -> list[str] | None:
    """Return the names in the list where the cursor is, the last perhaps unfinished; None elsewhere."""

    def takes_names(word: str) -> bool:
        option = find_option(magic, word)
        return option is not None and option.kind == "names"

    flag, _, joined = words[-1].partition("=")
    if joined and takes_names(flag):
        return joined.split(",")
    flags = [at for at, word in enumerate(words[:-1]) if takes_names(word)]
    value = words[flags[-1] + 1 :] if flags else ["-"]
    if value[-1].startswith("-") or not all(word.endswith(",") for word in value[:-1]):
        return None
    return "".join(value).split(",")


def _among_options(
    magic: str, options: Iterable[Option], words: list[str], fragment: str
) -> tuple[str, list[str]] | None:
    """Complete an option, or the value of one that takes its pick."""
    last = find_option(magic, words[-1]) if words else None
    if last is not None and last.choices and last.available:
        return _starting(fragment, last.choices)
    if re.fullmatch(r"-|--?[A-Za-z][\w-]*|--", fragment) and not _expects_value(last):
        given = {found.name for word in words if (found := find_option(magic, word)) is not None}
        return _starting(fragment, [option.name for option in options if option.name not in given])
    return None


def _in_value(magic: str, words: list[str]) -> bool:
    """Whether the cursor is in an option's value that only its author knows."""
    last = find_option(magic, words[-1]) if words else None
    if _expects_value(last):
        return True
    flags = [word for word in words if word.startswith("--") or find_option(magic, word)]
    return bool(flags) and flags[-1] == "--until"


def _expects_value(option: Option | None) -> bool:
    return option is not None and option.takes_value


def _parted(rest: str) -> tuple[list[str], str]:
    """Return the finished words of ``rest`` and the fragment at its end."""
    words = rest.split()
    return (words[:-1], words[-1]) if words and not rest[-1].isspace() else (words, "")


def _starting(fragment: str, options: Iterable[str]) -> tuple[str, list[str]]:
    return fragment, [option for option in dict.fromkeys(options) if option.startswith(fragment)]
