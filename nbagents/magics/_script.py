r"""Read the script in the body of ``%%agents``: lines that begin with ``@name`` are turns.

A name must stand at the very beginning of its line; ``\@name`` there is text that begins with
``@``. Lines without a name belong to the turn above them.
"""

from __future__ import annotations

import re

from ..exceptions import UsageError
from ._names import is_name, normal
from ._specs import Turn

__all__ = ["has_turns", "parse_script", "trimmed"]

_MENTION = re.compile(r"@([^\W\d]\w*)[:,]?(?=\s|$)[^\S\n]*")
_BLANK_LINES = re.compile(r"\A(?:[^\S\n]*\n)+")
_SHOWN = 40


def trimmed(text: str) -> str:
    r"""Return a prompt without the blank lines around it; the indentation of its first line stays.

    >>> trimmed("\n  \n    x = 1\n\n")
    '    x = 1'
    """
    return _BLANK_LINES.sub("", text).rstrip()


def has_turns(body: str) -> bool:
    """Whether any line of ``body`` begins with ``@name``."""
    return any(_MENTION.match(line) for line in body.split("\n"))


def parse_script(body: str, *, first_line: int = 2, magic: str = "%%agents") -> tuple[Turn, ...]:
    r"""Return the turns of ``body``, whose first line is the cell's ``first_line``.

    >>> for turn in parse_script("@alice Propose a name.\n@bob @carol Vote:\nyes or no?"):
    ...     print(turn.names, repr(turn.text), turn.line)
    ('alice',) 'Propose a name.' 2
    ('bob', 'carol') 'Vote:\nyes or no?' 3

    Raises:
        UsageError: Text stands before the first turn.
    """
    started: list[tuple[tuple[str, ...], int, list[str]]] = []
    for number, line in enumerate(body.split("\n"), first_line):
        names, text = _mentions(line)
        if names:
            started.append((names, number, [text]))
        elif started:
            started[-1][2].append(text)
        elif text.strip():
            shown = text.strip() if len(text.strip()) <= _SHOWN else f"{text.strip()[:_SHOWN]}…"
            raise UsageError(
                f"{magic}: line {number} (“{shown}”) comes before the first @name. "
                f"Begin it with whom it is for, or name them on the first line: {magic} poet critic"
            )
    return tuple(Turn(names, trimmed("\n".join(lines)), number) for names, number, lines in started)


def _mentions(line: str) -> tuple[tuple[str, ...], str]:
    """Return the names that begin a line and what follows them."""
    if line.startswith("\\@"):
        return (), line[1:]
    names: list[str] = []
    at = 0
    while (found := _MENTION.match(line, at)) is not None and is_name(found[1]):
        names.append(normal(found[1]))
        at = found.end()
    return tuple(dict.fromkeys(names)), line[at:]
