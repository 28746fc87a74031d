"""`fenced`: the code block of an answer, also where its fences are not quite right."""

from __future__ import annotations

import re

__all__ = ["fenced"]

_FENCE = r"(?<![`~])(?P<fence>`{3,}+|~{3,}+)"
_ANY = re.compile(rf"^[ \t]*+{_FENCE}[^\n`]*+$", re.MULTILINE)


def fenced(text: str, language: str = "") -> str | None:
    r"""Return what stands in the first block of that language, or of any where none is given.

    A block that is not closed goes to the last fence in the text, else to its end. None if there is no block.

    >>> fenced("Look:\n```python\nprint(1)\n```\nThere.", "python")
    'print(1)\n'
    """
    if language:
        named = rf"{_FENCE}[ \t]*+{re.escape(language)}(?![\w+#.-])[ \t]*+\n?"
        opening = re.search(named, text, re.IGNORECASE)
    else:
        opening = _ANY.search(text)
    if opening is None:
        return None
    begin = opening.end() + (not language)  # past the end of the line
    fence = opening["fence"]
    closing = re.compile(rf"^[ \t]*+{fence}{fence[0]}*+[ \t]*+$", re.MULTILINE).search(text, begin)
    end = closing.start() if closing is not None else text.rfind(fence, begin)
    return text[begin:] if end < 0 else text[begin:end]
