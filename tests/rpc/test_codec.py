"""What travels comes back as it was, and nothing else does."""

from __future__ import annotations

import json
import re
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbagents.exceptions import (
    AgentServerNotAliveError,
    MessageTooLargeError,
    NbAgentsError,
    ProtocolError,
    RemoteAgentError,
    UsageError,
)
from nbagents.message import Msg, PlaceholderMessage
from nbagents.rpc._codec import MAX_DEPTH, decode, encode, encode_arguments, from_json, to_json
from nbagents.rpc._faults import BUILT_IN, decode_error, encode_error
from nbagents.rpc._frames import parsed
from nbagents.rpc._proto import agent_pb2 as pb

MARKED = ["__module__", "__name__", "__promise__", "__blob__", "__bytes__", "__dict__", "__int__", "lc"]
texts = st.text(st.characters(exclude_categories=[]), max_size=20)  # halves of surrogate pairs too
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
leaves |= st.binary(max_size=20)
keys = texts | st.sampled_from(MARKED)
messages = st.builds(
    Msg,
    name=st.text(max_size=5),
    content=texts | st.lists(st.dictionaries(keys, st.none() | texts, max_size=2), max_size=2),
    role=st.sampled_from(["system", "user", "assistant"]),
    metadata=st.none() | texts | st.dictionaries(keys, st.integers() | texts, max_size=3),
)
values = st.recursive(
    leaves | messages,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


def plain(value):
    """Messages compare by identity; what they hold does not."""
    if isinstance(value, Msg):
        return ("Msg", plain(value.to_dict()))
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return {key: plain(item) for key, item in value.items()} if isinstance(value, dict) else value


@settings(deadline=None, max_examples=200)
@given(values)
def test_values_come_back_as_they_were(value) -> None:
    assert plain(decode(encode(value))) == plain(value)
    assert plain(from_json(to_json(value))) == plain(value)
    wire = encode_arguments((value, [value]), {"__module__": value}, None)
    assert plain(decode(wire)) == plain([[value, [value]], {"__module__": value}])


GADGETS = [
    {"__module__": "os", "__name__": "system", "id": "x"},
    {
        "__module__": "nbagents.message",
        "__name__": "PlaceholderMessage",
        "_host": "evil",
        "_port": 1,
        "_task_id": 1,
    },
    {"__reduce__": ["os.system", ["true"]]},
    {"lc": 1, "type": "constructor", "id": ["os", "system"], "kwargs": {}},
    {"__class__": "subprocess.Popen", "args": ["true"]},
    {"__promise__": "somebody-else-1", "sent": True},
    {"__blob__": 0},
    {"__int__": "7"},
    {"__dict__": [["a", 1]]},
]


@pytest.mark.parametrize("gadget", GADGETS)
def test_gadgets_in_a_value_stay_data(gadget) -> None:
    modules = set(sys.modules)
    nested = gadget
    for _ in range(5):
        nested = {"content": [nested]}
    for value in (gadget, nested):
        assert decode(encode(value)) == value
        assert decode(encode(Msg("user", value))).content == value
    assert set(sys.modules) == modules


RAW = [
    '{"__module__": "os", "__name__": "system"}',
    '{"__module__": "nbagents.message", "__name__": "Msg", "id": "1"}',
    '{"__module__": ["nbagents.message"], "__name__": {}}',
    '{"__promise__": "x"}',
    '{"__blob__": 0}',
    '{"__blob__": true}',
    '{"__blob__": -1}',
    '{"__bytes__": "%%"}',
    '{"__bytes__": 3}',
    '{"__int__": "1x"}',
    '{"__int__": 1.5}',
    '{"__int__": "%s"}' % ("1" * 5000),
    '{"__dict__": 3}',
    '{"__dict__": [[1, 2, 3]]}',
    "NaN",
    "[1, Infinity]",
    "-Infinity",
    "1e400",
    "",
    "{",
    "nonsense",
    "[" * 100_000,
    "[" * (MAX_DEPTH + 10) + "]" * (MAX_DEPTH + 10),
    "1" * 5000,
]


@pytest.mark.parametrize("text", RAW, ids=lambda text: text[:30])
def test_what_nobody_encoded_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        decode(pb.Payload(content_type="application/json", data=text.encode()))
    with pytest.raises(ProtocolError):
        from_json(text)


@pytest.mark.parametrize("data", [b"\xff\xfe", b'"\xed\xa0\x80"', "[1]".encode("utf-16")])
def test_what_is_no_utf8_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(pb.Payload(content_type="application/json", data=data))


def test_a_payload_of_another_type_is_refused() -> None:
    with pytest.raises(ProtocolError, match="application/x-pickle"):
        decode(pb.Payload(content_type="application/x-pickle", data=b"\x80\x04."))


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"a": [1, {2}]}, r"the value\['a'\]\[1\] is a set"),
        ([float("inf")], r"the value\[0\] is inf"),
        ({1: 2}, r"the value has the key '1', a int"),
        (object(), r"the value is a object"),
        (Msg("u", "x", metadata={"f": print}), r"the value\.metadata\['f'\] is a builtin_function_or_method"),
        pytest.param(10**5000, r"cannot be written as JSON", id="digits"),
    ],
)
def test_what_cannot_travel_is_named(value, where: str) -> None:
    with pytest.raises(UsageError, match=where):
        encode(value)
    with pytest.raises(UsageError, match=where):
        to_json(value)


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 2**64 - 1, 2**64, -(2**63) - 1, 10**300])
def test_an_integer_of_any_size_comes_back(number: int) -> None:
    for value in (number, [number], {"n": number}, Msg("user", "x", metadata=number)):
        assert plain(decode(encode(value))) == plain(value)
    # Readers in other languages have 64 bits: what is beyond is never left to them as a number.
    assert not re.search(rb"[:\[]-?\d{20,}", encode([number if number > 2**64 else 2**64]).data)


def test_a_value_that_holds_itself_is_refused() -> None:
    loop: list = []
    loop.append(loop)
    with pytest.raises(UsageError, match=r"\[0\]…?.*nested deeper than 100"):
        encode(loop)


def test_the_deepest_value_that_is_taken_comes_back() -> None:
    deep: list = []
    for _ in range(MAX_DEPTH):
        deep = [deep]
    assert decode(encode_arguments((deep,), {}, None)) == [[deep], {}]


def test_a_value_over_the_limit_is_refused() -> None:
    with pytest.raises(MessageTooLargeError, match="140 MiB"):
        encode(b"x" * (140 * 2**20))


def test_a_message_that_has_not_arrived_needs_a_reference() -> None:
    class Pending:
        done, value, error = False, None, None

    waiting = PlaceholderMessage.of(Pending())
    with pytest.raises(UsageError, match=r"the value\[0\] is a message that has not arrived"):
        encode([waiting])
    wire = encode([waiting], lambda message: {"__promise__": "c1"})
    assert decode(wire, lambda tree: ("promise", tree["__promise__"])) == [("promise", "c1")]


def test_bytes_travel_beside_the_json() -> None:
    wire = encode([b"\x00\xff"])
    assert (json.loads(wire.data), list(wire.blobs)) == ([{"__blob__": 0}], [b"\x00\xff"])


@pytest.mark.parametrize("data", [b"\xff\xff\xff", b"\x0a\xff"])
def test_bytes_that_are_no_batch_are_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError, match="not a Batch"):
        parsed(data)


def test_a_batch_of_very_many_frames_is_refused() -> None:
    with pytest.raises(ProtocolError, match="more than 20,000 frames"):
        parsed(b"\x0a\x00" * 1_000_000)
    with pytest.raises(ProtocolError, match="more than 1,000,000 fields"):
        parsed(
            pb.Batch(
                frames=[pb.Frame(update=pb.Update(done=pb.Payload(blobs=[b""] * 1_100_000)))]
            ).SerializeToString()
        )
    big = bytes(range(256)) * 8000 + b"\x08\x01" * 1_000_000  # what looks like fields, in a blob
    batch = pb.Batch(frames=[pb.Frame(update=pb.Update(done=pb.Payload(data=big, blobs=[big])))])
    assert parsed(batch.SerializeToString()) == batch


@pytest.mark.parametrize(
    "many", ["[[]" + ",[]" * 250_000 + "]", "[1" + ",1" * 4_000_000 + "]"], ids=["lists", "numbers"]
)
def test_a_value_of_very_many_parts_is_refused(many: str) -> None:
    with pytest.raises(ProtocolError, match="value holds more than"):
        from_json(many, "value")


def test_brackets_and_commas_in_a_text_are_none() -> None:
    text = '[{"a", \\"' * 600_000
    assert from_json(to_json(text)) == text
    with pytest.raises(MessageTooLargeError, match="more than 250,000 lists and dictionaries"):
        to_json([[]] * 300_000)


@pytest.mark.parametrize("field", ["id", "name", "timestamp"])
def test_a_message_whose_fields_are_no_texts_is_refused(field: str) -> None:
    odd = Msg("user", "x").to_dict() | {field: 3}
    with pytest.raises(ProtocolError, match=f"its {field} is no text"):
        from_json(json.dumps(odd))


def test_a_message_that_names_no_text_does_not_travel() -> None:
    with pytest.raises(UsageError, match="is a message whose name is a int, not a text"):
        encode(Msg(3, "x"))


# ---------------------------------------------------------------------------- errors


def test_keys_in_errors_are_masked() -> None:
    key = "sk-canary-0123456789abcdefghij"
    for length in (0, 100, 19_990, 20_000, 20_010, 30_000):
        try:
            raise ValueError(f"{'x' * length} {key} {key}")
        except ValueError as error:
            wire = encode_error(error)
        for shown in (wire.message, wire.traceback, str(decode_error(wire, "poet"))):
            assert "0123456789" not in shown


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_every_built_in_error_keeps_its_class(name: str) -> None:
    back = decode_error(encode_error(BUILT_IN[name]("the reason")), "poet")
    assert isinstance(back, RemoteAgentError)
    assert isinstance(back, BUILT_IN[name])
    assert str(back) == f"poet: {name}: the reason"
    assert back.type_name == name


def test_an_error_of_ours_keeps_its_class_and_hint() -> None:
    error = AgentServerNotAliveError("it is gone", hint="%agents server start")
    back = decode_error(encode_error(error), "poet")
    assert type(back) is AgentServerNotAliveError
    assert (str(back), back.hint, back.remote_traceback) == ("it is gone", "%agents server start", None)


def test_an_error_that_went_through_two_servers_names_both_agents() -> None:
    first = decode_error(encode_error(ValueError("no")), "inner")
    second = decode_error(encode_error(first), "outer")
    assert str(second) == "outer: ValueError: inner: ValueError: no"
    assert isinstance(second, ValueError)


def test_an_unknown_class_is_a_remote_error_of_that_name() -> None:
    wire = pb.Error(type="os.system", message="boo", builtin="SystemExit")
    back = decode_error(wire, "poet")
    assert type(back) is RemoteAgentError
    assert isinstance(back, NbAgentsError)
    assert str(back) == "poet: os.system: boo"


def test_a_group_of_errors_travels() -> None:
    back = decode_error(encode_error(ExceptionGroup("two", [ValueError("a"), KeyError("b")])), "poet")
    assert "two (2 sub-exceptions)" in str(back)


def test_endless_texts_are_cut() -> None:
    wire = encode_error(ValueError("x" * 10**6))
    assert wire.ByteSize() < 100_000
