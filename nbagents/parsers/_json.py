"""`MarkdownJsonObjectParser` and `MarkdownJsonDictParser`: JSON in a fenced block."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from .._fitting import Misfit, fitted, is_model_class
from ..exceptions import JsonDictValidationError, JsonParsingError, JsonTypeError
from ._base import ParserBase
from ._fence import fenced
from ._filter import KeyFilter, Keys, check_required
from ._hint import hint_text, plain_hint
from ._lenient import read_json

__all__ = ["MarkdownJsonDictParser", "MarkdownJsonObjectParser"]


class MarkdownJsonObjectParser(ParserBase):
    r"""Reads JSON of any type. ``content_hint`` shows the model what it should look like.

    >>> MarkdownJsonObjectParser().read("Here:\n```json\n[1, 2, 3,]\n```")
    [1, 2, 3]
    """

    name = "json block"
    tag_begin, tag_end = "```json", "```"
    fields: ClassVar[tuple[str, ...]] = ("content_hint",)

    def __init__(self, content_hint: Any = None) -> None:
        self.content_hint = content_hint

    @property
    def format_instruction(self) -> str:
        """What a model must be told."""
        hint = hint_text(self.content_hint, "{your_json_object}")
        return f"Answer with JSON in a fenced block, like this:\n{self.tag_begin}\n{hint}\n{self.tag_end}"

    def to_dict(self) -> dict[str, Any]:
        """Return how it is made, as plain data; a pydantic class as what it shows the model."""
        return super().to_dict() | {"content_hint": plain_hint(self.content_hint)}

    def read(self, text: str) -> Any:
        """Return what the JSON of an answer stands for: that in its ``json`` block, else the first in it.

        Raises:
            JsonParsingError: there is none, or it cannot be mended.
        """
        return self._read(text, object)

    def _read(self, text: str, kind: type) -> Any:
        block = fenced(text, "json")
        if block is None:
            block = fenced(text)
            block = block if block is not None and block.lstrip()[:1] in ("{", "[") else text
        try:
            return read_json(block, kind)
        except TypeError as other:
            raise JsonTypeError(
                f"the answer is JSON, but a {other} and no object; answer with one object in braces:"
                f' {self.tag_begin} {{"key": "value"}} {self.tag_end}',
                text,
            ) from None
        except ValueError as error:
            raise JsonParsingError(
                f"the answer cannot be read as JSON: {error}. Answer with valid JSON alone, between"
                f" {self.tag_begin} and {self.tag_end}",
                text,
            ) from None


class MarkdownJsonDictParser(KeyFilter, MarkdownJsonObjectParser):
    """Reads a JSON object as a dictionary, and says which parts of it are for what.

    ``content_hint`` is an example as a dictionary or text, or a pydantic class, which the answer must fit;
    it then has that class's defaults and conversions, as JSON holds them. ``schema`` is a JSON schema that
    it must fit in place of a class; a class becomes one where the parser goes to another process, which
    knows its defaults, but not its conversions and validators. ``required_keys`` must be there.
    For ``keys_to_memory``, ``keys_to_content`` and ``keys_to_metadata`` see `KeyFilter`.

    >>> parser = MarkdownJsonDictParser({"speak": "what you say", "vote": "a name"}, ["speak"],
    ...                                 keys_to_content="speak", keys_to_metadata=["vote"])
    >>> found = parser.read("{'speak': 'Not me!', 'vote': 'Bob'}")
    >>> parser.to_content(found), parser.to_metadata(found)
    ('Not me!', {'vote': 'Bob'})
    """

    fields = ("content_hint", "required_keys", *KeyFilter.names, "schema")

    def __init__(
        self,
        content_hint: Any = None,
        required_keys: Sequence[str] | None = None,
        keys_to_memory: Keys = True,
        keys_to_content: Keys = True,
        keys_to_metadata: Keys = False,
        *,
        schema: Mapping[str, Any] | None = None,
    ) -> None:
        MarkdownJsonObjectParser.__init__(self, content_hint)
        KeyFilter.__init__(self, keys_to_memory, keys_to_content, keys_to_metadata)
        self.required_keys = [required_keys] if isinstance(required_keys, str) else list(required_keys or ())
        if is_model_class(content_hint):
            schema = content_hint.model_json_schema()
        self.schema = None if schema is None else dict(schema)

    @property
    def format_instruction(self) -> str:
        """What a model must be told, the schema of a pydantic class included."""
        hint = hint_text(self.content_hint, "{your_json_dictionary}")
        said = f"Answer with one JSON object in a fenced block, like this:\n{self.tag_begin}\n{hint}\n"
        said += self.tag_end
        if self.schema is not None:
            schema = json.dumps(self.schema, ensure_ascii=False)
            said += f"\nThe object must fit this JSON schema:\n{schema}"
        return said

    def read(self, text: str) -> dict[str, Any]:
        """Return the dictionary.

        Raises:
            JsonParsingError: there is no JSON, or it cannot be mended.
            JsonTypeError: it is JSON, but no object.
            RequiredFieldNotFoundError: a required key is not there.
            JsonDictValidationError: it does not fit the pydantic class.
        """
        found: dict[str, Any] = self._read(text, dict)
        check_required(found, self.required_keys, text)
        if self.schema is None:
            return found
        is_class = is_model_class(self.content_hint)
        given = found if is_class else {**_defaults(self.schema), **found}
        try:
            return dict(fitted(self.content_hint if is_class else self.schema, given))
        except Misfit as error:
            raise JsonDictValidationError(
                f"the answer's JSON does not fit {self.schema.get('title') or 'its schema'}; put right:\n"
                f"{error}",
                text,
            ) from None


def _defaults(schema: Mapping[str, Any]) -> dict[str, Any]:
    fields = schema.get("properties") or {}
    return {name: one["default"] for name, one in fields.items() if "default" in one}
