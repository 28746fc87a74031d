"""`ToolResponse`: what a tool has answered, or has so far. Also how any other value becomes one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .._ids import new_id
from .._surrogates import well_formed
from ..message import Msg, is_block
from ._service import ServiceResponse

__all__ = ["Gathered", "ToolResponse", "pictures_of", "response_of", "text_of"]

MOST_PICTURES = 700_000
"""Characters of pictures that one event tells of: all of it must be less than a MiB."""


@dataclass
class ToolResponse:
    """The answer of a tool: a list of content blocks.

    A tool that answers bit by bit yields several, each of which holds all of the answer so far; the last
    has ``is_last``. ``metadata`` is for the caller, and the model does not see it. ``is_error`` says that
    the tool failed, and the text why; ``is_interrupted`` that it was stopped. ``source`` says whose words
    these are, where they come from outside: agents tell their models that they are data. What no UTF-8 can
    hold, in the name of a file say, becomes a �: a model could not be told of it.

    >>> ToolResponse([{"type": "text", "text": "17"}]).text
    '17'
    """

    content: list[Any]
    metadata: dict[str, Any] | None = None
    stream: bool = False
    is_last: bool = True
    is_interrupted: bool = False
    id: str = field(default_factory=new_id)
    is_error: bool = False
    source: str = ""

    def __post_init__(self) -> None:
        self.content = well_formed(self.content)

    @property
    def text(self) -> str:
        """The text of its blocks; other blocks are named by their type."""
        return text_of(self.content)

    @classmethod
    def of_text(cls, text: str, **more: Any) -> ToolResponse:
        """Return one that holds a text."""
        return cls([{"type": "text", "text": text}], **more)


def text_of(content: Any) -> str:
    r"""Return what the output of a tool says.

    >>> text_of([{"type": "text", "text": "a"}, {"type": "image", "source": {"type": "url", "url": "u"}}])
    'a\n[image: u]'
    """
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return _json(content)
    lines = []
    for block in content:
        if not is_block(block):
            lines.append(block if isinstance(block, str) else _json(block))
        elif block["type"] == "text":
            lines.append(str(block["text"]))
        else:
            source = block.get("source")
            where = source.get("url") if isinstance(source, Mapping) else None
            known = where and not str(where).startswith("data:")  # that would be the picture itself
            lines.append(f"[{block['type']}: {where}]" if known else f"[{block['type']}]")
    return "\n".join(lines)


def pictures_of(content: list[Any]) -> list[str]:
    """Return the pictures that blocks hold, as ``data:`` addresses: as many as an event may carry.

    >>> source = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
    >>> pictures_of([{"type": "text", "text": "a plot"}, {"type": "image", "source": source}])
    ['data:image/png;base64,iVBORw0KGgo=']
    """
    found, room = [], MOST_PICTURES
    for block in content:
        source = block.get("source") if is_block(block) and block["type"] == "image" else None
        if not isinstance(source, Mapping):
            continue
        if source.get("type") == "base64":
            address = f"data:{source.get('media_type')};base64,{source.get('data')}"
        else:
            address = str(source.get("url", ""))
        if address.startswith("data:image/") and len(address) <= room:
            found.append(address)
            room -= len(address)
    return found


def response_of(value: Any) -> ToolResponse:
    """Return what a tool has returned as a response: texts as they are, other data as JSON.

    >>> response_of({"sum": 3}).text, response_of("three").text
    ('{"sum": 3}', 'three')
    """
    if isinstance(value, ToolResponse):
        return value
    if isinstance(value, ServiceResponse):
        answer = response_of(value.content)
        noted = [{"type": "text", "text": f"({value.note})"}] if value.note else []
        return replace(answer, content=[*answer.content, *noted], is_error=not value.succeeded)
    if isinstance(value, Msg):
        return ToolResponse(value.get_content_blocks() or response_of(value.content).content)
    if value is None:
        return ToolResponse.of_text("done; it returned nothing")
    if is_block(value):
        return ToolResponse([value])
    if isinstance(value, list) and value and all(map(is_block, value)):
        return ToolResponse(value)
    return ToolResponse.of_text(value if isinstance(value, str) else _json(value))


class Gathered:
    r"""What a tool has given so far.

    A response holds all so far; anything else is a piece, put on a new line.

    >>> gathered = Gathered()
    >>> for piece in ("one", "two"):
    ...     gathered.add(piece)
    >>> gathered.response().text
    'one\ntwo'
    """

    def __init__(self) -> None:
        self.pieces = 0
        self._whole: ToolResponse | None = None
        self._lines: list[str] = []  # of its last text, put in when somebody looks

    def add(self, value: Any) -> None:
        """Take what a tool has returned, or yielded last."""
        piece = response_of(value)
        self.pieces += 1
        if self._whole is None or isinstance(value, ToolResponse):
            self._whole, self._lines = piece, []
            return
        before, more = self._whole.content, piece.content
        if before and more and before[-1]["type"] == more[0]["type"] == "text":
            self._lines.append(str(more[0]["text"]))
            more = more[1:]
        if more or piece.is_error != self._whole.is_error:
            content = [*self.response().content, *more]
            self._whole = ToolResponse(content, is_error=piece.is_error, id=self._whole.id)

    def response(self) -> ToolResponse:
        """Return all of it."""
        if self._whole is None:
            return response_of(None)
        if self._lines:
            last = self._whole.content[-1]
            text = "\n".join([str(last["text"]), *self._lines])
            self._lines = []
            self._whole = replace(self._whole, content=[*self._whole.content[:-1], {**last, "text": text}])
        return self._whole


def _json(value: Any) -> str:
    if hasattr(value, "model_dump"):
        value = value.model_dump(mode="json")
    return json.dumps(value, ensure_ascii=False, default=str)
