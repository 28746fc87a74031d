r"""What a tool is to be called with, so that nothing of it can hide: JSON in which all is visible.

Whatever a reader cannot see, or what reorders what is seen, stands there as JSON's own ``\u`` escape. So
the text is still the JSON that it shows, and what is read is what will run.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

__all__ = ["visible_arguments", "visible_json", "visible_object", "visible_text"]

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
"""Letters and marks that are drawn as nothing."""
_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)")


def visible_json(value: Any) -> str:
    r"""Return JSON for plain data in one line of characters that can all be seen.

    >>> print(visible_json({"to": "a\u202eb\n\x1b[2J é"}))
    {"to": "a\u202eb\n\u001b[2J é"}

    Raises:
        TypeError, ValueError, RecursionError: it is no plain data.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return text if text.isascii() and text.isprintable() else "".join(map(_shown, text))


def visible_object(given: Mapping[str, Any]) -> str:
    """Return an object as `visible_json`, each of its values on a line of its own; raises as that does.

    >>> print(visible_object({"a": 1, "b": [2, 3]}))
    {
      "a": 1,
      "b": [2, 3]
    }
    """
    lines = [f"  {visible_json(str(name))}: {visible_json(value)}" for name, value in given.items()]
    return "{\n" + ",\n".join(lines) + "\n}" if lines else "{}"


def visible_text(text: str) -> str:
    """Return a name or a note in the same way, without quotes around it."""
    return visible_json(text)[1:-1].replace('\\"', '"').replace("\\\\", "\\")


def visible_arguments(given: Mapping[str, Any]) -> list[tuple[str, str]]:
    r"""Return each argument with its value as `visible_json`; after each escaped newline the line breaks.

    >>> visible_arguments({"code": "a = 1\nprint(a)"})
    [('code', '"a = 1\\n\nprint(a)"')]
    """
    return [
        (visible_text(str(name)), _ESCAPE.sub(_broken, visible_json(each))) for name, each in given.items()
    ]


def _broken(match: re.Match[str]) -> str:
    return f"{match[0]}\n" if match[0] == "\\n" else match[0]


def _shown(letter: str) -> str:
    if letter == " " or (" " < letter < "\x7f"):
        return letter
    marks = unicodedata.category(letter)
    variation = "\ufe00" <= letter <= "\ufe0f" or "\U000e0100" <= letter <= "\U000e01ef"
    if marks in _HIDDEN or letter in _BLANK or variation:
        return json.dumps(letter)[1:-1]  # as JSON writes it where it writes ASCII only
    return letter
