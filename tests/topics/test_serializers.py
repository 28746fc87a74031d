"""What typed messages become as bytes, and what is refused before it would come out as something else."""

import dataclasses
import threading
import typing

import pydantic
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from nbagents.exceptions import CantHandleException, UsageError
from nbagents.message import Msg
from nbagents.rpc._proto import agent_pb2 as pb
from nbagents.rpc._topics._values import Values
from nbagents.topics import (
    JSON_DATA_CONTENT_TYPE,
    PROTOBUF_DATA_CONTENT_TYPE,
    DataclassJsonMessageSerializer,
    MessageSerializer,
    NestedDataclassSerializer,
    PydanticJsonMessageSerializer,
    SerializationRegistry,
    UnknownPayload,
    try_get_known_serializers_for_type,
)
from nbagents.topics._json import PlainSerializer


@dataclasses.dataclass
class Point:
    x: float
    label: str | None = None
    tags: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Line:
    start: Point
    others: list[Point]
    named: dict[str, Point | None]


@dataclasses.dataclass
class Listed:
    points: list[Point]


@dataclasses.dataclass
class Either:
    point: typing.Optional[Point]  # noqa: UP045  # both spellings count


class Model(pydantic.BaseModel):
    value: int
    inner: list[Point] = []


@dataclasses.dataclass
class HoldsModel:
    model: Model


def there_and_back(value):
    (serializer,) = try_get_known_serializers_for_type(type(value))
    assert isinstance(serializer, MessageSerializer)
    return serializer.deserialize(serializer.serialize(value))


@pytest.mark.parametrize(
    "value",
    [
        Point(1.5, "é", ["a"]),
        Model(value=3, inner=[Point(1.0)]),
        StringValue(value="proto"),
        None,
        "text",
        7,
        2.0,
        True,
        [1, "a", None],
        {"a": [1]},
    ],
    ids=lambda value: type(value).__name__,
)
def test_it_comes_back_as_what_it_was(value):
    back = there_and_back(value)
    assert back == value
    assert type(back) is type(value)


def test_a_message_of_an_agent_comes_back_as_itself():
    message = Msg("anna", "hello", "user", metadata={"a": 1})
    assert there_and_back(message).to_dict() == message.to_dict()


@pytest.mark.parametrize("kind", [Line, Listed, Either, HoldsModel], ids=lambda kind: kind.__name__)
def test_a_dataclass_that_holds_others_is_refused_by_the_strict_serializer(kind):
    with pytest.raises(ValueError, match="turn into a dict"):
        DataclassJsonMessageSerializer(kind)


def test_the_serializer_for_nested_ones_brings_each_back_as_what_it_was():
    line = Line(Point(1.0), [Point(2.0, "b")], {"c": Point(3.0), "d": None})
    serializer = NestedDataclassSerializer(Line)
    assert serializer.deserialize(serializer.serialize(line)) == line


@pytest.mark.parametrize(
    ("serializer", "payload"),
    [
        (DataclassJsonMessageSerializer(Point), b'{"y": 1}'),
        (DataclassJsonMessageSerializer(Point), b"[1]"),
        (DataclassJsonMessageSerializer(Point), b"{" * 100_000),
        (NestedDataclassSerializer(Line), b'{"start": 7}'),
        (PydanticJsonMessageSerializer(Model), b'{"value": "x"}'),
        (try_get_known_serializers_for_type(StringValue)[0], b"\xff\xff"),
        (try_get_known_serializers_for_type(int)[0], b"true"),
        (try_get_known_serializers_for_type(Msg)[0], b'{"name": "x"}'),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, bytes) else str(value[:8]),
)
def test_what_does_not_fit_is_a_typed_error(serializer, payload):
    with pytest.raises(CantHandleException, match="what came as"):
        serializer.deserialize(payload)


@pytest.mark.parametrize("value", [{1, 2}, float("nan"), object()], ids=["set", "nan", "object"])
def test_what_json_cannot_say_is_a_typed_error(value):
    with pytest.raises(UsageError, match="cannot be sent as JSON"):
        DataclassJsonMessageSerializer(Point).serialize(Point(value))


def test_what_holds_itself_is_a_typed_error_and_what_is_deep_is_none():
    itself: list = []
    itself.append(itself)
    with pytest.raises(UsageError, match="Circular reference"):
        PlainSerializer(list).serialize(itself)
    deep: list = []
    for _ in range(200):
        deep = [deep]
    assert PlainSerializer(list).deserialize(PlainSerializer(list).serialize(deep)) == deep


def test_space_around_what_came_is_none_of_it():
    assert PlainSerializer(list).deserialize(b' \n[1, "two"]\t') == [1, "two"]
    with pytest.raises(CantHandleException, match="Extra data"):
        PlainSerializer(list).deserialize(b"[1] [2]")


def test_nobody_knows_a_plain_class():
    assert try_get_known_serializers_for_type(object) == []


def make(name, qualname, module="a"):
    kind = dataclasses.make_dataclass(name, [("x", int)])
    kind.__qualname__, kind.__module__ = qualname, module
    return kind


def test_two_classes_of_one_name_are_refused_and_one_defined_anew_is_taken():
    registry = SerializationRegistry()
    registry.add_serializer(try_get_known_serializers_for_type(make("Order", "Order", "__main__")))
    again = make("Order", "Order", "__main__")
    registry.add_serializer(try_get_known_serializers_for_type(again))
    kind = registry.content_type_of("Order")
    value = registry.deserialize(b'{"x": 1}', type_name="Order", data_content_type=kind)
    assert type(value) is again
    with pytest.raises(ValueError, match=r"__main__\.Order and shop\.Order"):
        registry.add_serializer(try_get_known_serializers_for_type(make("Order", "Order", "shop")))


def test_a_registry_learns_a_type_where_it_knows_none():
    registry = SerializationRegistry()
    assert registry.learn(Point)
    assert registry.learn(Point)
    assert not registry.learn(object)
    assert registry.is_registered("Point", JSON_DATA_CONTENT_TYPE)
    assert registry.type_name(Point(1.0)) == "Point"


def test_an_unknown_type_arrives_as_what_came_and_is_not_sent():
    registry = SerializationRegistry()
    came = registry.deserialize(b"..", type_name="Order", data_content_type=PROTOBUF_DATA_CONTENT_TYPE)
    assert came == UnknownPayload("Order", PROTOBUF_DATA_CONTENT_TYPE, b"..")
    assert registry.type_name(came) == "Order"
    with pytest.raises(ValueError, match="Unknown type Order with content type application/json"):
        registry.serialize(Point(1.0), type_name="Order", data_content_type=JSON_DATA_CONTENT_TYPE)


def test_protobuf_has_its_full_name():
    registry = SerializationRegistry()
    registry.learn(StringValue)
    assert registry.type_name(StringValue()) == "google.protobuf.StringValue"
    assert registry.content_type_of("google.protobuf.StringValue") == PROTOBUF_DATA_CONTENT_TYPE


def test_another_class_of_a_name_that_is_taken_is_not_written_as_that_one():
    def made(module):
        kind = dataclasses.make_dataclass("Order", [("amount", int)])
        kind.__module__ = module
        return kind

    values = Values(SerializationRegistry(), threading.Lock(), "application/json")
    values.encode(made("shop")(1), pb.Value())
    with pytest.raises(
        UsageError, match=r"two message types are named Order: shop\.Order and kitchen\.Order"
    ):
        values.encode(made("kitchen")(2), pb.Value())
