"""What is fuzzed: a function for each parser. Any error but those that it names is a fault."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbagents.config import ModelConfigs, ProjectConfig
from nbagents.exceptions import NbAgentsError, ProtocolError, ResponseParsingError, UsageError
from nbagents.magics._grammar import parse_agent_cell, parse_agents_cell, parse_hub_cell, parse_pipeline_cell
from nbagents.message import Msg, PlaceholderMessage
from nbagents.parsers import (
    MarkdownCodeBlockParser,
    MarkdownJsonDictParser,
    MarkdownJsonObjectParser,
    MultiTaggedContentParser,
    ParserBase,
    RegexTaggedContentParser,
    TaggedContent,
)
from nbagents.render import clean_html, markdown_to_html
from nbagents.rpc._codec import decode, encode, from_json
from nbagents.rpc._faults import decode_error, encode_error
from nbagents.rpc._frames import parsed
from nbagents.rpc._proto import agent_pb2 as pb

Target = Callable[[bytes], None]
LONGEST = 100_000


def text_of(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def message(data: bytes) -> None:
    """`Msg.from_dict` and that of placeholders, of anything that JSON can hold."""
    try:
        given = json.loads(data)
    except (ValueError, RecursionError):
        return
    if not isinstance(given, dict):
        return
    with contextlib.suppress(UsageError):
        PlaceholderMessage.from_dict(given | {"_host": None, "_server": None})  # no address is looked for
    try:
        made = Msg.from_dict(given)
    except UsageError:
        return
    assert made.to_dict()["name"] == given["name"]
    assert repr(made)


def codec(data: bytes) -> None:
    """What `decode` takes it can write again, and reads as the same."""
    half = len(data) // 2
    payload = pb.Payload(content_type="application/json", data=data, blobs=[data[:half]])
    for promise in (None, lambda tree: str(tree.get("__promise__"))):
        try:
            value = decode(payload, promise)
        except ProtocolError:
            continue
        again = decode(encode(value))
        assert _plain(again) == _plain(value)
    try:
        from_json(data)
    except ProtocolError:
        return


def _plain(value: Any) -> Any:
    """Messages compare by identity; what they hold does not."""
    if isinstance(value, Msg):
        return ("Msg", _plain(value.to_dict()))
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return {key: _plain(item) for key, item in value.items()} if isinstance(value, dict) else value


def frames(data: bytes) -> None:
    """A batch from the wire, and the errors in it."""
    try:
        batch = parsed(data)
    except ProtocolError:
        return
    for frame in batch.frames:
        error = decode_error(frame.update.error, "poet")
        assert isinstance(error, NbAgentsError)
        assert encode_error(error).ByteSize() < 500_000
        try:
            decode(frame.call.arguments, lambda tree: None)
        except ProtocolError:
            continue


def magics(data: bytes) -> None:
    """The line and the body of every magic."""
    line, _, body = text_of(data[:LONGEST]).partition("\n")
    for parse in (parse_agent_cell, parse_agents_cell, parse_pipeline_cell, parse_hub_cell):
        with contextlib.suppress(UsageError):
            parse(line, body)


def config(data: bytes) -> None:
    """``nbagents.toml``, and a file of model configurations."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "nbagents.toml")
        path.write_bytes(data)
        for read in (ProjectConfig.read, ModelConfigs().load):
            with contextlib.suppress(UsageError):
                read(path)


def markdown(data: bytes) -> None:
    """What comes out is clean already, and runs nothing."""
    html = markdown_to_html(text_of(data[:20_000]))
    assert clean_html(html) == html
    low = html.lower()
    assert "<script" not in low
    assert 'href="javascript:' not in low


PARSERS: tuple[ParserBase, ...] = (
    MarkdownJsonObjectParser(),
    MarkdownJsonDictParser({"a": 1}, required_keys=["a"], keys_to_content="a"),
    MarkdownCodeBlockParser("python"),
    MultiTaggedContentParser(
        TaggedContent("a", "[A]", "...", "[/A]"), TaggedContent("n", "[N]", "1", "[/N]", parse_json=True)
    ),
    RegexTaggedContentParser(required_keys=["a"], keys_to_content="a"),
)


def parsers(data: bytes) -> None:
    """What a model has answered: it is read as something that JSON can hold, or refused with a reason."""
    text = text_of(data[:LONGEST])
    for parser in PARSERS:
        try:
            found = parser.read(text)
        except ResponseParsingError as error:
            refused = error
        else:
            json.dumps([found, parser.to_content(found), parser.to_memory(found)], allow_nan=False)
            continue
        assert str(refused)
        assert refused.raw_response == text


TARGETS: dict[str, Target] = {
    target.__name__: target for target in (message, codec, frames, magics, config, markdown, parsers)
}
