"""`printable`: text from outside, made fit for one line of a log, an error or a status."""

from __future__ import annotations

import re

from ..config import redact

__all__ = ["LONGEST", "printable"]

LONGEST = 512
"""Characters of a name or a message that are shown."""
# Control characters, terminal escapes, broken surrogates, and what reorders or hides the text beside it.
_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb]"
)


def printable(text: str, most: int = LONGEST) -> str:
    r"""Return a text in which nothing can forge a line or hide, and no key is told; cut to ``most``.

    >>> printable("a\r\nERROR forged \x1b[31m, sk-0123456789abcdef")
    'a\\r\\nERROR forged \\x1b[31m, sk-…cdef'
    """
    # What is masked must be whole, so a little more is looked at than is shown.
    shown = _UNPRINTABLE.sub(_escaped, redact(text[: most + LONGEST]))
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
