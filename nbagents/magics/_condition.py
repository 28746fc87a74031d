"""Find the ``--until`` expression in a line, and make sure that it is one.

The expression is the notebook author's own code. It is parsed here, never run: the rewritten
cell contains it as code, so that IPython compiles it like the rest of the author's cells.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from ..exceptions import UsageError
from ._faults import misplaced
from ._options import find_option
from ._words import Word, attached, split

__all__ = ["ends_condition", "find_condition", "take_condition", "wrapped"]

_FLAG = "--until"


def take_condition(line: str, words: Sequence[Word], magic: str) -> str:
    """Return the source of the expression that ``words`` of ``line`` are.

    One quoted word is the expression within the quotes; anything else is taken as typed, quotes
    included. Blanks around it do not belong to it.
    """
    if len(words) == 1 and words[0].whole:
        source = words[0].text
    else:
        source = line[words[0].start : words[-1].end] if words else ""
    if not source.strip():
        raise UsageError(f"{magic}: {_FLAG} needs a condition: {_FLAG} \"'APPROVED' in msg.content\"")
    return source.strip()


def ends_condition(word: Word, magic: str) -> bool:
    """Whether ``word`` is the next option rather than a part of an expression like ``a -b``."""
    flag = word.text.partition("=")[0]
    return word.is_option and (flag.startswith("--") or find_option(magic, flag) is not None)


def find_condition(line: str, magic: str) -> str | None:
    """Return the source after ``--until`` in ``line``, or None where there is no such option.

    Raises:
        UsageError: A quote is never closed, or nothing follows ``--until``.
    """
    words = split(line, magic)
    for at, word in enumerate(words):
        if not word.is_option or word.text.partition("=")[0] != _FLAG:
            continue
        first = attached(line, word, magic) if word.text != _FLAG else None
        value = [first] if first else []
        for following in words[at + 1 :]:
            if ends_condition(following, magic):
                break
            value.append(following)
        return take_condition(line, value, magic)
    return None


def wrapped(source: str, magic: str, word: str = _FLAG) -> str:
    """Return ``source``, the condition after ``word``, as the code of a function of ``msg``.

    Raises:
        UsageError: It is no expression, or one that would have to wait; a caret shows where.
    """
    try:
        tree = ast.parse(source, mode="eval")
    except SyntaxError as error:
        # Python points at column 0 where the expression ends too early.
        at = error.offset - 1 if error.offset and error.lineno == 1 else len(source)
        raise misplaced(magic, source, min(at, len(source)), error.msg, lead=f"{word} ") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise UsageError(f"{magic}: {word} cannot be read as Python: {error}") from None
    for node in ast.walk(tree):
        comes_late = isinstance(node, ast.comprehension) and node.is_async
        if comes_late or isinstance(node, ast.Await | ast.Yield | ast.YieldFrom):
            at = len(source.encode()[: getattr(node, "col_offset", 0)].decode(errors="ignore"))
            raise misplaced(magic, source, at, "a condition cannot wait for anything", lead=f"{word} ")
    # A comment would swallow the bracket that closes the lambda.
    code = ast.unparse(tree) if "#" in source else source
    return f"lambda msg: ({code})"
