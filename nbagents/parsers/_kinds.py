"""`parser_from_dict`: makes a parser of ours from plain data, as it comes to another process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..exceptions import UsageError
from ._base import ParserBase
from ._code import MarkdownCodeBlockParser
from ._json import MarkdownJsonDictParser, MarkdownJsonObjectParser
from ._regex import RegexTaggedContentParser
from ._tagged import MultiTaggedContentParser, TaggedContent

__all__ = ["can_travel", "parser_from_dict"]

KINDS: dict[str, type[ParserBase]] = {
    kind.__name__: kind
    for kind in (
        MarkdownCodeBlockParser,
        MarkdownJsonDictParser,
        MarkdownJsonObjectParser,
        MultiTaggedContentParser,
        RegexTaggedContentParser,
    )
}


def can_travel(parser: Any) -> bool:
    """Can `parser_from_dict` make it again? Not one of a class of your own."""
    return type(parser) in KINDS.values()


def parser_from_dict(tree: Mapping[str, Any]) -> ParserBase:
    """Return a parser like the one whose `ParserBase.to_dict` this is; parsers of this package only.

    >>> parser = MarkdownJsonDictParser({"speak": "words"}, keys_to_content="speak")
    >>> again = parser_from_dict(parser.to_dict())
    >>> again.format_instruction == parser.format_instruction
    True

    Raises:
        UsageError: it is none of these.
    """
    given = dict(tree)
    kind = KINDS.get(str(given.pop("parser", "")))
    try:
        parts = [TaggedContent(**part) for part in given.pop("tagged_contents", ())]
        if kind is not None:
            return kind(*parts, **given)
    except TypeError as error:
        raise UsageError(f"this tells of no parser: {error}") from None
    raise UsageError(f"no parser of nbagents.parsers is told of, but {str(tree.get('parser'))[:60]!r}")
