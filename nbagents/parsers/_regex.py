"""`RegexTaggedContentParser`: parts of an answer whose tags name them."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator, Sequence
from typing import Any

from ..exceptions import TagNotFoundError, UsageError
from ._base import ParserBase
from ._filter import KeyFilter, Keys, check_required
from ._lenient import read_whole

__all__ = ["RegexTaggedContentParser"]

TAGS = r"<(?P<name>[^>]+)>(?P<content>.*?)</\1?>"
"""What is read where no pattern is given: ``<name>content</name>``, or ``<name>content</>``."""
_TAG = re.compile(r"<(/?)([^<>]*)>")


class RegexTaggedContentParser(KeyFilter, ParserBase):
    """Reads a dictionary of whatever parts an answer holds.

    ``tagged_content_pattern`` is a regular expression with the groups ``name`` and ``content``; how long
    one of your own takes is up to it. Without one, ``<name>content</name>`` is read, in linear time, and a
    required part without an end goes to the next tag, or to the end. With ``try_parse_json`` a content that
    is JSON becomes what it stands for. ``format_instruction`` is what a model is told; without one it is
    made from ``required_keys``. For the other keys see `KeyFilter`.

    >>> RegexTaggedContentParser().read("<thought>Hm.</thought> <votes>[1, 2]</votes>")
    {'thought': 'Hm.', 'votes': [1, 2]}
    """

    fields = ("tagged_content_pattern", "try_parse_json", "required_keys", *KeyFilter.names)

    def __init__(
        self,
        tagged_content_pattern: str = TAGS,
        format_instruction: str | None = None,
        try_parse_json: bool = True,
        required_keys: Sequence[str] | None = None,
        keys_to_memory: Keys = True,
        keys_to_content: Keys = True,
        keys_to_metadata: Keys = False,
    ) -> None:
        super().__init__(keys_to_memory, keys_to_content, keys_to_metadata)
        try:
            self._pattern = re.compile(tagged_content_pattern, re.DOTALL)
        except re.error as error:
            raise UsageError(f"tagged_content_pattern is no regular expression: {error}") from None
        if not {"name", "content"} <= self._pattern.groupindex.keys():
            raise UsageError(
                "tagged_content_pattern needs the groups (?P<name>...) and (?P<content>...); it has "
                + (", ".join(self._pattern.groupindex) or "no names")
            )
        self.tagged_content_pattern, self.try_parse_json = tagged_content_pattern, try_parse_json
        self.required_keys = [required_keys] if isinstance(required_keys, str) else list(required_keys or ())
        self._format_instruction = format_instruction

    @property
    def format_instruction(self) -> str:
        """What a model must be told.

        Raises:
            UsageError: none was given, and there are no required keys of which to make one.
        """
        if self._format_instruction is not None:
            return self._format_instruction
        if not self.required_keys or self.tagged_content_pattern != TAGS:
            raise UsageError("this parser has no format_instruction; give it one when you make it")
        shown = "\n".join(f"<{key}>your {key}</{key}>" for key in self.required_keys)
        return f"Answer in these tags, exactly as they are written here:\n{shown}"

    def to_dict(self) -> dict[str, Any]:
        """Return how it is made, as plain data."""
        return super().to_dict() | {"format_instruction": self._format_instruction}

    def read(self, text: str) -> dict[str, Any]:
        """Return the parts by name.

        Raises:
            TagNotFoundError: there is no part at all.
            RequiredFieldNotFoundError: a required part is not there.
        """
        if self.tagged_content_pattern == TAGS:
            found = dict(_tagged(text, frozenset(self.required_keys)))
        else:
            found = {str(one["name"]): one["content"] or "" for one in self._pattern.finditer(text)}
        if not found:
            shown = ", ".join(f"<{key}>...</{key}>" for key in self.required_keys or ["name"])
            raise TagNotFoundError(f"the answer holds no tags. Answer again with {shown}", text)
        check_required(found, self.required_keys, text)
        return {name: self._value(content.strip()) for name, content in found.items()}

    def _value(self, content: str) -> Any:
        if not self.try_parse_json:
            return content
        try:
            return read_whole(content)
        except ValueError:
            return content


def _tagged(text: str, required: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield the names and contents of parts that do not lie inside another."""
    tags = list(_TAG.finditer(text))
    ends: dict[str, list[int]] = {}
    for place, tag in enumerate(tags):
        if tag[1]:
            ends.setdefault(tag[2], []).append(place)
    unnamed, place = ends.pop("", []), 0
    while place < len(tags):
        tag = tags[place]
        name = tag[2].strip()
        if tag[1] or not name:
            place += 1
            continue
        closing = min(_after(place, ends.get(tag[2], []), len(tags)), _after(place, unnamed, len(tags)))
        if closing < len(tags):
            yield name, text[tag.end() : tags[closing].start()]
            place = closing + 1
            continue
        place += 1
        if name in required:
            yield name, text[tag.end() : tags[place].start() if place < len(tags) else len(text)]


def _after(place: int, places: list[int], none: int) -> int:
    at = bisect.bisect(places, place)
    return places[at] if at < len(places) else none
