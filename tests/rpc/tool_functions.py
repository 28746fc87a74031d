"""Tools of a module that servers can import."""

from __future__ import annotations

import os

from nbagents.agents import ReActAgent
from nbagents.message import Msg
from nbagents.parsers import ParserBase


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


class Counting(ReActAgent):
    """Awaits its memory, as code for AgentScope 1.x does."""

    async def reply(self, msg=None, structured_model=None):
        await self.memory.add(Msg("user", msg, "user"))
        return f"{await self.memory.size()} messages, awaited"


class Shouts(ParserBase):
    """Reads an answer as what is shouted."""

    def __init__(self, end: str = "!") -> None:
        self.end = end

    @property
    def format_instruction(self) -> str:
        return "Say whatever you like."

    def read(self, text):
        return {"speak": f"{text.upper()}{self.end}"}

    def to_content(self, parsed):
        return parsed["speak"]


def vectors(texts):
    """Make embeddings: how often a few words are there."""
    return [[text.count(word) + 0.01 for word in ("rain", "sun", "tea")] for text in texts]
