"""`MultiTaggedContentParser`: several parts of an answer, each between tags of its own."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ..exceptions import JsonParsingError, TagNotFoundError, UsageError
from ._base import ParserBase
from ._fence import fenced
from ._filter import KeyFilter, Keys
from ._lenient import read_json

__all__ = ["MultiTaggedContentParser", "TaggedContent"]


@dataclass(frozen=True, slots=True)
class TaggedContent:
    """One part: its name, the tag before it, what stands there, the tag after it, whether that is JSON.

    >>> str(TaggedContent("thought", "[THOUGHT]", "what you think", "[/THOUGHT]"))
    '[THOUGHT]what you think[/THOUGHT]'
    """

    name: str
    tag_begin: str
    content_hint: str
    tag_end: str
    parse_json: bool = False

    def __post_init__(self) -> None:
        if not (self.tag_begin and self.tag_end):
            raise UsageError(f"the tagged content {self.name!r} needs a tag_begin and a tag_end")

    def __str__(self) -> str:
        return f"{self.tag_begin}{self.content_hint}{self.tag_end}"


class MultiTaggedContentParser(KeyFilter, ParserBase):
    """Reads a dictionary of parts by name, in whichever order they come.

    An end tag that is missing is where the next part begins, else the end of the answer.

    >>> parser = MultiTaggedContentParser(
    ...     TaggedContent("thought", "[THOUGHT]", "what you think", "[/THOUGHT]"),
    ...     TaggedContent("number", "[NUMBER]", "a number", "[/NUMBER]", parse_json=True),
    ... )
    >>> parser.read("[THOUGHT]Easy.[/THOUGHT] So [NUMBER]42")
    {'thought': 'Easy.', 'number': 42}
    """

    fields = KeyFilter.names

    def __init__(
        self,
        *tagged_contents: TaggedContent,
        keys_to_memory: Keys = True,
        keys_to_content: Keys = True,
        keys_to_metadata: Keys = False,
    ) -> None:
        super().__init__(keys_to_memory, keys_to_content, keys_to_metadata)
        if not tagged_contents:
            raise UsageError("MultiTaggedContentParser takes the TaggedContents that it looks for")
        self.tagged_contents = list(tagged_contents)

    @property
    def format_instruction(self) -> str:
        """What a model must be told."""
        shown = "\n".join(map(str, self.tagged_contents))
        as_json = [one.name for one in self.tagged_contents if one.parse_json]
        more = f"\nBetween the tags of {', '.join(as_json)} stands valid JSON." if as_json else ""
        return f"Answer in these tags, exactly as they are written here:\n{shown}{more}"

    def to_dict(self) -> dict[str, Any]:
        """Return how it is made, as plain data."""
        return super().to_dict() | {"tagged_contents": [asdict(one) for one in self.tagged_contents]}

    def read(self, text: str) -> dict[str, Any]:
        """Return the parts by name.

        Raises:
            TagNotFoundError: a tag is not there, where that cannot be mended.
            JsonParsingError: a part that is to be JSON is none.
        """
        begins = _begins(text, self.tagged_contents)
        missing = [one for one in self.tagged_contents if one.name not in begins]
        if missing:
            raise TagNotFoundError(
                f"the answer lacks the tag{'s' if len(missing) > 1 else ''}"
                f" {', '.join(one.tag_begin for one in missing)}. Answer again with all of: "
                + ", ".join(f"{one.tag_begin}...{one.tag_end}" for one in self.tagged_contents),
                text,
                missing_begin_tag=True,
                missing_end_tag=any(one.tag_end not in text for one in missing),
            )
        return {one.name: self._part(text, one, begins) for one in self.tagged_contents}

    def _part(self, text: str, one: TaggedContent, begins: dict[str, int]) -> Any:
        begin = begins[one.name] + len(one.tag_begin)
        end = text.find(one.tag_end, begin)
        if end < 0:
            end = min((at for at in begins.values() if at >= begin), default=len(text))
            if not text[begin:end].strip():
                raise TagNotFoundError(
                    f"nothing follows the tag {one.tag_begin} of the answer, and {one.tag_end} is missing."
                    f" Answer again with {one}",
                    text,
                    missing_begin_tag=False,
                )
        found = text[begin:end]
        if not one.parse_json:
            return found.strip()
        try:
            return read_json(fenced(found, "json") or fenced(found) or found)
        except (ValueError, TypeError) as error:
            raise JsonParsingError(
                f"what stands between {one.tag_begin} and {one.tag_end} cannot be read as JSON: {error}."
                " Answer again with valid JSON there",
                text,
            ) from None


def _begins(text: str, parts: list[TaggedContent]) -> dict[str, int]:
    """Return where each part begins: after the one before it, if its tag is there, else anywhere."""
    found: dict[str, int] = {}
    after = 0
    for one in parts:
        at = text.find(one.tag_begin, after)
        if at < 0:
            at = text.find(one.tag_begin)
        if at >= 0:
            found[one.name] = at
            after = max(after, at + len(one.tag_begin))
    return found
