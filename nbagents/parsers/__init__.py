"""Parsers: read what was asked for out of a model's answer, and mend what models usually get wrong in it.

A parser's ``format_instruction`` tells the model how to answer; ``parse(response)`` puts what it finds
into ``response.parsed``. They know text alone: no model, no agent. Time is linear in the answer's length.
"""

from ._base import ParserBase
from ._code import MarkdownCodeBlockParser
from ._json import MarkdownJsonDictParser, MarkdownJsonObjectParser
from ._kinds import can_travel, parser_from_dict
from ._regex import RegexTaggedContentParser
from ._tagged import MultiTaggedContentParser, TaggedContent

__all__ = [
    "MarkdownCodeBlockParser",
    "MarkdownJsonDictParser",
    "MarkdownJsonObjectParser",
    "MultiTaggedContentParser",
    "ParserBase",
    "RegexTaggedContentParser",
    "TaggedContent",
    "can_travel",
    "parser_from_dict",
]
