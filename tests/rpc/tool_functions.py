"""Tools of a module that servers can import."""

from __future__ import annotations

import os


def count_words(text: str, factor: int = 1) -> int:
    """Count the words of a text.

    Args:
        text: The text.
        factor: How often they count.
    """
    return factor * len(text.split())


def where_am_i() -> int:
    """Tell the number of my process."""
    return os.getpid()


class Shouting:
    """A formatter with a setting."""

    def __init__(self, end: str = "") -> None:
        self.end = end

    async def format(self, msgs):
        said = [(one.role, one.get_text_content()) for one in msgs]
        return [{"role": role, "content": f"{text.upper()}{self.end}"} for role, text in said if text]
