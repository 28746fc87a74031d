"""Write texts as Python literals that people like to read, and code one step to the right."""

from __future__ import annotations

import io
import tokenize
from collections.abc import Collection, Mapping

from ._fields import Escape, Field, scan

__all__ = ["f_string", "indented", "literal"]

_INDENT = "    "


def f_string(text: str, known: Collection[str] | None, instead: Mapping[str, str] | None = None) -> str:
    """Return ``text`` as a literal, an f-string where it has fields of ``known`` names.

    ``instead`` has other expressions for bare names; ``known`` None means that braces are text.

    >>> f_string("Write {n} lines about {topic}: {x}", {"n", "topic"}, {"topic": "said.content"})
    'f"Write {n} lines about {said.content}: {{x}}"'
    """
    pieces: list[str | Field] = []
    at = 0
    for found in scan(text) if known is not None else ():
        pieces.append(text[at : found.start])
        at = found.end
        if isinstance(found, Escape):
            pieces.append(found.text)
        else:
            pieces.append(found if found.root in (known or ()) else text[found.start : found.end])
    pieces.append(text[at:])
    if not any(isinstance(piece, Field) for piece in pieces):
        return literal("".join(str(piece) for piece in pieces))
    fields = [_expression(piece, instead or {}) for piece in pieces if isinstance(piece, Field)]
    quotes = '"""' if "\n" in text or any('"' in field or "'" in field for field in fields) else '"'
    written = [
        _expression(piece, instead or {})
        if isinstance(piece, Field)
        else _escaped(piece, quotes).replace("{", "{{").replace("}", "}}")
        for piece in pieces
    ]
    return f"f{_enclosed(''.join(written), quotes)}"


def _expression(field: Field, instead: Mapping[str, str]) -> str:
    return (
        f"{{{instead[field.root]}}}" if field.is_simple and field.root in instead else f"{{{field.source}}}"
    )


def literal(text: str) -> str:
    r"""Return ``text`` as a string literal, in three quotes where it has several lines.

    >>> literal('say "hi"')
    '"say \\"hi\\""'
    """
    quotes = '"""' if "\n" in text else '"'
    return _enclosed(_escaped(text, quotes), quotes)


def _escaped(text: str, quotes: str) -> str:
    """Return ``text`` as it is written between ``quotes``."""
    shown = []
    for each in text:
        if each == "\n" and quotes == '"""':
            shown.append(each)
        elif each == '"':
            shown.append('\\"')
        elif each == "'":
            shown.append(each)
        else:
            shown.append(repr(each)[1:-1])
    return "".join(shown)


def _enclosed(written: str, quotes: str) -> str:
    if quotes == '"""':
        # Inside three quotes one or two need no backslash, except before the closing three.
        bare = written.replace('\\"', '"')
        if '"""' not in bare and not bare.endswith('"') and "\\\\" not in written:
            written = bare
    return f"{quotes}{written}{quotes}"


def indented(code: str) -> list[str]:
    """Return the lines of ``code`` one step to the right, the inside of long strings as it is."""
    inside: set[int] = set()
    try:
        opened = 0
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            kind = tokenize.tok_name[token.type]
            if kind == "FSTRING_START":
                opened = opened or token.start[0]
            elif kind in ("STRING", "FSTRING_END"):
                first = token.start[0] if kind == "STRING" else opened
                inside.update(range(first + 1, token.end[0] + 1))
                opened = 0
    except (tokenize.TokenError, SyntaxError):
        inside.clear()
    return [
        line if number in inside or not line.strip() else f"{_INDENT}{line}"
        for number, line in enumerate(code.rstrip().split("\n"), 1)
    ]
