"""The rule for the two parts of an address: what a type is, and what a key or a source may be."""

from __future__ import annotations

import re

from ..exceptions import UsageError

__all__ = ["LONGEST_KEY", "LONGEST_TYPE", "check_key", "check_type"]

LONGEST_TYPE, LONGEST_KEY = 512, 4096
"""Characters of a type, and of a key or a source."""


def check_type(text: object, form: re.Pattern[str], what: str, signs: str) -> None:
    """Raise UsageError unless this is a type: so many letters, digits and signs, and nothing else."""
    if not isinstance(text, str) or not form.match(text) or len(text) > LONGEST_TYPE:
        raise UsageError(
            f"{text!r:.60} is no {what} type: letters, digits and {signs} only, at least one and"
            f" {LONGEST_TYPE} at most"
        )


def check_key(text: object, what: str) -> None:
    """Raise UsageError unless this is a text, also an empty one, that may name something.

    Any characters may be in it that UTF-8 can write, line breaks too.
    """
    if not isinstance(text, str):
        raise UsageError(f"{what} must be a text, not {text!r:.60}")
    if len(text) > LONGEST_KEY:
        raise UsageError(
            f"{what} has {len(text):,} characters, and may have {LONGEST_KEY:,}: {text!r:.40}...",
            hint="put what is long into the message, and a short name for it here",
        )
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{what} has half of a surrogate pair, no character: {text!r:.60}") from None
